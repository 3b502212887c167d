import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { writeFiles, readFiles } from "../../src/runtime/store/artifacts.ts"
import { readTable, writeTable } from "../../src/runtime/store/tables.ts"
import { LARGE_BYTES } from "../../src/runtime/store/large-file.ts"
import { collect } from "../../src/runtime/store/collect.ts"
import { openStore, type OpenStore } from "../../src/runtime/store/store.ts"
import { verify } from "../../src/runtime/store/verify.ts"

const folders: Array<string> = []
const open = (root = mkdtempSync(join(tmpdir(), "facet-store-"))): OpenStore => {
  folders.push(root)
  return openStore(root)
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const text = (value: string) => new TextEncoder().encode(value)

describe("blobs", () => {
  it("come back as they went in, in this process and the next, small and large", () => {
    const store = open()
    const large = new Uint8Array(LARGE_BYTES + 5).fill(7)
    const refs = [text(""), text("small"), large].map((bytes) => store.blobs.put(bytes))
    expect(store.blobs.get(refs[1].$blob)).toEqual(text("small"))
    store.close()
    const again = open(store.root)
    expect(refs.map((ref) => again.blobs.get(ref.$blob).length)).toEqual([0, 5, large.length])
    again.close()
  })

  it("are seen by no other process before they are durable", () => {
    const writer = open()
    const reader = open(writer.root)
    const ref = writer.blobs.put(text("not yet"))
    expect(reader.blobs.has(ref.$blob)).toBe(false)
    writer.blobs.flush()
    expect(reader.blobs.get(ref.$blob)).toEqual(text("not yet"))
    writer.close()
    reader.close()
  })

  it("are stored once, whoever puts them", () => {
    const a = open()
    const b = open(a.root)
    for (const store of [a, b]) {
      store.blobs.put(text("same"))
      store.blobs.flush()
    }
    expect(a.db.prepare("SELECT COUNT(*) AS n FROM blobs").get()).toEqual({ n: 1 })
    a.close()
    b.close()
  })

  it("that were damaged on disk are found before they are used", () => {
    const store = open()
    const small = store.blobs.put(text("a small one that will be flipped"))
    const large = store.blobs.put(new Uint8Array(LARGE_BYTES).fill(3))
    store.close()
    const pack = join(store.root, "packs", readdirSync(join(store.root, "packs"))[0])
    const bytes = readFileSync(pack)
    bytes[60] ^= 1
    writeFileSync(pack, bytes)
    const folder = join(store.root, "objects", large.$blob.slice(0, 2))
    truncateSync(join(folder, readdirSync(folder)[0]), 100)
    const again = open(store.root)
    expect(() => again.blobs.get(small.$blob)).toThrow(/damaged/u)
    expect(() => again.blobs.get(large.$blob)).toThrow(/damaged/u)
    expect(verify(again, { repair: true }).problems.map((problem) => problem.kind)).toEqual([
      "damaged-blob",
      "damaged-blob",
    ])
    expect(verify(again, { repair: false }).problems).toEqual([])
    // After the repair the same content can be put again.
    again.blobs.put(new Uint8Array(LARGE_BYTES).fill(3))
    again.blobs.flush()
    expect(again.blobs.get(large.$blob).length).toBe(LARGE_BYTES)
    again.close()
  })
})

describe("tables", () => {
  it("have a digest of their rows, whatever the order they come in", async () => {
    const store = open()
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1 }), n: fc.integer() }), {
          selector: (row) => row.id,
          maxLength: 60,
        }),
        async (rows) => {
          const one = writeTable(store.blobs, "T", rows)
          const other = writeTable(store.blobs, "T", [...rows].reverse())
          expect(other.digest).toBe(one.digest)
          const back = await readTable<{ id: string; n: number }>(store.blobs, one.digest).all()
          expect(new Map(back.map((row) => [row.id, row.n]))).toEqual(
            new Map(rows.map((row) => [row.id, row.n])),
          )
          expect(back.map((row) => row.id)).toEqual(
            rows.map((row) => row.id).sort((a, b) => (a < b ? -1 : 1)),
          )
        },
      ),
      { numRuns: 50 },
    )
    store.close()
  })

  it("share all chunks but one when a row is taken away", () => {
    const store = open()
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ id: `sample-${i}`, n: i }))
    const chunks = (digest: string): ReadonlyArray<string> =>
      (
        JSON.parse(new TextDecoder().decode(store.blobs.get(digest))) as {
          chunks: ReadonlyArray<{ chunk: { $blob: string } }>
        }
      ).chunks.map(({ chunk }) => chunk.$blob)
    const before = chunks(writeTable(store.blobs, "T", rows).digest)
    const after = chunks(
      writeTable(
        store.blobs,
        "T",
        rows.filter((row) => row.n !== 7_777),
      ).digest,
    )
    expect(before.length).toBeGreaterThan(10)
    expect(after.filter((chunk) => !before.includes(chunk)).length).toBeLessThanOrEqual(1)
    store.close()
  })

  it("refuse two rows of one id", () => {
    const store = open()
    expect(() => writeTable(store.blobs, "T", [{ id: "a" }, { id: "a" }])).toThrow(
      'two rows of the table have the id "a"',
    )
    store.close()
  })
})

describe("files", () => {
  it("refuse paths that lead out of the artifact", () => {
    const store = open()
    for (const path of ["../x", "/etc/passwd", "a/../../b", "a//b"]) {
      expect(() => writeFiles(store.blobs, "Files", { [path]: text("x") })).toThrow(/plain relative path/u)
    }
    store.close()
  })

  it("are laid out read-only as they were", async () => {
    const store = open()
    const output = writeFiles(store.blobs, "Files", { "a/b.txt": text("b"), "c.txt": text("c") })
    const into = mkdtempSync(join(tmpdir(), "facet-files-"))
    folders.push(into)
    const root = await readFiles(store.blobs, output.digest, async () => into).materialize()
    expect(readFileSync(join(root, "a", "b.txt"), "utf8")).toBe("b")
    store.close()
  })
})

describe("collect", () => {
  it("frees what no kept run names, and leaves the rest whole", () => {
    const store = open()
    const lost = store.blobs.put(text("nobody names me"))
    const kept = store.blobs.put(text("an item names me"))
    store.blobs.flush()
    store.traces.addItems([["k".repeat(64) as never, { rows: [{ image: kept }], rejected: [] }]], Date.now())
    const options = { keepRuns: 5, keepMs: 1000, dryRun: true, now: Date.now() }
    expect(collect(store, options)).toMatchObject({ freedBlobs: 1 })
    expect(store.blobs.has(lost.$blob)).toBe(true)
    collect(store, { ...options, dryRun: false })
    expect(store.blobs.has(lost.$blob)).toBe(false)
    expect(store.blobs.get(kept.$blob)).toEqual(text("an item names me"))
    expect(verify(store, { repair: false }).problems).toEqual([])
    collect(store, { ...options, dryRun: false, now: Date.now() + 10_000 })
    expect(store.blobs.has(kept.$blob)).toBe(false)
    store.close()
  })
})
