import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { RunRecord } from "../../schema/trace.ts"
import type { AgainReport } from "../again.ts"
import { codes, report, Shown, UsageError } from "../failure.ts"
import type { Traces } from "../otlp/traces.ts"
import { note, paint, paintNote, print, printJson, printJsonNow } from "../output.ts"
import { runSummary } from "../present/summary.ts"
import { Warnings, type Warning } from "../present/warnings.ts"
import { root, targetFlags } from "../root.ts"
import type { Watched } from "../watch.ts"
import { logsShown, storeFolder, withStore, type Globals, type Session } from "../session.ts"

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
  check: Flag.String("check").pipe(
    Flag.withMetavar("NODE"),
    Flag.withDescription("Compute this node once more and compare with its result (may be repeated)"),
    Flag.atLeast(0),
  ),
  audit: Flag.Boolean("audit").pipe(
    Flag.withDescription("Compute the targets (or all) once more and tell what they read undeclared"),
    Flag.withDefault(false),
  ),
  otlp: Flag.String("otlp").pipe(
    Flag.withMetavar("URL"),
    Flag.withDescription("Send a trace of the run to an OpenTelemetry collector (OTLP over HTTP)"),
    Flag.optional,
  ),
  watch: Flag.Boolean("watch").pipe(
    Flag.withAlias("w"),
    Flag.withDescription("Run again whenever the document or a file it reads changes"),
    Flag.withDefault(false),
  ),
}

/** The record of a run as `--json` gives it. */
const runJson = (record: RunRecord, warnings: ReadonlyArray<Warning>, again: AgainReport = {}) => ({
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
  ...(warnings.length === 0 ? {} : { warnings }),
  ...again,
})

type Options = Command.Command.Config.Infer<typeof flags>

/** One run, shown to its end. `seen` gets the session, once the document is checked. */
const runOnce = Effect.fnUntraced(function* (
  globals: Globals,
  options: Options,
  seen: (session: Session) => void,
) {
  const logs = yield* logsShown
  const { makeReporter } = yield* Effect.promise(() => import("../present/reporter.ts"))
  let id: string | undefined
  const warnings = new Warnings()
  const { record, again } = yield* withStore(globals, options, (session, engine) =>
    Effect.gen(function* () {
      seen(session)
      const store = yield* engine.Store
      const reporter = makeReporter({ ...globals, logs })
      const traces = yield* startTraces(Option.getOrUndefined(options.otlp))
      const jobs = Option.isSome(options.jobs) ? { jobs: options.jobs.value } : {}
      const record = yield* engine
        .run({
          graph: session.graph,
          catalogue: session.catalogue,
          targets: wanted(options),
          force: options.force,
          refresh: options.refresh,
          keepGoing: options.keepGoing,
          ...jobs,
          onEvent: (event) => {
            if (event.type === "run-started") id = event.run
            traces?.event(event)
            const shown = warnings.pass(event)
            if (shown !== undefined) reporter.event(shown)
          },
        })
        .pipe(
          Effect.ensuring(Effect.sync(reporter.close)),
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              const record = id === undefined ? undefined : store.traces.run(id)
              if (globals.json && record !== undefined) printJsonNow(runJson(record, warnings.all))
              note(paintNote("yellow", "interrupted: what finished is kept; run again to go on"))
            }),
          ),
          Effect.onExit((exit) => {
            if (traces === undefined) return Effect.void
            if (Exit.isSuccess(exit)) return endTraces(traces, exit.value)
            if (Cause.hasInterruptsOnly(exit.cause) && id !== undefined)
              return endTraces(traces, store.traces.run(id))
            return endTraces(traces, undefined, String(Cause.squash(exit.cause)))
          }),
        )
      if (options.check.length === 0 && !options.audit) return { record, again: {} }
      const { computeAgain } = yield* Effect.promise(() => import("../again.ts"))
      const second = makeReporter({ ...globals, logs })
      const again = yield* computeAgain(globals, options, {
        graph: session.graph,
        catalogue: session.catalogue,
        record,
        ...jobs,
        onEvent: second.event,
      }).pipe(Effect.ensuring(Effect.sync(second.close)))
      return { record, again }
    }),
  )
  if (globals.json) yield* printJson(runJson(record, warnings.all, again))
  else if (!globals.quiet) yield* print(runSummary(record, paint, warnings.all.length))
  yield* tellAgain(globals, again)
  // Without the summary, standard error is where the reason must be.
  if (globals.json || globals.quiet) {
    for (const { id, error } of record.nodes)
      if (error !== undefined) note(`${paintNote("red", id)}: ${error}`)
  }
  if (record.status !== "ok") return yield* new Shown({ code: codes.failed })
})

/** The trace of a run for OpenTelemetry, where somebody asked for it. */
const startTraces = Effect.fnUntraced(function* (flag: string | undefined) {
  const asks = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
  if (flag === undefined && asks.every((name) => (process.env[name] ?? "") === "")) return undefined
  const { Traces } = yield* Effect.promise(() => import("../otlp/traces.ts"))
  const traces = Traces.start(flag, process.env)
  if (traces === undefined || !("problem" in traces)) return traces
  if (flag !== undefined) return yield* new UsageError({ message: traces.problem })
  warn(traces.problem)
  return undefined
})

const endTraces = (traces: Traces, record: RunRecord | undefined, error?: string): Effect.Effect<void> =>
  Effect.promise(() => traces.end(record, error)).pipe(
    Effect.map((trouble) => {
      if (trouble !== undefined) warn(trouble)
    }),
  )

const warn = (text: string): void => note(`${paintNote("yellow", "warning")}: ${text}`)

/** What came of `--check` and `--audit`; a failure where something is not as it should be. */
const tellAgain = Effect.fnUntraced(function* (globals: Globals, again: AgainReport) {
  if (again.checks === undefined && again.audit === undefined) return
  const { isFine } = yield* Effect.promise(() => import("../again.ts"))
  const { againText } = yield* Effect.promise(() => import("../present/again.ts"))
  if (!globals.json) yield* print(againText(again, paint))
  if (!isFine(again)) return yield* new Shown({ code: codes.failed })
})

/** What the run has to bring up to date: nodes to be checked are targets like any other. */
const wanted = ({ target, check, audit }: Options): ReadonlyArray<string> =>
  target.length === 0 && audit ? [] : [...target, ...check]

/** Runs again whenever the document, a plugin, or a file that a node reads changes; until Ctrl-C. */
const runAgain = Effect.fnUntraced(function* (globals: Globals, options: Options) {
  const { Watcher } = yield* Effect.promise(() => import("../watch.ts"))
  const { filesOfBroken, filesOfSession } = yield* Effect.promise(() => import("../watched-files.ts"))
  const folder = yield* storeFolder(globals)
  const watcher = yield* Effect.acquireRelease(
    Effect.sync(() => new Watcher([folder])),
    (watcher) => Effect.sync(() => watcher.close()),
  )
  let last: ReadonlyArray<Watched> = yield* filesOfBroken(globals)
  watcher.watch(last)
  for (let times = 0; ; times += 1) {
    // Forced once, not with every change.
    const again = times === 0 ? options : { ...options, force: [], refresh: [] }
    let checked = false
    yield* runOnce(globals, again, (session) => {
      checked = true
      last = filesOfSession(globals, session)
      watcher.watch(last)
    }).pipe(
      Effect.exit,
      Effect.flatMap((exit) =>
        Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)
          ? Effect.failCause(exit.cause)
          : Effect.promise(() => report(exit, globals.json)),
      ),
    )
    // What is wrong may be in any file that it was made of before, or names now.
    if (!checked) watcher.watch([...last, ...(yield* filesOfBroken(globals))])
    note(paintNote("dim", "waiting for changes; Ctrl-C ends it"))
    yield* Effect.promise(() => watcher.next())
  }
}, Effect.scoped)

export const run = Command.make(
  "run",
  flags,
  Effect.fnUntraced(function* (options) {
    const globals = yield* root
    if (Option.isSome(options.jobs) && options.jobs.value < 1) {
      return yield* new UsageError({ message: "--jobs must be 1 or more" })
    }
    yield* options.watch ? runAgain(globals, options) : runOnce(globals, options, () => {})
  }),
).pipe(
  Command.withDescription("Compute what the targets need; only what changed runs"),
  Command.withExamples([
    { command: "dag run --target eval", description: "The figures, and nothing that they do not need" },
    { command: "dag run --force train", description: "Train again" },
  ]),
)
