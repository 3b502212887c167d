import { closest, distance } from "fastest-levenshtein"
import type { RunRecord } from "../../schema/trace.ts"
import type { OpenStore } from "../store/store.ts"
import type { Start } from "./artifacts.ts"
import { runsOf, type History } from "./history.ts"

/** A run by its id, by a beginning of it that only one has, or `last`. */
export const findRun = (
  store: OpenStore,
  pipeline: string | undefined,
  ref: string,
): RunRecord | undefined => {
  const exact = store.traces.run(ref)
  if (exact !== undefined) return exact
  if (ref === "last") return [...runsOf(store, pipeline, 1)][0]
  if (!/^\d{8}-/u.test(ref)) return undefined
  const begun = store.db
    .prepare("SELECT id FROM runs WHERE substr(id, 1, ?) = ? LIMIT 2")
    .all(ref.length, ref)
  return begun.length === 1 ? store.traces.run(String(begun[0]["id"])) : undefined
}

/** The nodes that `NODE`, `NODE.PORT` or a matrix's name mean, with the port where one is named. */
export const namedBy = (history: History, ref: string): ReadonlyArray<Start> => {
  const { node, port } = splitRef(
    ref,
    history.current.map((trace) => trace.node),
  )
  return history.current
    .filter((trace) => trace.node === node || trace.node.startsWith(`${node}[`))
    .filter((trace) => port === undefined || trace.outputs[port] !== undefined)
    .map((trace) => ({ trace, ...(port === undefined ? {} : { port }) }))
}

/** The artifact whose digest is, or begins with, `ref`: of this history, else the newest of the store. */
export const madeAs = (history: History, ref: string): Start | undefined => {
  if (!/^[0-9a-f]{8,64}$/u.test(ref)) return undefined
  for (const trace of history.current) {
    const made = Object.entries(trace.outputs).find(([, output]) => output.digest.startsWith(ref))
    if (made !== undefined) return { trace, port: made[0] }
  }
  return history.byOutput(ref)
}

/** `train[lr=0.1].model`: the last dot outside of brackets parts node from port. */
const splitRef = (
  ref: string,
  nodes: ReadonlyArray<string>,
): { readonly node: string; readonly port?: string } => {
  if (nodes.some((name) => name === ref || name.startsWith(`${ref}[`))) return { node: ref }
  const dot = ref.lastIndexOf(".")
  return dot <= 0 || ref.endsWith("]") ? { node: ref } : { node: ref.slice(0, dot), port: ref.slice(dot + 1) }
}

/** What is near to a reference that nothing answers to, and what can be asked for. */
export const suggestion = (store: OpenStore, history: History, ref: string): string => {
  if (history.current.length === 0) return "nothing of this pipeline is in this store: run it first"
  const { node, port } = splitRef(
    ref,
    history.current.map((trace) => trace.node),
  )
  const own = history.current.find((trace) => trace.node === node || trace.node.startsWith(`${node}[`))
  if (own !== undefined && port !== undefined)
    return `${own.node} gave ${Object.keys(own.outputs).join(", ")}${near(port, Object.keys(own.outputs), `${node}.`)}`
  if (/^\d{8}-\d*/u.test(ref)) {
    const newest = [...runsOf(store, undefined, 3)].map((run) => run.id)
    return `the newest runs: ${newest.join(", ")}; \`dag runs\` lists all`
  }
  const names = history.current.flatMap((trace) => [
    trace.node,
    trace.node.replace(/\[.*\]$/u, ""),
    ...Object.keys(trace.outputs).map((name) => `${trace.node}.${name}`),
  ])
  const hint = near(ref, names, "")
  if (hint !== "") return hint.slice(2)
  const nodes = [...new Set(history.current.map((trace) => trace.node.replace(/\[.*\]$/u, "")))]
  return `give a node (${nodes.join(", ")}), NODE.PORT, a run, the digest of an artifact, or a sample by its id, digest, URL or file`
}

const near = (text: string, names: ReadonlyArray<string>, before: string): string => {
  if (names.length === 0) return ""
  const best = closest(text, [...names])
  return distance(text, best) <= Math.max(2, Math.floor(text.length / 4))
    ? `; did you mean ${before}${best}?`
    : ""
}
