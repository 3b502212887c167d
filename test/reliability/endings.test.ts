import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { createRequire, syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { afterEach, describe, expect, it } from "vitest"
import { defineNode, Files, Json, table, BlobRef, type NodeContext } from "../../src/api.ts"
import { readJson } from "../../src/runtime/engine.ts"
import { verify } from "../../src/runtime/store/verify.ts"
import type { RunRecord } from "../../src/schema/trace.ts"
import { engineRig, type NodeSketch } from "../kit/engine-rig.ts"

/** Promises that a test keeps: what one node waits for and another gives. */
class Gates {
  readonly #open = new Map<string, () => void>()
  readonly #gates = new Map<string, Promise<void>>()
  wait(name: string): Promise<void> {
    let gate = this.#gates.get(name)
    if (gate === undefined) {
      gate = new Promise((resolve) => this.#open.set(name, resolve))
      this.#gates.set(name, gate)
    }
    return gate
  }
  open(name: string): void {
    void this.wait(name)
    this.#open.get(name)!()
  }
}

const Rows = table(
  "Rows",
  Schema.Struct({ id: Schema.String, n: Schema.Int, blob: Schema.optionalKey(BlobRef) }),
)

const makeRig = () => {
  const gates = new Gates()
  const calls: Array<string> = []
  /** What the nodes do besides: set by a test, by node type. */
  const behaviour = new Map<string, (context: NodeContext, call: number) => Promise<void>>()
  const act = async (type: string, context: NodeContext): Promise<void> => {
    calls.push(type)
    await behaviour.get(type)?.(context, calls.filter((call) => call === type).length)
  }
  const source = (type: string) =>
    defineNode({
      type,
      description: "",
      outputs: { value: Json },
      params: Schema.Struct({ salt: Schema.optionalKey(Schema.Int) }),
      run: async ({ params, context }) => {
        await act(type, context)
        return { value: { type, salt: params.salt ?? 0 } }
      },
    })
  const rig = engineRig([
    source("t.a"),
    source("t.b"),
    source("t.c"),
    defineNode({
      type: "t.rows",
      description: "",
      outputs: { rows: Rows },
      params: Schema.Struct({ count: Schema.Int }),
      run: ({ params }) => ({ rows: Array.from({ length: params.count }, (_, n) => ({ id: `r${n}`, n })) }),
    }),
    defineNode({
      type: "t.map",
      description: "",
      inputs: { rows: Rows },
      outputs: { rows: Rows },
      map: {
        over: "rows",
        run: (async ({ item, context }: { item: { n: number }; context: NodeContext }) => {
          calls.push(`item ${item.n}`)
          const blob = await context.blobs.put(new TextEncoder().encode(`blob ${item.n}`))
          await behaviour.get("t.map")?.(context, item.n)
          return { blob }
        }) as never,
      },
    }),
    defineNode({
      type: "t.files",
      description: "",
      outputs: { files: Files },
      present: ["files"],
      run: async ({ context }) => {
        await act("t.files", context)
        const folder = await context.scratch()
        writeFileSync(join(folder, "page.html"), "<p>here</p>")
        return { files: folder }
      },
    }),
    defineNode({
      type: "t.read",
      description: "",
      outputs: { text: Json },
      params: Schema.Struct({ path: Schema.String }),
      files: ({ path }) => ({ file: path }),
      pathParams: ["path"],
      run: async ({ context }) => {
        const text = readFileSync(context.files["file"], "utf8")
        await act("t.read", context)
        return { text }
      },
    }),
    defineNode({
      type: "t.use",
      description: "",
      inputs: { value: Json },
      outputs: { value: Json },
      run: async ({ inputs, context }) => {
        await act("t.use", context)
        return { value: [inputs.value] }
      },
    }),
  ])
  return { ...rig, gates, calls, behaviour }
}
const rigs: Array<ReturnType<typeof makeRig>> = []
const rig = () => {
  const made = makeRig()
  rigs.push(made)
  return made
}
afterEach(() => {
  for (const one of rigs.splice(0)) one.dispose()
})
const statuses = (record: RunRecord) => Object.fromEntries(record.nodes.map(({ id, status }) => [id, status]))
const actions = async (r: ReturnType<typeof makeRig>, nodes: ReadonlyArray<NodeSketch>) =>
  Object.fromEntries((await r.plan(nodes)).nodes.map(({ id, action }) => [id, action]))
const problems = (r: ReturnType<typeof makeRig>) =>
  r.store((store) => verify(store, { repair: false }).problems)

describe("a node that fails beside another", () => {
  it.each([false, true])(
    "lets it finish, and what it gives is kept (--keep-going: %s)",
    async (keepGoing) => {
      const r = rig()
      r.behaviour.set("t.a", async () => {
        // Fails in the middle of the other's work.
        await r.gates.wait("b began")
        r.gates.open("a failed")
        throw new Error("a is broken")
      })
      r.behaviour.set("t.b", async () => {
        r.gates.open("b began")
        await r.gates.wait("a failed")
        await new Promise((resolve) => setTimeout(resolve, 50))
      })
      const nodes: ReadonlyArray<NodeSketch> = [
        { id: "a", uses: "t.a" },
        { id: "b", uses: "t.b" },
        { id: "after", uses: "t.use", in: { value: "a" } },
        { id: "later", uses: "t.use", in: { value: "b" } },
      ]
      const record = await r.run(nodes, { keepGoing })
      expect(record.status).toBe("failed")
      expect(statuses(record)).toEqual({
        a: "failed",
        b: "ran",
        after: "skipped",
        later: keepGoing ? "ran" : "skipped",
      })
      expect(await actions(r, nodes)).toEqual({
        a: "run",
        b: "cached",
        after: "depends",
        later: keepGoing ? "cached" : "run",
      })
      expect(await problems(r)).toEqual([])
      r.behaviour.clear()
      r.calls.length = 0
      expect((await r.run(nodes)).status).toBe("ok")
      expect([...r.calls].sort()).toEqual(keepGoing ? ["t.a", "t.use"] : ["t.a", "t.use", "t.use"])
    },
  )
})

describe("a node that takes too long", () => {
  it("fails, and what it gives afterwards is not kept", async () => {
    const r = rig()
    r.behaviour.set("t.a", () => r.gates.wait("a may end"))
    const slow: ReadonlyArray<NodeSketch> = [{ id: "a", uses: "t.a", more: { timeoutMs: 50 } }]
    setTimeout(() => r.gates.open("a may end"), 300)
    const record = await r.run(slow)
    expect(record.nodes[0]).toMatchObject({
      status: "failed",
      error: "took longer than its timeout of 0.05 s",
    })
    await r.gates.wait("a may end")
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await actions(r, slow)).toEqual({ a: "run" })
    expect(await problems(r)).toEqual([])
    expect(statuses(await r.run([{ id: "a", uses: "t.a" }]))).toEqual({ a: "ran" })
  })

  it("keeps the items that were finished", async () => {
    const r = rig()
    r.behaviour.set("t.map", (_, n) => (n < 5 ? Promise.resolve() : r.gates.wait("the rest")))
    const nodes: ReadonlyArray<NodeSketch> = [
      { id: "rows", uses: "t.rows", with: { count: 40 } },
      { id: "map", uses: "t.map", in: { rows: "rows" }, more: { timeoutMs: 1_000 } },
    ]
    setTimeout(() => r.gates.open("the rest"), 1_500)
    const record = await r.run(nodes, { jobs: 4 })
    expect(statuses(record)).toEqual({ rows: "ran", map: "failed" })
    expect(await problems(r)).toEqual([])
    r.calls.length = 0
    const again = await r.run(nodes)
    expect(statuses(again)).toEqual({ rows: "cached", map: "ran" })
    const { items } = again.nodes[1]
    expect(items?.total).toBe(40)
    // No item is lost or made twice.
    expect(r.calls.length).toBe(40 - items!.cached)
  })
})

describe("retries", () => {
  it("try again after a pause, as often as they may", async () => {
    const r = rig()
    r.behaviour.set("t.a", async (_, call) => {
      if (call === 1) throw new Error("not yet")
    })
    const record = await r.run([{ id: "a", uses: "t.a", more: { retries: 1 } }])
    expect(statuses(record)).toEqual({ a: "ran" })
    expect(r.calls).toEqual(["t.a", "t.a"])
    expect(r.events.filter(({ type }) => type === "node-retry")).toEqual([
      { type: "node-retry", node: "a", attempt: 1, error: "not yet" },
    ])
  })

  it("end with the last error, and keep nothing", async () => {
    const r = rig()
    r.behaviour.set("t.b", async (_, call) => {
      throw new Error(`failed ${call}`)
    })
    const nodes: ReadonlyArray<NodeSketch> = [{ id: "b", uses: "t.b", more: { retries: 1 } }]
    expect((await r.run(nodes)).nodes[0]).toMatchObject({ status: "failed", error: "failed 2" })
    expect(await actions(r, nodes)).toEqual({ b: "run" })
  })
})

describe("a file that changes while a node reads it", () => {
  it("keeps the result out of the store", async () => {
    const r = rig()
    const path = join(r.root, "in.txt")
    writeFileSync(path, "before")
    r.behaviour.set("t.read", async () => writeFileSync(path, "after"))
    const nodes: ReadonlyArray<NodeSketch> = [{ id: "read", uses: "t.read", with: { path: "in.txt" } }]
    expect((await r.run(nodes)).nodes[0].error).toMatch(/in\.txt changed while read was reading it/u)
    r.behaviour.clear()
    const record = await r.run(nodes)
    const text = await r.store((store) => readJson(store.blobs, record.nodes[0].outputs["text"].digest))
    expect(text).toBe("after")
    writeFileSync(path, "before")
    expect(await actions(r, nodes)).toEqual({ read: "run" })
  })
})

describe("files laid out for a person", () => {
  it("appear whole or not at all, and a folder left by a crash is no obstacle", async () => {
    const r = rig()
    const nodes: ReadonlyArray<NodeSketch> = [{ id: "files", uses: "t.files" }]
    r.behaviour.set("t.files", () => Promise.reject(new Error("no files")))
    await r.run(nodes)
    expect(existsSync(join(r.root, "cache", "out", "files"))).toBe(false)
    r.behaviour.clear()
    await r.run(nodes)
    const out = join(r.root, "cache", "out", "files")
    expect(readdirSync(out).filter((name) => !name.startsWith("."))).toEqual(["page.html"])
    expect(await problems(r)).toEqual([])
  })

  it("are swapped in though other processes do the same at the same moment", async () => {
    const r = rig()
    const module = createRequire(import.meta.url)("node:fs") as { renameSync: typeof renameSync }
    const rename = module.renameSync
    let met = 0
    module.renameSync = ((from: string, to: string) => {
      // Another process is faster, three times.
      if (to.endsWith(join("out", "files")) && met++ < 3) {
        mkdirSync(to)
        writeFileSync(join(to, "page.html"), "of another process")
      }
      return rename(from, to)
    }) as typeof renameSync
    syncBuiltinESMExports()
    try {
      expect((await r.run([{ id: "files", uses: "t.files" }])).status).toBe("ok")
      expect(met).toBe(4)
      expect(readFileSync(join(r.root, "cache", "out", "files", "page.html"), "utf8")).toBe("<p>here</p>")
    } finally {
      module.renameSync = rename
      syncBuiltinESMExports()
    }
  })
})
