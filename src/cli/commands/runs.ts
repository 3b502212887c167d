import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { paint, print, printJson } from "../output.ts"
import { columns, duration, moment } from "../present/text.ts"
import { root } from "../root.ts"
import { withStoreOnly } from "../session.ts"

export const runs = Command.make(
  "runs",
  {
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("How many, newest first"),
      Flag.withDefault(20),
    ),
  },
  Effect.fnUntraced(function* ({ limit }) {
    const globals = yield* root
    const records = yield* withStoreOnly(globals, (engine) =>
      Effect.flatMap(engine.Store, (store) =>
        engine.storeTry("read the runs", () => store.traces.runs(Math.max(1, limit))),
      ),
    )
    if (globals.json) return yield* printJson(records)
    if (records.length === 0) return yield* print("no run yet: `dag run` makes the first")
    return yield* print(
      columns([
        ["run", "started", "pipeline", "status", "nodes run", "time", "targets"].map((title) =>
          paint("dim", title),
        ),
        ...records.map((record) => [
          record.id,
          moment(record.startedAt),
          record.pipeline,
          record.status,
          `${record.nodes.filter((node) => node.status === "ran").length} of ${record.nodes.length}`,
          duration(record.ms),
          record.targets.join(", ") || "all",
        ]),
      ]),
    )
  }),
).pipe(Command.withDescription("The runs of this store, newest first"))
