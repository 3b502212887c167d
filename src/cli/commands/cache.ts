import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { codes, Shown } from "../failure.ts"
import { note, paint, paintNote, print, printJson } from "../output.ts"
import { columns, count, duration, plural, size } from "../present/text.ts"
import { root } from "../root.ts"
import { withStoreOnly } from "../session.ts"
import { gcCommand } from "./cache-gc.ts"

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

export const cache = Command.make("cache").pipe(
  Command.withDescription("The store: how full, whether whole, and freeing it"),
  Command.withSubcommands([statsCommand, verifyCommand, gcCommand]),
)
