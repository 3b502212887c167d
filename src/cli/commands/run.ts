import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RunRecord } from "../../schema/trace.ts"
import { codes, Shown, UsageError } from "../failure.ts"
import { note, paint, paintNote, print, printJson, printJsonNow } from "../output.ts"
import { runSummary } from "../present/summary.ts"
import { root, targetFlags } from "../root.ts"
import { logsShown, withStore } from "../session.ts"

const flags = {
  ...targetFlags,
  jobs: Flag.Int("jobs").pipe(
    Flag.withAlias("j"),
    Flag.withMetavar("N"),
    Flag.withDescription("Worker processes at a time (default: one per core)"),
    Flag.optional,
  ),
  keepGoing: Flag.Boolean("keep-going").pipe(
    Flag.withAlias("k"),
    Flag.withDescription("After a failure go on with everything that does not need the failed node"),
    Flag.withDefault(false),
  ),
}

/** The record of a run as `--json` gives it. */
const runJson = (record: RunRecord) => ({
  run: { id: record.id, status: record.status, ms: record.ms },
  nodes: record.nodes.map(({ id, uses, status, reason, key, ms, outputs, items, error }) => ({
    id,
    uses,
    status,
    reason,
    key,
    ms,
    outputs,
    items,
    error,
  })),
  ...(record.presented === undefined ? {} : { presented: record.presented }),
})

export const run = Command.make(
  "run",
  flags,
  Effect.fnUntraced(function* (options) {
    const globals = yield* root
    if (Option.isSome(options.jobs) && options.jobs.value < 1) {
      yield* new UsageError({ message: "--jobs must be 1 or more" })
    }
    const logs = yield* logsShown
    const { makeReporter } = yield* Effect.promise(() => import("../present/reporter.ts"))
    let id: string | undefined
    const record = yield* withStore(globals, options, ({ graph, catalogue }, engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        const reporter = makeReporter({ ...globals, logs })
        return yield* engine
          .run({
            graph,
            catalogue,
            targets: options.target,
            force: options.force,
            refresh: options.refresh,
            keepGoing: options.keepGoing,
            ...(Option.isSome(options.jobs) ? { jobs: options.jobs.value } : {}),
            onEvent: (event) => {
              if (event.type === "run-started") id = event.run
              reporter.event(event)
            },
          })
          .pipe(
            Effect.ensuring(Effect.sync(reporter.close)),
            Effect.onInterrupt(() =>
              Effect.sync(() => {
                const record = id === undefined ? undefined : store.traces.run(id)
                if (globals.json && record !== undefined) printJsonNow(runJson(record))
                note(paintNote("yellow", "interrupted: what finished is kept; run again to go on"))
              }),
            ),
          )
      }),
    )
    if (globals.json) yield* printJson(runJson(record))
    else if (!globals.quiet) yield* print(runSummary(record, paint))
    const failed = record.nodes.filter((node) => node.error !== undefined)
    // Without the summary, standard error is where the reason must be.
    if (globals.json || globals.quiet) {
      for (const { id, error } of failed) note(`${paintNote("red", id)}: ${error}`)
    }
    if (record.status !== "ok") yield* new Shown({ code: codes.failed })
  }),
).pipe(
  Command.withDescription("Compute what the targets need; only what changed runs"),
  Command.withExamples([
    { command: "dag run --target eval", description: "The figures, and nothing that they do not need" },
    { command: "dag run --force train", description: "Train again" },
  ]),
)
