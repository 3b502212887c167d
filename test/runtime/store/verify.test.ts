import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { digestOf } from "../../../src/schema/digest.ts"
import type { NodeTrace } from "../../../src/schema/trace.ts"
import { checkStore } from "../../../src/runtime/store/check-store.ts"
import { LARGE_BYTES } from "../../../src/runtime/store/large-file.ts"
import { dropLease, takeLease } from "../../../src/runtime/store/leases.ts"
import { openStore } from "../../../src/runtime/store/store.ts"
import { readTable, writeTable } from "../../../src/runtime/store/tables.ts"

const folders: Array<string> = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text.repeat(30))
const KEY = digestOf("key")
const ITEM = digestOf("item")
const CHUNK = digestOf("chunk")

/** A store with one result of each kind: a table of rows with small and large pictures, an item's and a chunk's result. */
const filled = (rows = 300): { readonly root: string; readonly table: string } => {
  const root = mkdtempSync(join(tmpdir(), "facet-verify-"))
  folders.push(root)
  const store = openStore(root)
  const large = store.blobs.put(new Uint8Array(LARGE_BYTES + 3).fill(8))
  const out = writeTable(
    store.blobs,
    "T",
    Array.from({ length: rows }, (_, i) => ({
      id: `row-${i}`,
      image: i === 0 ? large : store.blobs.put(bytes(`picture ${i}`)),
    })) as never,
  )
  const { chunks } = JSON.parse(new TextDecoder().decode(store.blobs.get(out.digest))) as { chunks: never }
  const trace: NodeTrace = {
    uses: "t",
    fingerprint: "v1",
    params: {},
    seed: 0,
    inputs: {},
    files: {},
    key: KEY,
    pipeline: "p",
    node: "n",
    run: "r",
    modules: {},
    outputs: { out },
    startedAt: 1,
    ms: 1,
    environment: { node: "", platform: "", cpus: 1 },
  }
  store.traces.add(trace)
  store.traces.addChunk(CHUNK, { items: rows, ports: { out: { chunks, open: false } } }, 1)
  store.publish()
  store.traces.addItems([[ITEM, { rows: [{ image: store.blobs.put(bytes("picture 7")) }], rejected: [] }]], 1)
  store.traces.saveRun({
    id: "r",
    pipeline: "p",
    file: "",
    targets: [],
    status: "ok",
    startedAt: 1,
    ms: 1,
    nodes: [],
  })
  store.close()
  return { root, table: out.digest }
}
const packOf = (root: string): string => join(root, "packs", readdirSync(join(root, "packs"))[0])
const largeOf = (root: string): string => {
  const folder = join(root, "objects", readdirSync(join(root, "objects"))[0])
  return join(folder, readdirSync(folder)[0])
}
const flip = (path: string, at: number): void => {
  const content = readFileSync(path)
  content[at] ^= 4
  writeFileSync(path, content)
}
const kinds = (root: string, repair = false): ReadonlyArray<string> =>
  Object.keys(checkStore(root, { repair }).counts).sort()

/** What is found (looking changes nothing), and what after a repair. */
const repaired = (root: string) => {
  const [found, again] = [kinds(root), kinds(root)]
  const report = checkStore(root, { repair: true })
  return { found: found.join() === again.join() && report.repaired ? found : again, left: kinds(root) }
}

describe("damage is found, and repair leaves what is whole", () => {
  it("nothing, where nothing is wrong", () => {
    const { root } = filled()
    expect(checkStore(root, { repair: true })).toMatchObject({
      problems: [],
      repaired: false,
      traces: 1,
      items: 2,
    })
  })

  it("a bit turned in a small blob", () => {
    const { root } = filled()
    const pack = packOf(root)
    flip(pack, readFileSync(pack).indexOf("picture 7") + 20)
    expect(repaired(root)).toEqual({
      found: ["damaged-blob", "dangling-chunk", "dangling-item", "dangling-trace"],
      left: [],
    })
    const store = openStore(root)
    expect(store.traces.find(KEY)).toBeUndefined()
    expect(store.traces.item(ITEM, 0)).toBeUndefined()
    expect(store.traces.chunk(CHUNK, 0)).toBeUndefined()
    store.close()
  })

  it("a bit turned in the header of a record, which a rebuilt index would need", () => {
    const { root } = filled()
    const pack = packOf(root)
    flip(pack, readFileSync(pack).indexOf("picture 7") - 10)
    expect(kinds(root)).toContain("damaged-blob")
  })

  it("a pack cut off", () => {
    const { root } = filled()
    truncateSync(packOf(root), 500)
    expect(repaired(root)).toEqual({
      found: ["damaged-blob", "dangling-chunk", "dangling-item", "dangling-trace"],
      left: [],
    })
  })

  it("a pack gone", () => {
    const { root } = filled()
    rmSync(packOf(root))
    expect(repaired(root)).toEqual({
      found: ["dangling-chunk", "dangling-item", "dangling-trace", "missing-blob"],
      left: [],
    })
  })

  it("a large blob cut off, or gone", () => {
    for (const damage of [(path: string) => truncateSync(path, 100), (path: string) => rmSync(path)]) {
      const { root } = filled()
      damage(largeOf(root))
      const found = kinds(root)
      expect(found).toContain("dangling-trace")
      expect(repaired(root)).toEqual({ found, left: [] })
    }
  })

  it("a record of the index that says something else than was written", () => {
    for (const [table, column] of [
      ["traces", "record"],
      ["items", "result"],
      ["chunk_results", "result"],
      ["runs", "record"],
    ] as const) {
      const { root } = filled()
      const store = openStore(root)
      store.db.exec(`UPDATE ${table} SET ${column} = replace(${column}, '"', ' "')`)
      expect(store.traces.find(KEY) === undefined).toBe(table === "traces")
      expect(store.traces.item(ITEM, 0) === undefined).toBe(table === "items")
      expect(store.traces.chunk(CHUNK, 0) === undefined).toBe(table === "chunk_results")
      expect(store.traces.run("r") === undefined).toBe(table === "runs")
      store.close()
      expect(repaired(root)).toEqual({ found: ["damaged-record"], left: [] })
    }
  })

  it("not beside a run", () => {
    const { root } = filled()
    const store = openStore(root)
    takeLease(store, "run", [])
    expect(() => checkStore(root, { repair: true })).toThrow(/the run run is under way/u)
    expect(checkStore(root, { repair: false }).problems).toEqual([])
    dropLease(store, "run")
    store.close()
  })
})

describe("a damaged index", () => {
  it("is told, and rebuilt from the packs and from what can still be read", () => {
    const { root, table } = filled(3000)
    const index = join(root, "store.db")
    const content = readFileSync(index)
    // A page in the middle of a tree: of its header, so that SQLite can not take it for whole.
    const pages = content.length / 4096
    for (let page = 5; page < Math.min(40, pages); page++) content.fill(0xee, page * 4096, page * 4096 + 16)
    writeFileSync(index, content)
    expect(kinds(root)).toEqual(["damaged-index"])
    const report = checkStore(root, { repair: true })
    expect(report.counts["damaged-index"]).toBe(1)
    expect(report.blobs).toBeGreaterThan(3000)
    expect(kinds(root)).toEqual([])
    const store = openStore(root)
    expect(readTable(store.blobs, table as never).rows).toBe(3000)
    expect(store.blobs.get(digestOf(bytes("picture 2999")))).toEqual(bytes("picture 2999"))
    store.close()
  })

  it("that is no database any more gives the blobs back", () => {
    const { root, table } = filled()
    writeFileSync(join(root, "store.db"), "nothing of the kind".repeat(1000))
    expect(() => openStore(root)).toThrow(/not a database/u)
    expect(kinds(root)).toEqual(["damaged-index"])
    checkStore(root, { repair: true })
    const store = openStore(root)
    expect(readTable(store.blobs, table as never).rows).toBe(300)
    expect(store.traces.find(KEY)).toBeUndefined()
    store.close()
  })

  it("that was lost, or emptied, is not taken for a new one", () => {
    for (const lose of [rmSync, (path: string) => writeFileSync(path, "")]) {
      const { root, table } = filled()
      lose(join(root, "store.db"))
      expect(() => openStore(root)).toThrow(/verify --repair/u)
      expect(kinds(root)).toEqual(["damaged-index"])
      checkStore(root, { repair: true })
      const store = openStore(root)
      expect(readTable(store.blobs, table as never).rows).toBe(300)
      store.close()
    }
  })

  it("gives back what lies behind a damaged record of a pack", () => {
    const { root } = filled()
    const pack = packOf(root)
    flip(pack, readFileSync(pack).indexOf("picture 7") - 10)
    rmSync(join(root, "store.db"))
    writeFileSync(join(root, "store.db"), "gone".repeat(2000))
    checkStore(root, { repair: true })
    const store = openStore(root)
    expect(store.blobs.has(digestOf(bytes("picture 7")))).toBe(false)
    for (const i of [6, 8, 299]) expect(store.blobs.has(digestOf(bytes(`picture ${i}`)))).toBe(true)
    store.close()
  })
})
