import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { RunRecord } from "../../schema/trace.ts"
import { storeFailure } from "../store/errors.ts"
import { Store, type OpenStore } from "../store/store.ts"
import { downwards, upwards, type ArtifactLineage, type Start } from "./artifacts.ts"
import { readHistory, upstream, type History } from "./history.ts"
import { findRun, madeAs, namedBy, suggestion } from "./refs.ts"
import { sampleLineage } from "./samples.ts"

/** Nothing in the store answers to a reference. */
export class UnknownRef extends Schema.TaggedError<UnknownRef>()("UnknownRef", {
  ref: Schema.String,
  message: Schema.String,
  hint: Schema.String,
}) {}

/** The answer to a question of lineage. */
export interface Traced extends ArtifactLineage {
  readonly pipeline: string
  /** What the reference turned out to be. */
  readonly subject: "run" | "node" | "artifact" | "sample"
  /** Which way it was followed; a sample is followed both ways, from its source on. */
  readonly direction: "up" | "down"
  readonly run?: RunRecord
}

export interface LineageQuestion {
  readonly pipeline: string
  readonly ref: string
  readonly direction: "up" | "down"
}

/**
 * The lineage of a node, `node.port`, run (id, a beginning of it, `last`), artifact digest (or its beginning), or
 * sample (id, digest, URL, file).
 */
export const lineage = Effect.fn("lineage")(function* (question: LineageQuestion) {
  const store = yield* Store
  const found = yield* Effect.tryPromise({
    try: () => find(store, question),
    catch: (cause) => storeFailure(`trace ${question.ref}`, cause),
  })
  if ("subject" in found) return found
  return yield* new UnknownRef({
    ref: question.ref,
    message: `nothing in the store is named ${question.ref}`,
    hint: found.hint,
  })
})

const find = async (
  store: OpenStore,
  { pipeline, ref, direction }: LineageQuestion,
): Promise<Traced | { readonly hint: string }> => {
  const run = findRun(store, pipeline, ref)
  const history = readHistory(store, run?.pipeline ?? pipeline, run)
  const answer = (subject: Traced["subject"], starts: ReadonlyArray<Start>): Traced => ({
    ...(direction === "up" ? upwards : downwards)({ store, history, ref, starts }),
    pipeline: run?.pipeline ?? pipeline,
    subject,
    direction,
    ...(run === undefined ? {} : { run }),
  })
  if (run !== undefined) return answer("run", direction === "up" ? ends(history) : origins(history))
  const named = namedBy(history, ref)
  if (named.length > 0) return answer(named[0].port === undefined ? "node" : "artifact", named)
  const made = madeAs(history, ref)
  if (made !== undefined) return answer("artifact", [made])
  const sample = await sampleLineage(store, history, ref)
  if (sample !== undefined) return { ...sample, tables: [], pipeline, subject: "sample", direction: "down" }
  return { hint: suggestion(store, history, ref) }
}

/** What nothing in the run rests on: together they lead up to all of it. */
const ends = ({ current }: History): ReadonlyArray<Start> => {
  const used = new Set(current.flatMap(upstream))
  return current.filter((trace) => !used.has(trace.node)).map((trace) => ({ trace }))
}

const origins = ({ current }: History): ReadonlyArray<Start> =>
  current.filter((trace) => upstream(trace).length === 0).map((trace) => ({ trace }))
