import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type { NodeTrace, Reason } from "../../schema/trace.ts"
import { paint, print, printJson } from "../output.ts"
import { codeChangeLines } from "../present/code-change.ts"
import { columns, duration, moment, short } from "../present/text.ts"
import { documentFlags, root } from "../root.ts"
import { withStore } from "../session.ts"

const before = (reason: Reason): ReadonlyArray<string> => {
  switch (reason.kind) {
    case "param":
      return [`  before: ${JSON.stringify(reason.before)}`, `  after:  ${JSON.stringify(reason.after)}`]
    case "input":
    case "file":
      return [`  before: ${reason.before ?? "none"}`, `  after:  ${reason.after ?? "none"}`]
    default:
      return []
  }
}

const traceLines = (trace: NodeTrace): string =>
  columns([
    ["key", trace.key],
    ["computed", `${moment(trace.startedAt)} by run ${trace.run}, in ${duration(trace.ms)}`],
    ["code", short(trace.fingerprint)],
    ...Object.entries(trace.params).map(([name, value]) => [`with ${name}`, JSON.stringify(value)]),
    ...Object.entries(trace.inputs).flatMap(([port, refs]) =>
      refs.map((ref) => [`in ${port}`, `${ref.node}.${ref.port} ${short(ref.digest)}`]),
    ),
    ...Object.values(trace.files).map(({ path, digest }) => ["file", `${path} ${short(digest)}`]),
    ...Object.entries(trace.outputs).map(([port, output]) => [
      `out ${port}`,
      `${output.type} ${short(output.digest)}${output.rows === undefined ? "" : `, ${output.rows} rows`}`,
    ]),
  ])

const verdict = {
  cached: "up to date",
  run: "would run",
  depends: "may run",
  skip: "would be skipped",
} as const

export const explain = Command.make(
  "explain",
  {
    ...documentFlags,
    node: Argument.String("node").pipe(
      Argument.withDescription("A node of the document, or one of its instances"),
    ),
  },
  Effect.fnUntraced(function* ({ node, ...flags }) {
    const globals = yield* root
    const { answer, reasonText } = yield* withStore(globals, flags, ({ graph, catalogue }, engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        const { codeChanges } = yield* Effect.promise(() => import("../../runtime/code-texts.ts"))
        const { nodes } = yield* engine.plan({ graph, catalogue, targets: [node] })
        const meant = new Set(
          graph.nodes.flatMap(({ id, name }) => (id === node || name === node ? [id] : [])),
        )
        const answer = nodes
          .filter(({ id }) => meant.has(id))
          .map((planned) => {
            const last = store.traces.ofNode(graph.pipeline, planned.id)[0]
            const entry = catalogue.get(planned.uses)
            const isCode = last !== undefined && planned.why.some(({ kind }) => kind === "code")
            const code = isCode && entry !== undefined ? { code: codeChanges(store, last, entry) } : {}
            return { ...planned, ...code, last }
          })
        return { answer, reasonText: engine.reasonText }
      }),
    )
    if (globals.json) return yield* printJson(answer)
    const parts = answer.map(({ id, uses, action, why, code = [], last }) => {
      const lines = [`${paint("bold", id)} (${uses}): ${verdict[action]}`]
      for (const reason of why) {
        lines.push(`- ${reasonText(reason)}`, ...before(reason))
        if (reason.kind === "code") lines.push(...codeChangeLines(code, paint))
      }
      if (last === undefined) lines.push("it has no earlier result")
      else lines.push(action === "cached" ? "its result:" : "its last result:", traceLines(last))
      return lines.join("\n")
    })
    return yield* print(parts.join("\n\n"))
  }),
).pipe(Command.withDescription("Why a node would run or is reused, with before and after"))
