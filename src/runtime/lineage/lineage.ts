import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Lineage } from "../../schema/lineage.ts"
import { storeFailure } from "../store/errors.ts"
import { Store, type OpenStore } from "../store/store.ts"
import { artifactLineage } from "./artifacts.ts"
import { readHistory } from "./history.ts"
import { sampleLineage } from "./samples.ts"

/** Nothing in the store answers to a reference. */
export class UnknownRef extends Schema.TaggedError<UnknownRef>()("UnknownRef", {
  ref: Schema.String,
  message: Schema.String,
}) {}

/**
 * The lineage of a node, `node.port`, run id, artifact digest (or its beginning), or sample (id, digest, URL, file).
 * Samples are shown in both directions, whatever `direction` says.
 */
export const lineage = Effect.fn("lineage")(function* (options: {
  readonly pipeline: string
  readonly ref: string
  readonly direction: "up" | "down"
}) {
  const store = yield* Store
  const found = yield* Effect.tryPromise({
    try: () => find(store, options),
    catch: (cause) => storeFailure(`trace ${options.ref}`, cause),
  })
  if (found !== undefined) return found
  return yield* new UnknownRef({
    ref: options.ref,
    message: `nothing in the store is named ${options.ref}: give a node, node.port, run id, artifact digest, or a sample's id, digest, URL or file (run the pipeline first if it never ran)`,
  })
})

const find = async (
  store: OpenStore,
  {
    pipeline,
    ref,
    direction,
  }: { readonly pipeline: string; readonly ref: string; readonly direction: "up" | "down" },
): Promise<Lineage | undefined> => {
  const run = store.traces.run(ref)
  const history = readHistory(store, pipeline, run)
  if (run !== undefined) {
    const ends = history.current.filter((trace) => run.targets.includes(trace.node))
    const starts = ends.length > 0 ? ends : history.current.slice(-1)
    const parts = await Promise.all(
      starts.map((start) => artifactLineage({ store, history, ref, start, direction })),
    )
    return merge(ref, parts)
  }
  const { node, port } = splitRef(
    ref,
    history.current.map((trace) => trace.node),
  )
  const traces = history.current.filter((trace) => trace.node === node || trace.node.startsWith(`${node}[`))
  if (
    traces.length > 0 &&
    (port === undefined || traces.some((trace) => trace.outputs[port] !== undefined))
  ) {
    const parts = await Promise.all(
      traces.map((start) =>
        artifactLineage({ store, history, ref, start, direction, ...(port === undefined ? {} : { port }) }),
      ),
    )
    return merge(ref, parts)
  }
  if (/^[0-9a-f]{8,64}$/u.test(ref)) {
    for (const start of history.current) {
      const made = Object.entries(start.outputs).find(([, output]) => output.digest.startsWith(ref))
      if (made !== undefined) return artifactLineage({ store, history, ref, start, port: made[0], direction })
    }
    const made = history.byOutput(ref)
    if (made !== undefined)
      return artifactLineage({ store, history, ref, start: made.trace, port: made.port, direction })
  }
  return sampleLineage(store, history, ref)
}

/** `train[lr=0.1].model`: the last dot outside of brackets parts node from port. */
const splitRef = (
  ref: string,
  nodes: ReadonlyArray<string>,
): { readonly node: string; readonly port?: string } => {
  if (nodes.some((name) => name === ref || name.startsWith(`${ref}[`))) return { node: ref }
  const dot = ref.lastIndexOf(".")
  return dot <= 0 ? { node: ref } : { node: ref.slice(0, dot), port: ref.slice(dot + 1) }
}

const merge = (ref: string, parts: ReadonlyArray<Lineage>): Lineage => ({
  ref,
  nodes: [...new Map(parts.flatMap((part) => part.nodes).map((node) => [node.id, node])).values()],
  edges: [
    ...new Map(
      parts.flatMap((part) => part.edges).map((edge) => [`${edge.from} ${edge.to} ${edge.role}`, edge]),
    ).values(),
  ],
})
