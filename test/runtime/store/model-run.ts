import { digestOf } from "../../../src/schema/digest.ts"
import type { NodeReport, NodeTrace } from "../../../src/schema/trace.ts"
import { dropLease, previousOf, resultsOf, takeLease } from "../../../src/runtime/store/leases.ts"
import type { OpenStore } from "../../../src/runtime/store/store.ts"
import { writeTable } from "../../../src/runtime/store/tables.ts"

const bytes = (content: number): Uint8Array => new TextEncoder().encode(`content ${content} `.repeat(5))

/** What a run of the model does: nodes of a type, each a table of contents out of a small universe. */
export interface RunSketch {
  readonly type: number
  readonly nodes: ReadonlyArray<{ readonly key: number; readonly contents: ReadonlyArray<number> }>
  /** Ends without a word after so many steps. */
  readonly dies: number
}
let runs = 0

/** A run as the engine does it, in steps between which others act. Whatever it reuses has to be readable to its end. */
export function* modelRun(store: OpenStore, sketch: RunSketch): Generator<void, void> {
  const id = `run-${process.pid}-${runs++}`
  const [uses, fingerprint, pipeline] = [`type-${sketch.type}`, "v1", "p"]
  let steps = 0
  const dead = (): boolean => ++steps > sketch.dies
  takeLease(store, id, [previousOf(pipeline), resultsOf({ uses, fingerprint })])
  const reports: Array<NodeReport> = []
  const inHand: Array<NodeTrace> = []
  for (const { key: n, contents } of sketch.nodes) {
    if (dead()) return dropLease(store, id)
    yield
    const key = digestOf(`${uses} ${n} ${contents.join(",")}`)
    let trace = store.traces.find(key)
    if (trace === undefined || !Object.values(trace.outputs).every(({ digest }) => store.blobs.has(digest))) {
      const rows: Array<{ id: string; image: unknown }> = []
      for (const content of contents) {
        yield
        if (dead()) return dropLease(store, id)
        const itemKey = digestOf(`item ${uses} ${content}`)
        let row = store.traces.item(itemKey, 0)?.result.rows[0]
        yield
        if (row === undefined) {
          row = { image: store.blobs.put(bytes(content)) }
          yield
          store.blobs.flush()
          yield
          store.traces.addItems([[itemKey, { rows: [row], rejected: [] }]], Date.now() - 1000 * (content % 2))
        }
        rows.push({ id: `row-${content}`, image: row["image"] })
      }
      yield
      const out = writeTable(store.blobs, "T", rows)
      yield
      trace = {
        uses,
        fingerprint,
        params: {},
        seed: 0,
        inputs: {},
        files: {},
        key,
        pipeline,
        node: `n${n}`,
        run: id,
        modules: {},
        outputs: { out },
        startedAt: Date.now(),
        ms: n,
        environment: { node: "", platform: "", cpus: 1 },
      }
      store.traces.add(trace)
      yield
      store.publish()
    }
    inHand.push(trace)
    yield
    for (const { outputs } of inHand)
      for (const { chunk } of chunksOf(store, outputs["out"].digest)) store.blobs.get(chunk.$blob)
    reports.push({
      id: trace.node,
      uses,
      status: "ran",
      reason: "",
      why: [],
      key,
      ms: 0,
      outputs: trace.outputs,
    })
  }
  yield
  const record = { id, pipeline, file: "", targets: [], status: "ok" as const, startedAt: Date.now(), ms: 0 }
  store.traces.saveRun({ ...record, nodes: reports })
  yield
  dropLease(store, id)
}

const chunksOf = (store: OpenStore, digest: string): ReadonlyArray<{ chunk: { $blob: string } }> =>
  (
    JSON.parse(new TextDecoder().decode(store.blobs.get(digest))) as {
      chunks: ReadonlyArray<{ chunk: { $blob: string } }>
    }
  ).chunks
