import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type { NodeReport, NodeTrace, RunRecord } from "../../schema/trace.ts"
import { UsageError } from "../failure.ts"
import { paint, print, printJson } from "../output.ts"
import { root } from "../root.ts"
import { withStoreOnly } from "../session.ts"

/** What is different of one node between two runs. */
interface NodeDifference {
  readonly id: string
  readonly change: "same" | "added" | "removed" | "other result" | "same result, other cause" | "no result"
  /** What made its key another: parameters, inputs, files, code. */
  readonly why: ReadonlyArray<string>
  /** Output ports whose content is another. */
  readonly outputs: ReadonlyArray<string>
}

const changedOutputs = (a: NodeReport, b: NodeReport): ReadonlyArray<string> =>
  [...new Set([...Object.keys(a.outputs), ...Object.keys(b.outputs)])].filter(
    (port) => a.outputs[port]?.digest !== b.outputs[port]?.digest,
  )

const compare = (
  before: RunRecord,
  after: RunRecord,
  trace: (report: NodeReport) => NodeTrace | undefined,
  { differences, reasonText }: typeof import("../../runtime/plan/reason.ts"),
): ReadonlyArray<NodeDifference> => {
  const older = new Map(before.nodes.map((node) => [node.id, node]))
  const newer = new Map(after.nodes.map((node) => [node.id, node]))
  return [...new Set([...older.keys(), ...newer.keys()])].map((id): NodeDifference => {
    const [a, b] = [older.get(id), newer.get(id)]
    if (a === undefined || b === undefined) {
      return { id, change: a === undefined ? "added" : "removed", why: [], outputs: [] }
    }
    const [from, to] = [trace(a), trace(b)]
    if (from === undefined || to === undefined) return { id, change: "no result", why: [], outputs: [] }
    const outputs = changedOutputs(a, b)
    const why = differences(from, to, to.modules).map(reasonText)
    const same = why.length === 0 ? "same" : "same result, other cause"
    return { id, change: outputs.length > 0 ? "other result" : same, why, outputs }
  })
}

export const diff = Command.make(
  "diff",
  {
    before: Argument.String("before").pipe(Argument.withDescription("A run, as `dag runs` names it")),
    after: Argument.String("after").pipe(Argument.withDescription("Another")),
  },
  Effect.fnUntraced(function* ({ before, after }) {
    const globals = yield* root
    const reasons = yield* Effect.promise(() => import("../../runtime/plan/reason.ts"))
    const nodes = yield* withStoreOnly(globals, (engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        const find = (id: string): Effect.Effect<RunRecord, UsageError> => {
          const run = store.traces.run(id)
          return run === undefined
            ? Effect.fail(
                new UsageError({
                  message: `there is no run ${id} in this store`,
                  hint: "dag runs lists them",
                }),
              )
            : Effect.succeed(run)
        }
        const [a, b] = [yield* find(before), yield* find(after)]
        return yield* engine.storeTry("compare the runs", () =>
          compare(a, b, ({ key }) => (key === undefined ? undefined : store.traces.find(key)), reasons),
        )
      }),
    )
    if (globals.json) return yield* printJson({ before, after, nodes })
    const different = nodes.filter(({ change }) => change !== "same")
    const lines = different.flatMap(({ id, change, why, outputs }) => [
      `${paint("bold", id)}: ${change}${outputs.length > 0 ? ` (${outputs.join(", ")})` : ""}`,
      ...why.map((reason) => `- ${reason}`),
    ])
    return yield* print(lines.length === 0 ? "no node is different" : lines.join("\n"))
  }),
).pipe(Command.withDescription("What is different between two runs, and what it did"))
