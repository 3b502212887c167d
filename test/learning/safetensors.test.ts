import * as fc from "fast-check"
import { createHash } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import {
  readSafetensors,
  SafetensorsError,
  type SafetensorsTensor,
  writeSafetensors,
} from "../../src/learning/safetensors.ts"

const f32 = (shape: Array<number>, values: Array<number>): SafetensorsTensor => ({
  dtype: "F32",
  shape,
  data: Float32Array.from(values),
})

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : 1

const raw = (header: string, data: Array<number> = []): Uint8Array => {
  const text = new TextEncoder().encode(header)
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}

const tensor = fc.oneof(
  fc
    .array(fc.float(), { maxLength: 12 })
    .map((v): SafetensorsTensor => ({ dtype: "F32", shape: [v.length], data: Float32Array.from(v) })),
  fc
    .uint8Array({ minLength: 6, maxLength: 6 })
    .map((v): SafetensorsTensor => ({ dtype: "U8", shape: [2, 3], data: new Uint8Array(v) })),
  fc.bigInt(-5n, 5n).map((v): SafetensorsTensor => ({ dtype: "I64", shape: [], data: BigInt64Array.of(v) })),
)

describe("safetensors", () => {
  it("reads back what was written, whatever the order and the alignment", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1 }), tensor),
        fc.dictionary(fc.string(), fc.string()),
        fc.integer({ min: 0, max: 7 }),
        (tensors, metadata, shift) => {
          const entries = Object.entries(tensors)
          const bytes = writeSafetensors(new Map(entries), metadata)
          expect(writeSafetensors(new Map(entries.toReversed()), metadata)).toEqual(bytes)
          const shifted = new Uint8Array(bytes.length + shift)
          shifted.set(bytes, shift)
          const back = readSafetensors(shifted.subarray(shift))
          expect(back.metadata).toEqual({ ...metadata })
          expect(new Map([...back.tensors].toSorted(byName))).toEqual(new Map(entries.toSorted(byName)))
        },
      ),
      { numRuns: 60 },
    )
  })

  it("any cut of a file is an error, never a wrong result", () => {
    const bytes = writeSafetensors(new Map([["a", f32([2, 2], [1, 2, 3, 4])]]), { note: "x" })
    for (let n = 0; n < bytes.length; n++)
      expect(() => readSafetensors(bytes.subarray(0, n)), `cut at ${n}`).toThrow(SafetensorsError)
  })

  it.each([
    ["not JSON", raw("{nonsense"), /not JSON/],
    ["not an object", raw("[1]"), /not a JSON object/],
    ["not UTF-8", raw("{}").with(8, 0xff), /not UTF-8/],
    ["a huge header", Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), /above the limit/],
    ["unknown dtype", raw('{"a":{"dtype":"F7","shape":[0],"data_offsets":[0,0]}}'), /"a": unknown dtype/],
    [
      "inherited name as dtype",
      raw('{"a":{"dtype":"toString","shape":[0],"data_offsets":[0,0]}}'),
      /unknown dtype/,
    ],
    ["negative size", raw('{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}'), /not a list of sizes/],
    ["bad offsets", raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}'), /not \[begin, end\]/],
    [
      "wrong length",
      raw('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}', [0, 0, 0, 0]),
      /needs 8 bytes/,
    ],
    ["a hole", raw('{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', [0, 0]), /a hole or an overlap/],
    [
      "an overlap",
      raw(
        '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}',
        [0],
      ),
      /a hole or an overlap/,
    ],
    ["bytes of nobody", raw("{}", [7]), /belong to none/],
    [
      "an overflowing shape",
      raw('{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'),
      /too large/,
    ],
    ["metadata of numbers", raw('{"__metadata__":{"n":1}}'), /n is not a string/],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(message)
  })

  it("refuses to write what cannot be read back", () => {
    expect(() => writeSafetensors(new Map([["a", f32([3], [1, 2])]]))).toThrow(
      /"a": shape \[3\] but 2 values/,
    )
    expect(() =>
      writeSafetensors(new Map([["a", { dtype: "F32", shape: [1], data: Uint8Array.of(1) }]])),
    ).toThrow(/F32 data in a Uint8Array/)
    expect(() => writeSafetensors(new Map([["__metadata__", f32([0], [])]]))).toThrow(
      /cannot be a tensor's name/,
    )
  })

  const file = new URL("../../../shared/data/mtcnn/pnet.safetensors", import.meta.url)
  it.skipIf(!existsSync(file))("reads the published P-Net (skipped without ../shared/data)", () => {
    const { tensors } = readSafetensors(readFileSync(file))
    const count = [...tensors.values()].reduce((n, t) => n + t.data.length, 0)
    expect(count).toBe(6632)
    expect(tensors.get("pnet.conv1.weight")?.shape).toEqual([10, 3, 3, 3])
    const again = readSafetensors(writeSafetensors(tensors))
    const digest = (all: ReadonlyMap<string, SafetensorsTensor>): string => {
      const hash = createHash("sha256")
      for (const [name, { data }] of [...all].toSorted(byName))
        hash.update(name).update(Buffer.from(data.buffer, data.byteOffset, data.byteLength))
      return hash.digest("hex")
    }
    expect(digest(again.tensors)).toBe(digest(tensors))
  })
})
