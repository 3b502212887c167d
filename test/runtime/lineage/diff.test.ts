import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { diffJson } from "../../../src/runtime/lineage/diff-json.ts"
import { diffText } from "../../../src/runtime/lineage/diff-text.ts"
import { diffRuns } from "../../../src/runtime/lineage/diff.ts"
import { figureChanges, figuresOf } from "../../../src/runtime/lineage/figures.ts"
import { diffTables, type RowChange } from "../../../src/runtime/lineage/table-diff.ts"
import type { OpenStore } from "../../../src/runtime/engine.ts"
import { writeTable } from "../../../src/runtime/store/tables.ts"
import type { RunRecord } from "../../../src/schema/trace.ts"
import { newRig, PICTURES, sketches, type Edits } from "./world.ts"

const plain = (_: string, text: string): string => text
const withoutDigests = (text: string): string => text.replaceAll(/\b[0-9a-f]{10}\b/gu, "…")

const twoRuns = async (first: Edits, second: Edits) => {
  const rig = newRig()
  const [before, after] = [await rig.run(sketches(first)), await rig.run(sketches(second))]
  return {
    rig,
    text: (limit = 5): Promise<string> =>
      rig.store((store) => diffText(store, diffRuns(store, before, after), { limit, paint: plain })),
    json: (): Promise<{ readonly nodes: ReadonlyArray<{ readonly id: string }> }> =>
      rig.store(async (store) => {
        let text = ""
        for await (const piece of diffJson(store, diffRuns(store, before, after))) text += piece
        return JSON.parse(text) as { nodes: Array<{ id: string }> }
      }),
  }
}

const rowsIn = async (
  store: OpenStore,
  a: RunRecord["nodes"][number]["outputs"][string],
  b: typeof a,
): Promise<{
  readonly changes: ReadonlyArray<RowChange>
  readonly read: number
  readonly chunks: number
}> => {
  const { counts, changes } = diffTables(store, a.digest, b.digest)
  const found: Array<RowChange> = []
  for await (const change of changes) found.push(change)
  return { changes: found, ...counts }
}

describe("two runs", () => {
  it("a parameter: the figure, the parameter, and no sample", async () => {
    const { text, json } = await twoRuns({}, { lr: 0.3 })
    expect(withoutDigests(await text())).toBe(`train.model
  lr  0.1000 → 0.3000  +0.2
eval.evaluation
  m × tests.accuracy  0.5000 → 0.7000  +0.2

train: other result
  parameter lr: 0.1 → 0.3
  model: Json … → Json …
eval: other result
  input model: … → … (from train.model)
  evaluation: Json … → Json …`)
    expect((await json()).nodes.find(({ id }) => id === "train")).toMatchObject({
      change: "other result",
      own: true,
      why: [{ kind: "param", name: "lr", before: 0.1, after: 0.3 }],
      reasons: ["parameter lr: 0.1 → 0.3"],
      outputs: [{ port: "model", figures: [{ name: "lr", before: 0.1, after: 0.3 }] }],
    })
  })

  it("samples added, removed, relabelled, moved: each named where it first became another", async () => {
    const { pictures, ...more } = {
      pictures: { one: "anger", two: "anger", three: "anger", twin: "anger", zoe: "fear" },
      val: ["one#0"],
    }
    const { text } = await twoRuns({}, { pictures, ...more })
    const found = withoutDigests(await text())
    expect(found).toContain(`m × tests.accuracy  0.5000 → 0.6000  +0.1`)
    const nodes = found.slice(found.indexOf("crawl:"))
    expect(nodes).toContain(`crawl: other result
  parameter pictures:`)
    expect(nodes).toContain(`  images: 5 rows → 5 rows: 1 added, 1 removed, 1 relabelled
    − spare  anger  http://example.test/spare.jpg
    ~ three  claims changed, label fear → anger, source changed
    + zoe  fear  http://example.test/zoe.jpg`)
    // Downstream the same rows are only counted; what is new there is named.
    expect(nodes).toContain(`faces: other result
  input images: … → … (from crawl.images)
  faces: 5 rows → 5 rows: 1 added, 1 removed, 1 relabelled
unique: other result`)
    expect(nodes).toContain(`balance: other result
  parameter val[0]: "three" → "one#0"
  input images: … → … (from unique.unique)
  images: 4 rows → 5 rows: 1 added, 1 relabelled, 3 moved to another split
    ~ one#0  split train → val
    ~ one#0~1  split train → val
    ~ three  claims changed, label fear → anger, source changed, split val → train`)
  })

  it("names no more rows than it is asked for, and all in JSON", async () => {
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`new${i}`, "fear"]))
    const { text, json } = await twoRuns({}, { pictures: { ...PICTURES, ...many } })
    expect(await text(2)).toContain("    + new1  fear  http://example.test/new1.jpg\n    … 7 more")
    const crawl = (await json()).nodes.find(({ id }) => id === "crawl") as {
      readonly outputs?: ReadonlyArray<{ readonly changes?: ReadonlyArray<unknown> }>
    }
    expect(crawl.outputs?.[0].changes).toHaveLength(9)
    expect(crawl.outputs?.[0].changes?.[0]).toMatchObject({
      id: "new0",
      kinds: ["added"],
      label: "fear",
      source: { url: "http://example.test/new0.jpg" },
    })
    expect(crawl.outputs?.[0]).toMatchObject({ rows: { added: 9, removed: 0, relabelled: 0, moved: 0 } })
  })

  it("code, a node of one run only, and nothing at all", async () => {
    const rig = newRig()
    const first = await rig.run(sketches())
    rig.recode("t.train", "v2")
    const second = await rig.run(sketches())
    const third = await rig.run(sketches(), { targets: ["crawl"] })
    const text = (a: RunRecord, b: RunRecord): Promise<string> =>
      rig.store((store) => diffText(store, diffRuns(store, a, b), { limit: 5, paint: plain }))
    expect(await text(first, second)).toBe("train: same result, other cause\n  code: t.train.ts changed")
    expect(await text(second, third)).toContain("eval: only in the earlier run")
    expect(await text(third, second)).toContain("eval: only in the later run")
    expect(await text(second, second)).toBe("no node is different")
  })
})

describe("two tables", () => {
  const rowsArbitrary = fc.uniqueArray(
    fc.record({
      id: fc.integer({ min: 0, max: 3000 }).map((n) => `r${n}`),
      label: fc.constantFrom("a", "b"),
      split: fc.constantFrom("train", "val"),
      n: fc.constantFrom(1, 2),
    }),
    { selector: ({ id }) => id, maxLength: 60 },
  )

  it("differ exactly in what a comparison of all rows says", async () => {
    const rig = newRig()
    await rig.store(async (store) => {
      // So many rows around the edits that there are several chunks, some of them equal.
      const base = Array.from({ length: 1500 }, (_, i) => ({ id: `s${i}`, label: "a", split: "train", n: 1 }))
      await fc.assert(
        fc.asyncProperty(rowsArbitrary, rowsArbitrary, fc.boolean(), async (left, right, around) => {
          const [a, b] = [left, right].map((rows) => [...(around ? base : []), ...rows])
          const [from, to] = [a, b].map((rows) => writeTable(store.blobs, "T", rows))
          const byId = (rows: typeof a) => new Map(rows.map((row) => [row.id, row]))
          const [olds, news] = [byId(a), byId(b)]
          const expected = [...new Set([...olds.keys(), ...news.keys()])].sort().flatMap((id) => {
            const [x, y] = [olds.get(id), news.get(id)]
            if (x === undefined) return [[id, ["added"]]]
            if (y === undefined) return [[id, ["removed"]]]
            const kinds = [
              ...(x.label === y.label ? [] : ["relabelled"]),
              ...(x.split === y.split ? [] : ["moved"]),
            ]
            if (kinds.length > 0) return [[id, kinds]]
            return x.n === y.n ? [] : [[id, ["changed"]]]
          })
          const { changes } = await rowsIn(store, from, to)
          expect(changes.map(({ id, kinds }) => [id, kinds])).toEqual(expected)
        }),
        { numRuns: 60, seed: 7 },
      )
    })
  })

  it("of many rows that differ in one are compared by the chunk it is in", async () => {
    const rig = newRig()
    await rig.store(async (store) => {
      const rows = Array.from({ length: 20_000 }, (_, i) => ({ id: `r${i}`, label: "a" }))
      const table = (edit: (row: { id: string; label: string }) => ReadonlyArray<{ id: string }>) =>
        writeTable(store.blobs, "T", rows.flatMap(edit))
      const before = table((row) => [row])
      const relabelled = await rowsIn(
        store,
        before,
        table((row) => [row.id === "r777" ? { ...row, label: "b" } : row]),
      )
      expect(relabelled).toMatchObject({ read: 2, changes: [{ id: "r777", kinds: ["relabelled"] }] })
      expect(relabelled.chunks).toBeGreaterThan(50)
      const removed = await rowsIn(
        store,
        before,
        table((row) => (row.id === "r777" ? [] : [row])),
      )
      expect(removed).toMatchObject({ changes: [{ id: "r777", kinds: ["removed"] }] })
      // Three, should the row have been the last of its chunk.
      expect(removed.read).toBeLessThanOrEqual(3)
    })
  })
})

describe("figures", () => {
  it("go by name, and not by place", () => {
    const before = {
      results: [{ model: "a", set: "x", accuracy: 0.5, classes: ["q"] }],
      "a × x": { accuracy: 0.5 },
    }
    const after = {
      results: [
        { model: "b", set: "x", accuracy: 0.9 },
        { model: "a", set: "x", accuracy: 0.25 },
      ],
    }
    expect(figureChanges(figuresOf(before), figuresOf(after))).toEqual([
      { name: "a × x.accuracy", before: 0.5, after: 0.25, delta: -0.25 },
      { name: "b × x.accuracy", before: null, after: 0.9, delta: null },
    ])
  })

  it("leave out blobs and keep what a list holds", () => {
    expect([
      ...figuresOf({ weights: { $blob: "x", bytes: 7 }, history: [{ loss: 1 }, { loss: 0.5 }] }),
    ]).toEqual([
      ["history.0.loss", 1],
      ["history.1.loss", 0.5],
    ])
  })
})
