import * as Schema from "effect/Schema"
import fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { defineNode, Json, table } from "../../src/api.ts"
import type { NodeDefinition } from "../../src/api.ts"
import { readJson } from "../../src/runtime/engine.ts"
import { canonical } from "../../src/schema/json.ts"
import type { RunRecord } from "../../src/schema/trace.ts"
import { engineRig } from "../kit/engine-rig.ts"

interface NumberRow {
  readonly id: string
  readonly n: number
  readonly label: string
}
const Numbers = table<NumberRow>(
  "Numbers",
  Schema.Struct({
    id: Schema.String,
    n: Schema.Number,
    label: Schema.String,
    parent: Schema.optionalKey(Schema.String),
  }),
)

/** Counts labels chunk by chunk, and remembers each chunk's counts. */
const counting = (counted: Array<number>) =>
  defineNode({
    type: "t.count",
    description: "",
    inputs: { numbers: Numbers },
    outputs: { counts: Json },
    params: Schema.Struct({}),
    run: ({ inputs, context }) => {
      const counts: Record<string, number> = {}
      for (const { digest, rows } of inputs.numbers.chunks()) {
        let part = context.recall.get("labels", digest) as Readonly<Record<string, number>> | undefined
        if (part === undefined) {
          counted.push(rows().length)
          part = Object.fromEntries(
            [...Map.groupBy(rows(), ({ label }) => label)].map(([label, all]) => [label, all.length]),
          )
          context.recall.put("labels", digest, part)
        }
        for (const [label, count] of Object.entries(part)) counts[label] = (counts[label] ?? 0) + count
      }
      return { counts }
    },
  })

/** A table that a test edits, and a mapping node over it that does one of everything: keep, split, drop, reject, fail. */
const makeRig = (more: ReadonlyArray<NodeDefinition> = []) => {
  const world = {
    rows: new Array<NumberRow>(),
    version: 0,
    calls: new Array<number>(),
    broken: new Set<number>(),
  }
  const definitions: ReadonlyArray<NodeDefinition> = [
    defineNode({
      type: "t.world",
      description: "",
      outputs: { numbers: Numbers },
      params: Schema.Struct({ version: Schema.Number }),
      run: () => ({ numbers: world.rows }),
    }),
    defineNode({
      type: "t.map",
      description: "",
      inputs: { numbers: Numbers },
      outputs: { numbers: Numbers },
      params: Schema.Struct({ ids: Schema.Literals(["kept", "far"]) }),
      map: {
        over: "numbers",
        reads: ["id", "n"],
        run: (({ item, params }: { item: { id: string; n: number }; params: { ids: string } }) => {
          world.calls.push(item.n)
          if (world.broken.has(item.n)) throw new Error(`broken ${item.n}`)
          if (item.n % 11 === 0) return null
          if (item.n % 7 === 0) return { rows: [], rejected: [{ reason: "seven" }] }
          if (item.n % 5 === 0) return [{ n: item.n }, { n: -item.n }]
          // An id that sorts far from that of its item.
          return params.ids === "far" ? { id: `${item.n % 3}-${item.id}`, n: item.n } : { n: item.n * 2 }
        }) as never,
      },
    }),
  ]
  const rig = engineRig([...definitions, ...more])
  const run = async (ids = "kept") => {
    world.calls.length = 0
    world.version += 1
    const sketches = [
      { id: "world", uses: "t.world", with: { version: world.version } },
      { id: "map", uses: "t.map", in: { numbers: "world" }, with: { ids } },
    ]
    const planned = (await rig.plan(sketches, { targets: ["world"] })).nodes[0]
    const world1 = await rig.run(sketches, { targets: ["world"] })
    const plan = (await rig.plan(sketches)).nodes.find(({ id }) => id === "map")!
    const record = await rig.run(sketches)
    expect(planned?.action).toBe("run")
    expect(world1.status).toBe("ok")
    return { plan, map: record.nodes.find(({ id }) => id === "map")!, calls: [...world.calls] }
  }
  return { world, rig, run }
}

const rigs: Array<{ readonly dispose: () => void }> = []
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose()
})
const made = () => {
  const one = makeRig()
  rigs.push(one.rig)
  return one
}

const inOrder = (numbers: ReadonlyArray<number>): ReadonlyArray<number> => numbers.toSorted((a, b) => a - b)
const row = (n: number): NumberRow => ({ id: `row-${String(n).padStart(6, "0")}`, n, label: "a" })
const outputs = (node: RunRecord["nodes"][number]) =>
  Object.fromEntries(Object.entries(node.outputs).map(([port, { digest, rows }]) => [port, [digest, rows]]))

describe("a mapping node over thousands of rows", () => {
  it("computes the items that are new, and gives what a node without a past gives", async () => {
    const one = made()
    one.world.rows = Array.from({ length: 6000 }, (_, n) => row(n + 1))
    const first = await one.run()
    expect(first.calls.length).toBe(6000)
    expect(first.map.items).toEqual({ total: 6000, cached: 0, ran: 6000, failed: 0 })
    // One new, one gone, one relabelled (which is not read), one with another number.
    one.world.rows = one.world.rows.filter(({ n }) => n !== 17)
    one.world.rows.push({ id: "row-002000b", n: 90_001, label: "a" })
    one.world.rows[3000] = { ...one.world.rows[3000], label: "b" }
    one.world.rows[4000] = { ...one.world.rows[4000], n: 90_002 }
    const second = await one.run()
    expect(inOrder(second.calls)).toEqual([90_001, 90_002])
    expect(second.plan.items).toEqual({ total: 6000, cached: 5998, run: 2 })
    expect(second.map.items).toEqual({ total: 6000, cached: 5998, ran: 2, failed: 0 })
    expect(second.plan.changes).toEqual({ added: 1, changed: 2, removed: 1 })
    expect(second.map.changes).toEqual(second.plan.changes)
    expect(second.map.reason).toMatch(/^input numbers: .*; items: 1 new, 2 changed, 1 gone$/u)
    const other = made()
    other.world.rows = [...one.world.rows].reverse()
    expect(outputs((await other.run()).map)).toEqual(outputs(second.map))
  })

  it("holds for any edits, kept ids or far ones, and items that fail for a while", async () => {
    const edit = fc.record({
      at: fc.nat({ max: 1499 }),
      kind: fc.constantFrom("add", "remove", "relabel", "renumber", "break", "mend"),
      n: fc.integer({ min: 10_000, max: 10_040 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(edit, { maxLength: 6 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom("kept", "far"),
        async (rounds, ids) => {
          const one = makeRig()
          const other = makeRig()
          try {
            one.world.rows = Array.from({ length: 1500 }, (_, n) => row(n + 1))
            await one.run(ids)
            let before = new Map(one.world.rows.map((one) => [one.id, canonical(one)]))
            const known = new Set(one.world.rows.map(({ id, n }) => `${id} ${n}`))
            for (const edits of rounds) {
              for (const { at, kind, n } of edits) {
                const place = at % one.world.rows.length
                const there = one.world.rows[place]
                if (kind === "add")
                  one.world.rows.push({
                    id: `row-${String(at).padStart(6, "0")}~${n}-${one.world.rows.length}`,
                    n,
                    label: "new",
                  })
                if (kind === "remove") one.world.rows.splice(place, 1)
                if (kind === "relabel") one.world.rows[place] = { ...there, label: `${there.label}*` }
                if (kind === "renumber") one.world.rows[place] = { ...there, n }
                if (kind === "break") one.world.broken.add(n)
                if (kind === "mend") one.world.broken.clear()
              }
              const fresh = one.world.rows.filter(({ id, n }) => !known.has(`${id} ${n}`))
              const { plan, map, calls } = await one.run(ids)
              expect(inOrder(calls)).toEqual(inOrder(fresh.map(({ n }) => n)))
              const failed = fresh.filter(({ n }) => one.world.broken.has(n)).length
              const total = one.world.rows.length
              const now = new Map(one.world.rows.map((one) => [one.id, canonical(one)]))
              const changes = {
                added: [...now.keys()].filter((id) => !before.has(id)).length,
                changed: [...now].filter(([id, text]) => before.has(id) && before.get(id) !== text).length,
                removed: [...before.keys()].filter((id) => !now.has(id)).length,
              }
              expect(map.changes).toEqual(map.status === "ran" ? changes : undefined)
              if (map.status === "ran") before = now
              expect(plan.changes).toEqual(plan.action === "run" ? changes : undefined)
              const cached = total - fresh.length
              expect(map.items).toEqual({ total, cached, ran: fresh.length - failed, failed })
              const run = fresh.length
              expect(plan.items).toEqual({ total, cached: total - run, run })
              for (const { id, n } of fresh) if (!one.world.broken.has(n)) known.add(`${id} ${n}`)
              other.world.rows = [...one.world.rows]
              other.world.broken = one.world.broken
              expect(outputs((await other.run(ids)).map)).toEqual(outputs(map))
            }
          } finally {
            one.rig.dispose()
            other.rig.dispose()
          }
        },
      ),
      { numRuns: 10, seed: 7 },
    )
  }, 120_000)
})

describe("a reduction that remembers its parts", () => {
  it("reads the chunks that changed; all of them where its code changed or it is forced", async () => {
    const counted: Array<number> = []
    const one = makeRig([counting(counted)])
    rigs.push(one.rig)
    one.world.rows = Array.from({ length: 5000 }, (_, n) => row(n + 1))
    const count = async (options = {}) => {
      counted.length = 0
      one.world.version += 1
      const sketches = [
        { id: "world", uses: "t.world", with: { version: one.world.version } },
        { id: "count", uses: "t.count", in: { numbers: "world" } },
      ]
      const record = await one.rig.run(sketches, options)
      const { digest } = record.nodes.find(({ id }) => id === "count")!.outputs["counts"]
      return { counts: await one.rig.store((store) => readJson(store.blobs, digest)), read: counted.length }
    }
    const first = await count()
    expect(first.counts).toEqual({ a: 5000 })
    expect(first.read).toBeGreaterThan(4)
    one.world.rows[2500] = { ...one.world.rows[2500], label: "b" }
    expect(await count()).toEqual({ counts: { a: 4999, b: 1 }, read: 1 })
    one.rig.recode("t.count", "v2")
    expect(await count()).toEqual({ counts: { a: 4999, b: 1 }, read: first.read })
    expect(await count({ force: ["count"] })).toEqual({ counts: { a: 4999, b: 1 }, read: first.read })
  })
})
