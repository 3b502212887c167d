import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RunRecord } from "../../schema/trace.ts"
import { UsageError } from "../failure.ts"
import { note, paint, paintNote, print } from "../output.ts"
import { printPieces } from "../pieces.ts"
import { moment } from "../present/text.ts"
import { root } from "../root.ts"
import { loadDocumentModule, withStoreOnly } from "../session.ts"

const title = ({ id, startedAt, status }: RunRecord): string =>
  `${id} (${moment(startedAt)}${status === "ok" ? "" : `, ${status}`})`

export const diff = Command.make(
  "diff",
  {
    runs: Argument.String("run").pipe(
      Argument.withDescription(
        "The earlier and the later run, as `dag runs` names them (default: the last two; with one, it and the last)",
      ),
      Argument.between(0, 2),
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Rows of a table, and figures, that are named before the rest is counted"),
      Flag.withDefault(5),
    ),
  },
  Effect.fnUntraced(function* ({ runs: refs, limit }) {
    const globals = yield* root
    // The document says of which pipeline the last runs are meant; without one, those of the store are.
    const { openDocument } = yield* loadDocumentModule
    const document = yield* Effect.option(openDocument({ file: globals.file, env: process.env }))
    const pipeline = Option.isSome(document) ? document.value.pipeline : undefined
    yield* withStoreOnly(globals, (engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        const find = (ref: string): Effect.Effect<RunRecord, UsageError> => {
          const run = engine.findRun(store, pipeline, ref)
          const newest = store.traces.runs(3).map(({ id }) => id)
          const hint =
            newest.length === 0
              ? "nothing ran here yet"
              : `the newest: ${newest.join(", ")}; \`dag runs\` lists all`
          return run === undefined
            ? Effect.fail(new UsageError({ message: `there is no run ${ref} in this store`, hint }))
            : Effect.succeed(run)
        }
        const [before, after] =
          refs.length === 2
            ? [yield* find(refs[0]), yield* find(refs[1])]
            : yield* lastTwo(
                [...engine.runsOf(store, pipeline, 2)],
                refs.length === 1 ? yield* find(refs[0]) : undefined,
              )
        const found = yield* engine.storeTry("compare the runs", () => engine.diffRuns(store, before, after))
        const failure = (cause: unknown) => engine.storeFailure("compare the runs", cause)
        if (globals.json) return yield* printPieces(engine.diffJson(store, found), failure)
        const text = yield* Effect.tryPromise({
          try: () => engine.diffText(store, found, { limit: Math.max(0, limit), paint }),
          catch: failure,
        })
        if (refs.length < 2 && !globals.quiet) note(paintNote("dim", `${title(before)} → ${title(after)}`))
        return yield* print(text)
      }),
    )
  }),
).pipe(
  Command.withDescription(
    "What is different between two runs: figures, and what made them so, to the sample",
  ),
  Command.withExamples([{ command: "dag diff", description: "The last run against the one before it" }]),
)

const lastTwo = (
  runs: ReadonlyArray<RunRecord>,
  before: RunRecord | undefined,
): Effect.Effect<readonly [RunRecord, RunRecord], UsageError> => {
  const [after, earlier] = runs
  const from = before ?? earlier
  return after === undefined || from === undefined
    ? Effect.fail(
        new UsageError({
          message: `there ${runs.length === 0 ? "is no run" : "is only one run"} to compare`,
          hint: "`dag run` makes one; `dag runs` lists them",
        }),
      )
    : Effect.succeed([from, after])
}
