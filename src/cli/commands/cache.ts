import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { paint, print, printJson } from "../output.ts"
import { columns, count, duration, plural, size } from "../present/text.ts"
import { root } from "../root.ts"
import { withStoreOnly } from "../session.ts"
import { verifyCommand } from "./cache-verify.ts"
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

export const cache = Command.make("cache").pipe(
  Command.withDescription("The store: how full, whether whole, and freeing it"),
  Command.withSubcommands([statsCommand, verifyCommand, gcCommand]),
)
