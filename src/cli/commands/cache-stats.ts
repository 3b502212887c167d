import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { CollectReport } from "../../runtime/store/collect.ts"
import type { StoreStats } from "../../runtime/store/stats.ts"
import { readPolicy } from "../cache-policy.ts"
import { paint, print, printJson } from "../output.ts"
import { columns, count, duration, plural, size } from "../present/text.ts"
import { root } from "../root.ts"
import { loadDocumentModule, withStoreOnly } from "../session.ts"
import { collectOptions } from "./cache-gc.ts"

const head = (titles: ReadonlyArray<string>): ReadonlyArray<string> =>
  titles.map((title) => paint("dim", title))

const describe = (found: StoreStats, free: CollectReport | undefined): string =>
  [
    `${plural(found.blobs, "blob")}, ${size(found.bytes)} (${size(found.diskBytes)} on disk); ${plural(found.traces, "trace")}, ${plural(found.items, "item result")}, ${plural(found.chunks, "chunk result")}, ${plural(found.runs, "run")}`,
    `${plural(found.packs.count, "pack")} (${size(found.packs.bytes)}, ${Math.floor(found.packs.live * 100)} % in use), ${plural(found.large.count, "large blob")} (${size(found.large.bytes)}), index ${size(found.indexBytes)}`,
    ...(free === undefined
      ? []
      : [
          `\`dag cache gc\` would free ${plural(free.freedBlobs, "blob")} (${size(free.freedBytes)}), ${plural(free.freedTraces, "trace")} and ${plural(free.freedItems, "item result")}`,
        ]),
    "",
    columns(
      [
        head(["node", "type", "results", "newest", "time spent"]),
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
    "",
    columns(
      [
        head(["type", "nodes", "results", "newest", "time spent"]),
        ...found.types.map((type) => [
          type.uses,
          count(type.nodes),
          count(type.traces),
          size(type.bytes),
          duration(type.ms),
        ]),
      ],
      [1, 2, 3, 4],
    ),
  ].join("\n")

export const statsCommand = Command.make(
  "stats",
  {
    gc: Flag.Boolean("gc").pipe(
      Flag.withDescription("Say too what a collection would free (goes through all tables)"),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* ({ gc }) {
    const globals = yield* root
    const { projectOf } = yield* loadDocumentModule
    const project = projectOf(globals.file)
    const policy = yield* readPolicy(project)
    const options = yield* collectOptions(policy, project)
    const { found, free } = yield* withStoreOnly(globals, (engine) =>
      Effect.flatMap(engine.Store, (store) =>
        engine.storeTry("count the store", () => ({
          found: engine.stats(store),
          free: gc ? engine.collect(store, { ...options, dryRun: true }) : undefined,
        })),
      ),
    )
    if (globals.json) return yield* printJson(free === undefined ? found : { ...found, gc: free })
    return yield* print(describe(found, free))
  }),
).pipe(Command.withDescription("How full the store is, and with what"))
