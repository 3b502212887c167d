import type { NodeTrace, OutputRecord, RunRecord } from "../../schema/trace.ts"
import { previousOf, resultsOf, type Lease } from "./leases.ts"
import type { Root } from "./references.ts"
import { unsealed } from "./seal.ts"
import type { OpenStore } from "./store.ts"

/** What is to be kept. */
export interface Policy {
  /** Of each pipeline, the results of so many of its newest successful runs, and of those that failed since. */
  readonly keepRuns: number
  /** What was computed or used by a run within this time (ms) is kept too. */
  readonly keepMs: number
  /** Bytes that blobs may take at most, if any: what costs least to compute again per byte is given up first. */
  readonly quota?: number
}

/** Why a result is kept, strongest first. */
export type Tier = "in-use" | "run" | "recent" | "none"

/** A result of a node that may be kept or given up. */
export interface Kept {
  readonly seq: number
  readonly node: string
  readonly pipeline: string
  readonly tier: Tier
  /** Id of the newest kept run that names it. */
  readonly run: string | undefined
  readonly roots: ReadonlyArray<Root>
  /** Blobs that it names by their digests: its log, the texts of the code that made it. */
  readonly blobs: ReadonlyArray<string>
  /** What computing it took. */
  readonly ms: number
}

/** Runs that failed do not push out the results of those that did not; this many times more are looked at. */
const FAILED_RUNS = 4

export const rootsOf = (outputs: Readonly<Record<string, OutputRecord>>): ReadonlyArray<Root> =>
  Object.values(outputs).map(({ digest, rows }) => ({ digest, table: rows !== undefined }))

/** What a result was made of, which a run under way may compare with what is to be made now. */
const inputsOf = (trace: NodeTrace): ReadonlyArray<Root> =>
  Object.values(trace.inputs).flatMap((inputs) => inputs.map(({ digest }) => ({ digest, table: true })))

const isDigest = (text: string): boolean => /^[0-9a-f]{64}$/u.test(text)

const signature = (outputs: Readonly<Record<string, OutputRecord>>): string =>
  Object.keys(outputs)
    .sort()
    .map((port) => outputs[port].digest)
    .join(" ")

/** A record that is damaged is used by nobody. */
const DAMAGED = { node: "", pipeline: "", tier: "none", run: undefined, roots: [], blobs: [], ms: 0 } as const

interface Named {
  /** The newest run that names a result, by its key and outputs. */
  readonly byRun: ReadonlyMap<string, string>
  readonly recent: ReadonlySet<string>
  /** Logs of nodes that failed in them: no trace names those. */
  readonly logs: ReadonlySet<string>
}

/** What the runs that count name. */
export const namedByRuns = (store: OpenStore, policy: Policy, now: number): Named => {
  const byRun = new Map<string, string>()
  const recent = new Set<string>()
  const logs = new Set<string>()
  const counts = new Map<string, { ok: number; all: number }>()
  for (const row of store.db
    .prepare("SELECT id AS key, at, record, seal FROM runs ORDER BY at DESC, id DESC")
    .iterate()) {
    const record = unsealed<RunRecord>(row, row["record"])
    if (record === undefined) continue
    const count = counts.get(record.pipeline) ?? { ok: 0, all: 0 }
    counts.set(record.pipeline, count)
    const counted = count.ok < policy.keepRuns && count.all < policy.keepRuns * FAILED_RUNS
    count.all++
    if (record.status === "ok") count.ok++
    const young = record.startedAt + record.ms >= now - policy.keepMs
    if (!counted && !young) continue
    for (const { key, outputs, log } of record.nodes) {
      if (log !== undefined) logs.add(log)
      if (key === undefined) continue
      const name = `${key} ${signature(outputs)}`
      if (counted && !byRun.has(name)) byRun.set(name, record.id)
      if (young) recent.add(name)
    }
  }
  return { byRun, recent, logs }
}

/** Every result of the store with why it is kept, newest first. */
export const judge = (
  store: OpenStore,
  policy: Policy,
  leases: ReadonlyArray<Lease>,
  now: number,
  { byRun, recent }: Named = namedByRuns(store, policy, now),
): ReadonlyArray<Kept> => {
  const seenNodes = new Set<string>()
  const all: Array<Kept> = []
  const rows = store.db
    .prepare("SELECT seq, invalid, key, at, record, seal FROM traces ORDER BY seq DESC")
    .iterate()
  for (const row of rows) {
    const trace = unsealed<NodeTrace>(row, row["record"])
    if (trace === undefined) {
      all.push({ ...DAMAGED, seq: Number(row["seq"]) })
      continue
    }
    const valid = Number(row["invalid"]) === 0
    const place = `${trace.pipeline} ${trace.node}`
    const newest = valid && !seenNodes.has(place)
    if (newest) seenNodes.add(place)
    const name = `${trace.key} ${signature(trace.outputs)}`
    const used = leases.some(
      ({ scope }) => scope.has(resultsOf(trace)) || (newest && scope.has(previousOf(trace.pipeline))),
    )
    const young = trace.startedAt + trace.ms >= now - policy.keepMs || recent.has(name)
    const run = byRun.get(name)
    const tier = used ? "in-use" : !valid ? "none" : run !== undefined ? "run" : young ? "recent" : "none"
    all.push({
      seq: Number(row["seq"]),
      node: trace.node,
      pipeline: trace.pipeline,
      tier,
      run,
      roots: used ? [...rootsOf(trace.outputs), ...inputsOf(trace)] : rootsOf(trace.outputs),
      blobs: [
        ...(trace.log === undefined ? [] : [trace.log]),
        ...Object.values(trace.modules).filter(isDigest),
      ],
      ms: trace.ms,
    })
  }
  return all
}
