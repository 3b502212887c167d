import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { canonical } from "../../src/schema/json.ts"
import { Chunker, idOfLine } from "../../src/runtime/store/chunker.ts"
import { RowSorter } from "../../src/runtime/store/row-sorter.ts"
import { openStore, type OpenStore } from "../../src/runtime/store/store.ts"
import { TableWriter, writeTable } from "../../src/runtime/store/tables.ts"

let root: string
let store: OpenStore
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "facet-"))
  store = openStore(root)
})
afterAll(() => {
  store.close()
  rmSync(root, { recursive: true, force: true })
})

const rowsFrom = (from: number, to: number, drop: (n: number) => boolean = () => false) =>
  Array.from({ length: to - from }, (_, i) => from + i)
    .filter((n) => !drop(n))
    .map((n) => ({ id: `row-${String(n).padStart(7, "0")}`, n }))

/** Rows cut by themselves, as a mapping node cuts what one chunk of its input gave. */
const runOf = (rows: ReadonlyArray<{ readonly id: string }>) => {
  const chunker = new Chunker(store.blobs)
  for (const row of rows) chunker.row(row.id, canonical(row))
  return chunker.end()
}

describe("a table written in runs", () => {
  it("is the table written row by row, wherever the runs begin and whatever was dropped", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 2, max: 9 }),
        (lengths, gap) => {
          const writer = new TableWriter(store.blobs)
          const all: Array<{ id: string; n: number }> = []
          let from = 0
          for (const length of lengths) {
            const rows = rowsFrom(from, from + length, (n) => n % gap === 0)
            writer.run(runOf(rows))
            all.push(...rows)
            from += length
          }
          expect(writer.end("T")).toEqual(writeTable(store.blobs, "T", all))
        },
      ),
      { numRuns: 60, seed: 7 },
    )
  })

  it("is sorted where a run comes too early", () => {
    const [a, b, c] = [rowsFrom(0, 900), rowsFrom(900, 2000), rowsFrom(2000, 2500)]
    const writer = new TableWriter(store.blobs)
    for (const rows of [b, a, c]) writer.run(runOf(rows))
    expect(writer.end("T")).toEqual(writeTable(store.blobs, "T", [...a, ...b, ...c]))
  })

  it("names an id that is there twice, also in another run", () => {
    const writer = new TableWriter(store.blobs)
    writer.run(runOf(rowsFrom(0, 10)))
    expect(() => writer.run(runOf(rowsFrom(9, 12)))).toThrow('the id "row-0000009"')
    const other = new TableWriter(store.blobs)
    for (const rows of [rowsFrom(0, 10), rowsFrom(5, 8)])
      for (const row of rows) if (row.n !== 3) other.row(row.id, canonical(row))
    expect(() => other.end("T")).toThrow('the id "row-0000005"')
  })
})

describe("rows sorted outside of memory", () => {
  const id = fc.string({ unit: "binary", minLength: 1, maxLength: 6 })

  it("are those sorted in memory, in the order of code units", () => {
    fc.assert(
      fc.property(fc.uniqueArray(id, { maxLength: 60 }), (ids) => {
        const sort = (inMemory: number) => {
          const sorter = new RowSorter(inMemory)
          for (const one of ids) sorter.add({ id: one, line: `line of ${one.length}` })
          return [...sorter.sorted()].map((row) => row.id)
        }
        expect(sort(30)).toEqual(sort(1_000_000))
        expect(sort(30)).toEqual([...ids].sort((a, b) => (a < b ? -1 : 1)))
      }),
      { numRuns: 200, seed: 7 },
    )
  })

  it("find an id that is there twice", () => {
    const sorter = new RowSorter(1)
    sorter.add({ id: "a", line: "1" })
    expect(() => sorter.add({ id: "a", line: "2" })).toThrow('the id "a"')
  })
})

describe("the id of a line", () => {
  it("is the row's own, whatever else looks like one", () => {
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.record({ id: fc.string() }),
      fc.constant('"id":"x"'),
      fc.constant("\\"),
    )
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()),
        fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('a"', "\\", "id", "{", "]")), value),
        (id, rest) => {
          let line: string
          try {
            line = canonical({ ...rest, id })
          } catch {
            return
          }
          expect(idOfLine(line)).toBe(id)
        },
      ),
      { numRuns: 500, seed: 7 },
    )
  })
})
