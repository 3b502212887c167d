import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { codes, Shown, UsageError } from "../failure.ts"
import { note, paint, paintNote, print, printJson } from "../output.ts"
import { columns, count, duration, plural, size } from "../present/text.ts"
import { root } from "../root.ts"
import { withStoreOnly } from "../session.ts"

const statsCommand = Command.make(
  "stats",
  {},
  Effect.fnUntraced(function* () {
    const globals = yield* root
    const found = yield* withStoreOnly(globals, (engine) =>
      Effect.flatMap(engine.Store, (store) => engine.storeTry("count the store", () => engine.stats(store))),
    )
    if (globals.json) return yield* printJson(found)
    return yield* print(
      [
        `${plural(found.blobs, "blob")}, ${size(found.bytes)} (${size(found.diskBytes)} on disk); ${plural(found.traces, "trace")}, ${plural(found.items, "item result")}, ${plural(found.runs, "run")}`,
        "",
        columns(
          [
            ["node", "type", "results", "newest", "time spent"].map((title) => paint("dim", title)),
            ...found.nodes.map((node) => [
              node.node,
              node.uses,
              count(node.traces),
              size(node.bytes),
              duration(node.ms),
            ]),
          ],
          [2, 3, 4],
        ),
      ].join("\n"),
    )
  }),
).pipe(Command.withDescription("How full the store is, and with what"))

const verifyCommand = Command.make(
  "verify",
  {
    repair: Flag.Boolean("repair").pipe(
      Flag.withDescription("Take what is not whole out of the index, so that it is computed again"),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* ({ repair }) {
    const globals = yield* root
    const report = yield* withStoreOnly(globals, (engine) =>
      Effect.flatMap(engine.Store, (store) =>
        engine.storeTry("verify the store", () => engine.verify(store, { repair })),
      ),
    )
    if (globals.json) yield* printJson(report)
    else {
      yield* print(
        [
          ...report.problems.map((problem) => `${problem.kind} ${problem.at}: ${problem.message}`),
          `${plural(report.blobs, "blob")} (${size(report.bytes)}), ${plural(report.traces, "trace")}, ${plural(report.items, "item result")}: ${report.problems.length === 0 ? "all whole" : plural(report.problems.length, "problem")}${report.repaired ? ", taken out; the next run computes what is missing" : ""}`,
        ].join("\n"),
      )
    }
    if (report.problems.length > 0 && !report.repaired) {
      note(paintNote("red", "the store is damaged; `dag cache verify --repair` takes out what is not whole"))
      return yield* new Shown({ code: codes.damaged })
    }
  }),
).pipe(Command.withDescription("Check every byte of the store and every reference"))

const gcCommand = Command.make(
  "gc",
  {
    keep: Flag.Int("keep").pipe(
      Flag.withDescription("Runs of each pipeline whose results are kept"),
      Flag.withDefault(5),
    ),
    days: Flag.Int("days").pipe(
      Flag.withDescription("Results of items younger than this are kept in any case"),
      Flag.withDefault(30),
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Only say what would be freed"),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* ({ keep, days, dryRun }) {
    const globals = yield* root
    const report = yield* withStoreOnly(globals, (engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        const now = Date.now()
        const live = engine.liveLeases(store, now)
        if (live.length > 0) {
          return yield* new UsageError({
            message: `the run ${live.map(({ id }) => id).join(", ")} is under way`,
            hint: "collect when it has ended",
          })
        }
        const options = { keepRuns: keep, keepItemsMs: days * 86_400_000, dryRun, now }
        return yield* engine.storeTry("collect the store", () => engine.collect(store, options))
      }),
    )
    if (globals.json) return yield* printJson(report)
    return yield* print(
      `${dryRun ? "would free" : "freed"} ${plural(report.freedBlobs, "blob")} (${size(report.freedBytes)}), ${plural(report.freedTraces, "trace")} and ${plural(report.freedItems, "item result")}; ${plural(report.keptBlobs, "blob")} kept`,
    )
  }),
).pipe(Command.withDescription("Free what no recent run refers to"))

export const cache = Command.make("cache").pipe(
  Command.withDescription("The store: how full, whether whole, and freeing it"),
  Command.withSubcommands([statsCommand, verifyCommand, gcCommand]),
)
