import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { digestOf } from "../../../src/schema/digest.ts"
import { canonical } from "../../../src/schema/json.ts"
import { addressDigest, bitsApart, Forgotten, readForgotten } from "../../../src/runtime/store/forgotten.ts"
import { openStore } from "../../../src/runtime/store/store.ts"
import { forget } from "../../../src/runtime/store/forget.ts"

const folders: Array<string> = []
const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "facet-forgotten-"))
  folders.push(made)
  return made
}
afterEach(() => {
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true })
})
const tombstone = { at: "2026-11-23T00:00:00.000Z", urls: [], digests: [], looks: [] }

describe("addresses", () => {
  it("are one however they are written", () => {
    const one = addressDigest("https://example.org/a/B.jpg?x=1")
    for (const other of [
      "http://example.org/a/B.jpg?x=1",
      "HTTPS://Example.ORG:443/a/B.jpg?x=1#top",
      "http://example.org:80/a/B.jpg?x=1",
    ])
      expect(addressDigest(other)).toBe(one)
    for (const other of ["https://example.org/a/b.jpg?x=1", "https://example.org:8080/a/B.jpg?x=1"])
      expect(addressDigest(other)).not.toBe(one)
    expect(addressDigest("http://example.org")).toBe(addressDigest("https://example.org/#top"))
    expect(addressDigest("data/faces.csv#3")).toBe(digestOf("data/faces.csv#3"))
  })
})

describe("looks", () => {
  it("are as far apart as they have different bits", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.bigInt(0n, 2n ** 64n - 1n), (a, b) => {
        const hex = (n: bigint): string => n.toString(16).padStart(16, "0")
        const bits = (a ^ b).toString(2).replaceAll("0", "").length
        expect(bitsApart(hex(a), hex(b))).toBe(bits)
      }),
    )
  })
})

describe("a row", () => {
  it("is found in a text as it is by itself, whatever its strings hold", () => {
    const pictures = ["a", "b", "c"].map((text) => digestOf(text))
    const addresses = [
      "https://e.org/1.jpg",
      'http://e.org/"quoted"\\.jpg',
      "data/x.csv#1",
      "https://e.org/ü",
    ]
    const hashes = ["0123456789abcdef", "ffffffffffffffff"]
    const row = fc.record(
      {
        id: fc.oneof(fc.string(), fc.constantFrom('"$blob":"', '","url":"')),
        image: fc.constantFrom(...pictures).map(($blob) => ({ $blob, bytes: 3 })),
        source: fc.record(
          { url: fc.constantFrom(...addresses), page: fc.constantFrom(...addresses) },
          { requiredKeys: [] },
        ),
        url: fc.constantFrom(...addresses),
        phash: fc.constantFrom(...hashes),
        note: fc.constantFrom("no picture", `"$blob":"${pictures[0]}"`),
      },
      { requiredKeys: ["id"] },
    )
    const request = fc.record({
      at: fc.constant(""),
      urls: fc.subarray(addresses).map((some) => some.map(addressDigest)),
      digests: fc.subarray(pictures),
      looks: fc.subarray([{ hash: "0123456789abcdee", distance: 1 }]),
    })
    fc.assert(
      fc.property(fc.array(row, { maxLength: 4 }), request, (rows, one) => {
        const forgotten = new Forgotten([one])
        const text = Buffer.from(rows.map((each) => `${canonical(each)}\n`).join(""))
        expect(forgotten.text(text)).toBe(rows.some((each) => forgotten.row(each)))
      }),
      { numRuns: 500 },
    )
  })
})

describe("the file of requests", () => {
  it("is read line by line, and a line that is none is an error with its place", () => {
    const project = folder()
    expect(readForgotten(project).isEmpty).toBe(true)
    const path = join(project, "forgotten.jsonl")
    writeFileSync(path, `${JSON.stringify({ ...tombstone, digests: [digestOf("x")] })}\n\n`)
    expect(readForgotten(project).blob(digestOf("x"))).toBe(true)
    writeFileSync(
      path,
      `${JSON.stringify(tombstone)}\n{"at":"x","urls":["no digest"],"digests":[],"looks":[]}\n`,
    )
    expect(() => readForgotten(project)).toThrow(/forgotten\.jsonl:2/u)
  })

  it("gets a line of its own for each request, also behind one without an end", () => {
    const project = folder()
    const store = openStore(join(project, "cache"))
    const path = join(project, "forgotten.jsonl")
    writeFileSync(path, JSON.stringify({ ...tombstone, digests: [digestOf("x")] }))
    forget(store, project, { urls: ["https://e.org/1"], digests: [], looks: [], dryRun: false, now: 0 })
    const found = readForgotten(project)
    expect(found.tombstones).toHaveLength(2)
    expect(found.blob(digestOf("x"))).toBe(true)
    expect(found.row({ id: "a", source: { url: "http://e.org/1" } })).toBe(true)
    store.close()
  })

  it("names the same set whatever the order of its lines, and how often they say it", () => {
    const [a, b] = [
      { ...tombstone, digests: [digestOf("a")] },
      { ...tombstone, urls: [digestOf("b")] },
    ]
    expect(new Forgotten([a, b]).id).toBe(new Forgotten([b, a, a]).id)
    expect(new Forgotten([a]).id).not.toBe(new Forgotten([a, b]).id)
  })
})

describe("a blob that was forgotten", () => {
  it("is not stored, whoever puts it", async () => {
    const project = folder()
    const store = openStore(join(project, "cache"))
    const [small, large] = [Buffer.from("small"), Buffer.alloc(1 << 20, 5)]
    writeFileSync(
      join(project, "forgotten.jsonl"),
      `${JSON.stringify({ ...tombstone, digests: [digestOf(small), digestOf(large)] })}\n`,
    )
    store.forgotten.use(project)
    const file = join(project, "file")
    writeFileSync(file, large)
    store.blobs.put(small)
    store.blobs.put(large)
    store.blobs.putFile(file)
    await store.blobs.putStream(
      (async function* () {
        yield large
      })(),
    )
    store.blobs.flush()
    expect([small, large].map((bytes) => store.blobs.has(digestOf(bytes)))).toEqual([false, false])
    store.close()
  })
})
