import type { NodeTrace, OutputRecord, RunRecord } from "../../schema/trace.ts"
import { previousOf, resultsOf, type Lease } from "./leases.ts"
import type { Root } from "./references.ts"
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
  readonly log: string | undefined
  /** What computing it took. */
  readonly ms: number
}

/** Runs that failed do not push out the results of those that did not; this many times more are looked at. */
const FAILED_RUNS = 4

export const rootsOf = (outputs: Readonly<Record<string, OutputRecord>>): ReadonlyArray<Root> =>
  Object.values(outputs).map(({ digest, rows }) => ({ digest, table: rows !== undefined }))

const signature = (outputs: Readonly<Record<string, OutputRecord>>): string =>
  Object.keys(outputs)
    .sort()
    .map((port) => outputs[port].digest)
    .join(" ")

interface Named {
  /** The newest run that names a result, by its key and outputs. */
  readonly byRun: ReadonlyMap<string, string>
  readonly recent: ReadonlySet<string>
}

/** What the runs that count name. */
const namedByRuns = (store: OpenStore, policy: Policy, now: number): Named => {
  const byRun = new Map<string, string>()
  const recent = new Set<string>()
  const counts = new Map<string, { ok: number; all: number }>()
  for (const row of store.db.prepare("SELECT record FROM runs ORDER BY at DESC, id DESC").iterate()) {
    const record = JSON.parse(String(row["record"])) as RunRecord
    const count = counts.get(record.pipeline) ?? { ok: 0, all: 0 }
    counts.set(record.pipeline, count)
    const counted = count.ok < policy.keepRuns && count.all < policy.keepRuns * FAILED_RUNS
    count.all++
    if (record.status === "ok") count.ok++
    const young = record.startedAt + record.ms >= now - policy.keepMs
    if (!counted && !young) continue
    for (const { key, outputs } of record.nodes) {
      if (key === undefined) continue
      const name = `${key} ${signature(outputs)}`
      if (counted && !byRun.has(name)) byRun.set(name, record.id)
      if (young) recent.add(name)
    }
  }
  return { byRun, recent }
}

/** Every result of the store with why it is kept, newest first. */
export const judge = (
  store: OpenStore,
  policy: Policy,
  leases: ReadonlyArray<Lease>,
  now: number,
): ReadonlyArray<Kept> => {
  const { byRun, recent } = namedByRuns(store, policy, now)
  const seenNodes = new Set<string>()
  const all: Array<Kept> = []
  const rows = store.db.prepare("SELECT seq, invalid, record FROM traces ORDER BY seq DESC").iterate()
  for (const row of rows) {
    const trace = JSON.parse(String(row["record"])) as NodeTrace
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
      roots: rootsOf(trace.outputs),
      log: trace.log,
      ms: trace.ms,
    })
  }
  return all
}
