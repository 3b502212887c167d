import type { Digest } from "../../schema/digest.ts"
import type { NodeReport, NodeStatus, OutputRecord, Reason, RunRecord } from "../../schema/trace.ts"
import { differences } from "../plan/reason.ts"
import { readJson } from "../store/artifacts.ts"
import type { OpenStore } from "../store/store.ts"
import { figureChanges, figuresOf, type FigureChange } from "./figures.ts"

/** An output of a node that is another in one of two runs. */
export interface OutputChange {
  readonly port: string
  readonly type: string
  readonly before?: OutputRecord
  readonly after?: OutputRecord
  /** Of a JSON artifact: the numbers that are another. */
  readonly figures?: ReadonlyArray<FigureChange>
  /** Whether both are tables whose rows can be compared: see `diffTables`. */
  readonly comparable: boolean
  /** Set where a content is no longer in the store. */
  readonly gone?: "before" | "after"
}

/** What is different of one node between two runs. */
export interface NodeChange {
  readonly id: string
  readonly uses: string
  readonly change: "same" | "added" | "removed" | "other result" | "same result, other cause" | "no result"
  readonly status: { readonly before?: NodeStatus; readonly after?: NodeStatus }
  /** What made it another: parameters, inputs, files, code; forced or refreshed where nothing else did. */
  readonly why: ReadonlyArray<Reason>
  /** Whether the cause is the node's own, and not only what it was given. */
  readonly own: boolean
  readonly outputs: ReadonlyArray<OutputChange>
}

export interface RunDiff {
  readonly before: RunRecord
  readonly after: RunRecord
  readonly nodes: ReadonlyArray<NodeChange>
}

/** Compares two runs node by node, in the order of the later; nodes that are only in the earlier come last. */
export const diffRuns = (store: OpenStore, before: RunRecord, after: RunRecord): RunDiff => {
  const older = new Map(before.nodes.map((node) => [node.id, node]))
  const newer = new Map(after.nodes.map((node) => [node.id, node]))
  return {
    before,
    after,
    nodes: [...new Set([...newer.keys(), ...older.keys()])].map((id) =>
      nodeChange(store, older.get(id), newer.get(id)),
    ),
  }
}

const nodeChange = (store: OpenStore, a: NodeReport | undefined, b: NodeReport | undefined): NodeChange => {
  const { id, uses } = (b ?? a)!
  const status = {
    ...(a === undefined ? {} : { before: a.status }),
    ...(b === undefined ? {} : { after: b.status }),
  }
  const none = { id, uses, status, why: [], own: true, outputs: [] }
  if (a === undefined || b === undefined) return { ...none, change: a === undefined ? "added" : "removed" }
  if (a.key === undefined || b.key === undefined) return { ...none, change: "no result" }
  const outputs = outputChanges(store, a, b)
  const why = reasonsBetween(store, a.key, b.key)
  const all = why.length === 0 && outputs.length > 0 ? b.why.filter(isAsked) : why
  const same = why.length === 0 ? "same" : "same result, other cause"
  return {
    id,
    uses,
    change: outputs.length > 0 ? "other result" : same,
    status,
    why: all,
    own: all.length === 0 || all.some(({ kind }) => kind !== "input"),
    outputs,
  }
}

const isAsked = ({ kind }: Reason): boolean => kind === "forced" || kind === "refreshed"

const reasonsBetween = (store: OpenStore, before: Digest, after: Digest): ReadonlyArray<Reason> => {
  if (before === after) return []
  const [from, to] = [store.traces.find(before), store.traces.find(after)]
  return from === undefined || to === undefined ? [] : differences(from, to, to.modules)
}

const outputChanges = (store: OpenStore, a: NodeReport, b: NodeReport): ReadonlyArray<OutputChange> =>
  [...new Set([...Object.keys(b.outputs), ...Object.keys(a.outputs)])].flatMap((port) => {
    const [before, after] = [a.outputs[port], b.outputs[port]] as [OutputRecord?, OutputRecord?]
    if (before?.digest === after?.digest) return []
    const gone = [["before", before] as const, ["after", after] as const].find(
      ([, output]) => output !== undefined && !store.blobs.has(output.digest),
    )?.[0]
    const both = before !== undefined && after !== undefined && gone === undefined
    const tables = both && before.rows !== undefined && after.rows !== undefined
    const figures = both && !tables ? figuresBetween(store, before, after) : []
    return [
      {
        port,
        type: (after ?? before)!.type,
        ...(before === undefined ? {} : { before }),
        ...(after === undefined ? {} : { after }),
        ...(figures.length === 0 ? {} : { figures }),
        comparable: tables,
        ...(gone === undefined ? {} : { gone }),
      },
    ]
  })

const figuresBetween = (
  store: OpenStore,
  before: OutputRecord,
  after: OutputRecord,
): ReadonlyArray<FigureChange> => {
  if (before.type === "Files" || after.type === "Files") return []
  const [a, b] = [before, after].map(({ digest }) => figuresOf(readJson(store.blobs, digest)))
  return figureChanges(a, b)
}
