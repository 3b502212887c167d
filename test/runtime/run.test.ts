import { mkdirSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { afterEach, describe, expect, it } from "vitest"
import { defineNode, Json as JsonType, list, table } from "../../src/api.ts"
import type { NodeDefinition } from "../../src/api.ts"
import { readJson } from "../../src/runtime/store/artifacts.ts"
import { readTable } from "../../src/runtime/store/tables.ts"
import { reasonText } from "../../src/runtime/engine.ts"
import type { Json } from "../../src/schema/json.ts"
import type { RunRecord } from "../../src/schema/trace.ts"
import { engineRig, type NodeSketch } from "../kit/engine-rig.ts"

interface NumberRow {
  readonly id: string
  readonly n: number
  readonly label?: string
}
const Numbers = table<NumberRow>(
  "Numbers",
  Schema.Struct({ id: Schema.String, n: Schema.Number, label: Schema.optionalKey(Schema.String) }),
)

/** Counts calls, so that what ran is seen from inside. */
const makeTypes = () => {
  const calls: Array<string> = []
  const definitions: ReadonlyArray<NodeDefinition> = [
    defineNode({
      type: "t.numbers",
      description: "",
      outputs: { numbers: Numbers },
      params: Schema.Struct({
        rows: Schema.Array(Schema.Tuple([Schema.String, Schema.Number, Schema.String])),
      }),
      run: ({ params }) => {
        calls.push("numbers")
        return { numbers: params.rows.map(([id, n, label]) => ({ id, n, label })) }
      },
    }),
    defineNode({
      type: "t.double",
      description: "",
      inputs: { numbers: Numbers },
      outputs: { numbers: Numbers },
      params: Schema.Struct({ factor: Schema.Number, modulo: Schema.optionalKey(Schema.Number) }),
      map: {
        over: "numbers",
        reads: ["n"],
        run: (({ item, params }: { item: { n: number }; params: { factor: number; modulo?: number } }) => {
          calls.push(`double ${item.n}`)
          if (item.n === 13) throw new Error("thirteen is unlucky")
          if (item.n < 0) return { rows: [], rejected: [{ reason: "negative" }] }
          const n = item.n * params.factor
          return { n: params.modulo === undefined ? n : n % params.modulo }
        }) as never,
      },
    }),
    defineNode({
      type: "t.sum",
      description: "",
      inputs: { sets: list(Numbers) },
      outputs: { sum: JsonType },
      params: Schema.Struct({}),
      run: async ({ inputs }) => {
        calls.push("sum")
        let sum = 0
        for (const { value } of inputs.sets) for await (const row of value.stream()) sum += row.n
        return { sum }
      },
    }),
    defineNode({
      type: "t.file",
      description: "",
      outputs: { text: JsonType },
      params: Schema.Struct({ path: Schema.String }),
      files: ({ path }) => ({ file: path }),
      pathParams: ["path"],
      run: async ({ context }) => {
        calls.push("file")
        const { readFileSync } = await import("node:fs")
        return { text: readFileSync(context.files["file"], "utf8") }
      },
    }),
  ]
  return { calls, definitions }
}

const rigs: Array<{ dispose: () => void }> = []
const rig = () => {
  const types = makeTypes()
  const made = { ...engineRig(types.definitions), calls: types.calls }
  rigs.push(made)
  return made
}
afterEach(() => {
  for (const one of rigs.splice(0)) one.dispose()
})

type Rows = ReadonlyArray<readonly [string, number, string]>
const ROWS: Rows = [
  ["a", 1, "x"],
  ["b", 2, "x"],
  ["c", 3, "y"],
]
const chain = (
  rows: Rows = ROWS,
  double: Readonly<Record<string, unknown>> = { factor: 2 },
): ReadonlyArray<NodeSketch> => [
  { id: "numbers", uses: "t.numbers", with: { rows } },
  { id: "double", uses: "t.double", in: { numbers: "numbers" }, with: double },
  { id: "sum", uses: "t.sum", in: { sets: "double" } },
]
const statuses = (record: RunRecord) => Object.fromEntries(record.nodes.map((node) => [node.id, node.status]))
const reasons = (record: RunRecord) => Object.fromEntries(record.nodes.map((node) => [node.id, node.reason]))
const node = (record: RunRecord, id: string) => record.nodes.find((one) => one.id === id)!

describe("run", () => {
  it("computes everything once, then nothing", async () => {
    const r = rig()
    const first = await r.run(chain())
    expect(first.status).toBe("ok")
    expect(statuses(first)).toEqual({ numbers: "ran", double: "ran", sum: "ran" })
    expect(reasons(first)).toEqual({ numbers: "never ran", double: "never ran", sum: "never ran" })
    const sum = await r.store((store) => readJson(store.blobs, node(first, "sum").outputs["sum"].digest))
    expect(sum).toBe(12)
    r.calls.length = 0
    const second = await r.run(chain())
    expect(statuses(second)).toEqual({ numbers: "cached", double: "cached", sum: "cached" })
    expect(r.calls).toEqual([])
    expect(second.nodes.map((n) => n.outputs)).toEqual(first.nodes.map((n) => n.outputs))
  })

  it("computes only the new item, and says so before", async () => {
    const r = rig()
    await r.run(chain())
    r.calls.length = 0
    const more: Rows = [...ROWS, ["d", 4, "y"]]
    // What double will run is known when the new numbers are.
    expect((await r.plan(chain(more))).nodes.map((n) => n.action)).toEqual(["run", "depends", "depends"])
    await r.run(chain(more), { targets: ["numbers"] })
    const plan = await r.plan(chain(more))
    expect(plan.nodes[1]).toMatchObject({ action: "run", items: { total: 4, cached: 3, run: 1 } })
    const record = await r.run(chain(more))
    expect(r.calls).toEqual(["numbers", "double 4", "sum"])
    expect(node(record, "double").items).toEqual({ total: 4, cached: 3, ran: 1, failed: 0 })
    expect(node(record, "double").reason).toBe(plan.nodes[1].reason)
    expect(node(record, "double").reason).toMatch(
      /^input numbers: [0-9a-f]{10} → [0-9a-f]{10} \(from numbers\.numbers\); items: 1 new$/u,
    )
  })

  it("reruns no item when a field changes that the node does not read", async () => {
    const r = rig()
    await r.run(chain())
    r.calls.length = 0
    const relabelled: Rows = [["a", 1, "z"], ...ROWS.slice(1)]
    const record = await r.run(chain(relabelled))
    expect(r.calls).toEqual(["numbers", "sum"])
    expect(node(record, "double").items).toEqual({ total: 3, cached: 3, ran: 0, failed: 0 })
    const rows = await r.store((store) =>
      readTable(store.blobs, node(record, "double").outputs["numbers"].digest).all(),
    )
    expect(rows).toContainEqual({ id: "a", n: 2, label: "z" })
  })

  it("stops where a rerun gives the same result", async () => {
    const r = rig()
    await r.run(chain())
    r.calls.length = 0
    r.recode("t.double", "v2")
    const record = await r.run(chain())
    expect(statuses(record)).toEqual({ numbers: "cached", double: "ran", sum: "cached" })
    expect(reasons(record)["double"]).toBe("code: t.double.ts changed")
    expect(r.calls).toEqual(["double 1", "double 2", "double 3"])
  })

  it("names the parameter that changed, before and after", async () => {
    const r = rig()
    await r.run(chain())
    const plan = await r.plan(chain(ROWS, { factor: 3 }))
    expect(plan.nodes.map((n) => [n.action, n.reason])).toEqual([
      ["cached", "nothing changed"],
      ["run", "parameter factor: 2 → 3"],
      ["depends", "depends on double"],
    ])
    expect(reasons(await r.run(chain(ROWS, { factor: 3 })))["double"]).toBe("parameter factor: 2 → 3")
    // Back to the first parameter: its trace is still there.
    expect(statuses(await r.run(chain()))).toEqual({ numbers: "cached", double: "cached", sum: "cached" })
  })

  it("says of a list what came and what went", () => {
    const text = (before: Json, after: Json) => reasonText({ kind: "param", name: "words", before, after })
    expect(text({ anger: ["rage", "fury"] }, { anger: ["ire", "rage", "fury"] })).toBe(
      'parameter words.anger: + "ire"',
    )
    expect(text(["a", "b"], ["b", "c"])).toBe('parameter words: + "c", − "a"')
    expect(text(["a", "b"], ["b", "a"])).toBe('parameter words: ["a","b"] → ["b","a"]')
    expect(text(1, null)).toBe("parameter words: 1 → unset")
  })

  it("keeps what was rejected, with what the item tells of itself", async () => {
    const r = rig()
    const record = await r.run(
      chain([
        ["a", 1, "x"],
        ["b", -5, "y"],
      ]),
    )
    const rejected = await r.store((store) =>
      readTable(store.blobs, node(record, "double").outputs["rejected"].digest).all(),
    )
    expect(rejected).toEqual([{ id: "b", reason: "negative", label: "y" }])
  })

  it("lets one bad item fail alone, and tries it again next time", async () => {
    const r = rig()
    const rows: Rows = [...ROWS, ["m", 13, "y"]]
    const record = await r.run(chain(rows))
    expect(record.status).toBe("ok")
    expect(node(record, "double").items).toEqual({ total: 4, cached: 0, ran: 3, failed: 1 })
    const rejected = await r.store((store) =>
      readTable(store.blobs, node(record, "double").outputs["rejected"].digest).all(),
    )
    expect(rejected).toEqual([{ id: "m", reason: "failed", detail: "thirteen is unlucky", label: "y" }])
    r.calls.length = 0
    const plan = await r.plan(chain(rows))
    expect(plan.nodes[1]).toMatchObject({
      action: "run",
      reason: "1 item failed last time",
      items: { total: 4, cached: 3, run: 1 },
    })
    await r.run(chain(rows))
    expect(r.calls).toEqual(["double 13"])
  })

  it("estimates bytes by the last results, of as many items as run now", async () => {
    const r = rig()
    expect((await r.plan(chain())).nodes[1]).not.toHaveProperty("estimateBytes")
    const record = await r.run(chain())
    const bytes = Object.values(node(record, "double").outputs).reduce((sum, output) => sum + output.bytes, 0)
    expect(bytes).toBeGreaterThan(0)
    const { nodes } = await r.plan(chain(), { force: ["double"] })
    expect(nodes[1]).toMatchObject({ action: "run" })
    const { items, estimateBytes } = nodes[1]
    expect(estimateBytes).toBe(Math.round((bytes / ROWS.length) * (items?.run ?? 0)))
    expect(nodes[2].estimateBytes).toBe(node(record, "sum").outputs["sum"].bytes)
    expect(nodes[0]).not.toHaveProperty("estimateBytes")
  })

  it("fails a node of which every item fails, and leaves the rest of the graph alone", async () => {
    const r = rig()
    const sketches: ReadonlyArray<NodeSketch> = [
      ...chain([["m", 13, "y"]]),
      { id: "other", uses: "t.numbers", with: { rows: ROWS } },
    ]
    const record = await r.run(sketches, { keepGoing: true })
    expect(record.status).toBe("failed")
    expect(statuses(record)).toEqual({ numbers: "ran", double: "failed", sum: "skipped", other: "ran" })
    expect(node(record, "double").error).toBe("every item failed; the first: thirteen is unlucky")
    expect(node(record, "sum").reason).toBe("double did not finish")
  })

  it("forces a node and nothing above it", async () => {
    const r = rig()
    await r.run(chain())
    r.calls.length = 0
    const record = await r.run(chain(), { force: ["double"] })
    expect(r.calls).toEqual(["double 1", "double 2", "double 3"])
    expect(reasons(record)).toEqual({ numbers: "nothing changed", double: "forced", sum: "nothing changed" })
  })

  it("runs only what a target needs", async () => {
    const r = rig()
    const record = await r.run(chain(), { targets: ["double"] })
    expect(record.nodes.map((n) => n.id)).toEqual(["numbers", "double"])
    await expect(r.run(chain(), { targets: ["duble"] })).rejects.toThrow("did you mean double?")
  })

  it("computes again what is no longer in the store", async () => {
    const r = rig()
    const first = await r.run(chain())
    const digest = node(first, "sum").outputs["sum"].digest
    await r.store((store) => store.db.prepare("DELETE FROM blobs WHERE digest = unhex(?)").run(digest))
    const record = await r.run(chain())
    expect(reasons(record)["sum"]).toBe("output sum is no longer in the store")
    expect(node(record, "sum").outputs).toEqual(node(first, "sum").outputs)
  })
})

describe("items at a time", () => {
  it("are all kept, also those that end while others are made durable", async () => {
    const types: ReadonlyArray<NodeDefinition> = [
      defineNode({
        type: "t.fetch",
        description: "",
        outputs: { numbers: Numbers },
        params: Schema.Struct({}),
        map: {
          items: () => Array.from({ length: 12 }, (_, i) => ({ id: `q${i}`, wait: (i % 4) * 100 })),
          bound: "io",
          run: (async ({ item }: { item: { id: string; wait: number } }) => {
            await new Promise((resolve) => setTimeout(resolve, item.wait))
            return { id: item.id, n: item.wait }
          }) as never,
        },
      }),
    ]
    const r = engineRig(types)
    rigs.push(r)
    const record = await r.run([{ id: "fetch", uses: "t.fetch", more: { resources: { net: 4 } } }])
    expect(record.nodes[0]).toMatchObject({ status: "ran", items: { total: 12, ran: 12, failed: 0 } })
    expect(record.nodes[0].outputs["numbers"].rows).toBe(12)
  })
})

describe("files", () => {
  const read = (path: string): ReadonlyArray<NodeSketch> => [{ id: "file", uses: "t.file", with: { path } }]

  it("enter by content, whatever their name and time", async () => {
    const r = rig()
    writeFileSync(join(r.root, "a.txt"), "one")
    await r.run(read("a.txt"))
    utimesSync(join(r.root, "a.txt"), 1, 1)
    expect(statuses(await r.run(read("a.txt")))).toEqual({ file: "cached" })
    writeFileSync(join(r.root, "b.txt"), "one")
    expect(statuses(await r.run(read("b.txt")))).toEqual({ file: "cached" })
    writeFileSync(join(r.root, "b.txt"), "two")
    utimesSync(join(r.root, "b.txt"), 1, 1)
    expect(reasons(await r.run(read("b.txt")))).toEqual({ file: "file b.txt changed" })
  })

  it("that are missing are an error with a place, unless the node is optional", async () => {
    const r = rig()
    await expect(r.run(read("none.txt"))).rejects.toThrow("t.file reads none.txt, which does not exist")
    const optional: ReadonlyArray<NodeSketch> = [
      { id: "file", uses: "t.file", with: { path: "none.txt" }, more: { optional: true } },
    ]
    expect((await r.plan(optional)).nodes[0]).toMatchObject({ action: "skip" })
    expect(statuses(await r.run(optional))).toEqual({ file: "skipped" })
  })

  it("enter as folders by the names and contents of their files", async () => {
    const r = rig()
    mkdirSync(join(r.root, "d"))
    writeFileSync(join(r.root, "d", "x"), "1")
    const digest = () => r.store((store) => store.files.digest(join(r.root, "d")))
    const before = await digest()
    writeFileSync(join(r.root, "d", "y"), "2")
    const after = await digest()
    expect(after).not.toBe(before)
  })
})
