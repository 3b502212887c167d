import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { digestOf, type Digest } from "../../../src/schema/digest.ts"
import type { NodeTrace, OutputRecord } from "../../../src/schema/trace.ts"
import { writeJson } from "../../../src/runtime/store/artifacts.ts"
import { LARGE_BYTES } from "../../../src/runtime/store/large-file.ts"
import { collect, collecting, type CollectOptions } from "../../../src/runtime/store/collect.ts"
import { dropLease, resultsOf, takeLease } from "../../../src/runtime/store/leases.ts"
import { openStore, type OpenStore } from "../../../src/runtime/store/store.ts"
import { writeTable } from "../../../src/runtime/store/tables.ts"
import { verify } from "../../../src/runtime/store/verify.ts"

const stores: Array<OpenStore> = []
const folders: Array<string> = []
const open = (root = mkdtempSync(join(tmpdir(), "facet-gc-"))): OpenStore => {
  folders.push(root)
  const store = openStore(root)
  stores.push(store)
  return store
}
afterEach(() => {
  for (const store of stores.splice(0)) store.close()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text.repeat(20))
const now = Date.now()
const nothingKept = (): CollectOptions => ({
  keepRuns: 0,
  keepMs: 0,
  dryRun: false,
  now: Date.now() + 60_000,
})

const trace = (rest: Partial<NodeTrace> & Pick<NodeTrace, "outputs">): NodeTrace => ({
  uses: "t",
  fingerprint: "v1",
  params: {},
  seed: 0,
  inputs: {},
  files: {},
  key: digestOf(JSON.stringify(rest)),
  pipeline: "p",
  node: "n",
  run: "r",
  modules: {},
  startedAt: now,
  ms: 1000,
  environment: { node: "", platform: "", cpus: 1 },
  ...rest,
})
/** A result with a table that names one blob. */
const result = (store: OpenStore, text: string, rest: Partial<NodeTrace> = {}): NodeTrace => {
  const image = store.blobs.put(bytes(text))
  const out = writeTable(store.blobs, "T", [{ id: text, image }] as never)
  const made = trace({ node: text, outputs: { out }, ...rest })
  store.traces.add(made)
  return made
}
const ran = (store: OpenStore, id: string, traces: ReadonlyArray<NodeTrace>, at = now): void =>
  store.traces.saveRun({
    id,
    pipeline: "p",
    file: "",
    targets: [],
    status: "ok",
    startedAt: at,
    ms: 1,
    nodes: traces.map((made) => ({
      id: made.node,
      uses: made.uses,
      status: "ran",
      reason: "",
      why: [],
      key: made.key,
      ms: made.ms,
      outputs: made.outputs,
    })),
  })
const imageOf = (text: string): Digest => digestOf(bytes(text))

describe("retention", () => {
  it("keeps what the newest successful runs name, and what is young, and says so", () => {
    const store = open()
    const day = 86_400_000
    const [old, kept, young] = ["old", "kept", "young"].map((text, i) =>
      result(store, text, { startedAt: now - (10 - i) * day }),
    ) as [NodeTrace, NodeTrace, NodeTrace]
    store.publish()
    ran(store, "1", [old], now - 10 * day)
    ran(store, "2", [kept], now - 9 * day)
    const policy = { keepRuns: 1, keepMs: 8.5 * day, dryRun: false, now }
    expect(collect(store, { ...policy, dryRun: true })).toMatchObject({ freedTraces: 1, recent: 1 })
    expect(store.blobs.has(imageOf("old"))).toBe(true)
    collect(store, policy)
    expect(["old", "kept", "young"].map((text) => store.blobs.has(imageOf(text)))).toEqual([
      false,
      true,
      true,
    ])
    expect(store.traces.find(old.key)).toBeUndefined()
    expect(store.traces.find(young.key)).toEqual(young)
    expect(verify(store, { repair: false }).problems).toEqual([])
  })

  it("lets no failed run push out what a successful one made", () => {
    const store = open()
    const made = result(store, "made")
    store.publish()
    ran(store, "1", [made], now)
    for (const id of ["2", "3"])
      store.traces.saveRun({ ...store.traces.run("1")!, id, status: "failed", startedAt: now + 1, nodes: [] })
    collect(store, { ...nothingKept(), keepRuns: 1 })
    expect(store.blobs.has(imageOf("made"))).toBe(true)
  })

  it("holds a quota by giving up first what costs least to compute again per byte", () => {
    const store = open()
    const big = (text: string, ms: number): NodeTrace => {
      const made = trace({
        node: text,
        ms,
        outputs: { out: writeJson(store.blobs, "J", text.repeat(10_000)) },
      })
      store.traces.add(made)
      return made
    }
    const [dear, cheap, middle] = [big("dear", 60_000), big("cheap", 10), big("midd", 1000)]
    store.publish()
    ran(store, "1", [dear, cheap, middle])
    const size = (output: OutputRecord): number => output.bytes
    const quota = size(dear.outputs["out"]) + size(middle.outputs["out"]) + 10
    const report = collect(store, { keepRuns: 5, keepMs: 0, quota, dryRun: false, now: now + 1000 })
    expect(report.quota).toEqual({
      bytes: quota,
      held: true,
      givenUp: [{ node: "cheap", pipeline: "p", run: "1" }],
    })
    expect([dear, cheap, middle].map(({ outputs }) => store.blobs.has(outputs["out"].digest))).toEqual([
      true,
      false,
      true,
    ])
  })
})

/** Takes so many steps of a collection. */
const stepUntil = (steps: Generator<void, unknown>, reached: () => boolean): void => {
  while (!reached()) if (steps.next().done === true) throw new Error("the collection ended before")
}
const finish = (steps: Generator<void, unknown>): void => {
  while (steps.next().done !== true);
}

describe("beside a run", () => {
  it("keeps what the run put before the collection began and names only when results were already dropped", () => {
    const store = open()
    const collector = open(store.root)
    result(store, "of an earlier run")
    store.publish()
    takeLease(store, "run", [])
    const put = store.blobs.put(bytes("put early"))
    store.blobs.flush()
    const steps = collecting(collector, nothingKept())
    stepUntil(steps, () => store.traces.all().length === 0)
    const out = writeTable(store.blobs, "T", [{ id: "late", image: put }] as never)
    store.traces.add(trace({ outputs: { out } }))
    store.publish()
    dropLease(store, "run")
    finish(steps)
    expect(store.blobs.get(put.$blob)).toEqual(bytes("put early"))
    expect(verify(store, { repair: false }).problems).toEqual([])
  })

  it("keeps results of items, which the run may have looked up", () => {
    const store = open()
    const image = store.blobs.put(bytes("of an item"))
    store.blobs.flush()
    store.traces.addItems([[digestOf("item"), { rows: [{ image }], rejected: [] }]], now - 1000)
    takeLease(store, "run", [])
    const found = store.traces.item(digestOf("item"), 0)
    collect(open(store.root), nothingKept())
    const out = writeTable(store.blobs, "T", [{ id: "a", ...found!.result.rows[0] }] as never)
    store.traces.add(trace({ outputs: { out } }))
    store.publish()
    expect(verify(store, { repair: false }).problems).toEqual([])
    dropLease(store, "run")
    collect(open(store.root), nothingKept())
    expect(store.blobs.has(image.$blob)).toBe(false)
  })

  it("frees results of other node types meanwhile, and keeps those that the run may look up", () => {
    const store = open()
    const mine = result(store, "mine", { uses: "mine" })
    const others = result(store, "others", { uses: "others" })
    store.publish()
    takeLease(store, "run", [resultsOf(mine)])
    expect(collect(open(store.root), nothingKept())).toMatchObject({
      freedTraces: 1,
      inUse: { runs: ["run"], results: 1 },
    })
    expect([mine, others].map(({ key }) => store.traces.find(key) !== undefined)).toEqual([true, false])
    dropLease(store, "run")
  })

  it("is one at a time", () => {
    const store = open()
    const steps = collecting(store, nothingKept())
    steps.next()
    expect(() => collect(open(store.root), nothingKept())).toThrow(/another collection/u)
    finish(steps)
    collect(open(store.root), nothingKept())
  })
})

describe("a blob that is collected between two puts", () => {
  for (const [size, text] of [
    ["small", bytes("again")],
    ["large", new Uint8Array(LARGE_BYTES + 1).fill(5)],
  ] as const)
    it(`is written again: ${size}`, () => {
      const store = open()
      store.blobs.put(text)
      store.blobs.flush()
      takeLease(store, "run", [])
      const ref = store.blobs.put(text)
      // As if the collector had come between the look and the touch.
      store.db.exec("DELETE FROM blobs")
      if (size === "large") store.blobs.put(text)
      store.blobs.flush()
      expect(open(store.root).blobs.get(ref.$blob).length).toEqual(text.length)
      dropLease(store, "run")
    })
})

describe("files", () => {
  it("of large blobs go with their blobs, whoever writes the same content again meanwhile", () => {
    const store = open()
    const large = new Uint8Array(LARGE_BYTES).fill(9)
    store.blobs.put(large)
    store.blobs.flush()
    const other = open(store.root)
    const steps = collecting(store, nothingKept())
    stepUntil(steps, () => store.db.prepare("SELECT COUNT(*) AS n FROM blobs").get()!["n"] === 0)
    takeLease(other, "run", [])
    const ref = other.blobs.put(large)
    finish(steps)
    other.blobs.flush()
    expect(other.blobs.get(ref.$blob).length).toEqual(large.length)
    dropLease(other, "run")
    collect(store, nothingKept())
    expect(
      readdirSync(join(store.root, "objects")).flatMap((name) =>
        readdirSync(join(store.root, "objects", name)),
      ),
    ).toEqual([])
  })

  it("of packs that are mostly unused are rewritten, while a reader holds them open", () => {
    const store = open()
    const writer = open(store.root)
    const kept = writer.blobs.put(bytes("stays"))
    for (let i = 0; i < 50; i++) writer.blobs.put(bytes(`goes ${i}`))
    const out = writeTable(writer.blobs, "T", [{ id: "a", image: kept }] as never)
    const made = trace({ outputs: { out } })
    writer.traces.add(made)
    writer.publish()
    ran(writer, "1", [made])
    expect(store.blobs.get(kept.$blob)).toEqual(bytes("stays"))
    writer.close()
    stores.splice(stores.indexOf(writer), 1)
    const [before] = readdirSync(join(store.root, "packs"))
    expect(collect(open(store.root), { ...nothingKept(), keepRuns: 1 })).toMatchObject({ rewrittenPacks: 1 })
    expect(existsSync(join(store.root, "packs", before))).toBe(false)
    expect(store.blobs.get(kept.$blob)).toEqual(bytes("stays"))
    expect(open(store.root).blobs.get(kept.$blob)).toEqual(bytes("stays"))
  })
})
