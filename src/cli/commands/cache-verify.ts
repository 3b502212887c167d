import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { VerifyReport } from "../../runtime/store/verify.ts"
import { codes, Shown, UsageError } from "../failure.ts"
import { note, paintNote, print, printJson } from "../output.ts"
import { count, plural, size } from "../present/text.ts"
import { root } from "../root.ts"
import { loadEngine, storeFolder } from "../session.ts"

const TELL_EVERY = 2_000

const describe = (report: VerifyReport): string => {
  const total = Object.values(report.counts).reduce((sum, n) => sum + n, 0)
  const untold = total - report.problems.length
  return [
    ...report.problems.map((problem) => `${problem.kind} ${problem.at}: ${problem.message}`),
    ...(untold > 0 ? [`and ${count(untold)} more`] : []),
    `${plural(report.blobs, "blob")} (${size(report.bytes)}), ${plural(report.traces, "trace")}, ${plural(report.items, "item result")}: ${total === 0 ? "all whole" : plural(total, "problem")}${report.repaired ? ", taken out; the next run computes what is missing" : ""}`,
  ].join("\n")
}

export const verifyCommand = Command.make(
  "verify",
  {
    repair: Flag.Boolean("repair").pipe(
      Flag.withDescription(
        "Take what is not whole out of the index, so that it is computed again; rebuild the index where it is damaged",
      ),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* ({ repair }) {
    const globals = yield* root
    const engine = yield* loadEngine
    const folder = yield* storeFolder(globals)
    const { existsSync } = yield* Effect.promise(() => import("node:fs"))
    if (!existsSync(folder)) {
      return yield* new UsageError({
        message: `there is no store at ${folder}`,
        hint: "nothing ran here yet; -f FILE or --cache DIR name another place",
      })
    }
    let told = performance.now()
    const progress = (done: number, total: number): void => {
      if (globals.quiet || performance.now() - told < TELL_EVERY) return
      told = performance.now()
      note(`${count(done)} of ${plural(total, "blob")} checked`)
    }
    const report = yield* engine.storeTry("verify the store", () =>
      engine.checkStore(folder, { repair, progress }),
    )
    if (globals.json) yield* printJson(report)
    else yield* print(describe(report))
    if (Object.keys(report.counts).length > 0 && !report.repaired) {
      note(paintNote("red", "the store is damaged; `dag cache verify --repair` takes out what is not whole"))
      return yield* new Shown({ code: codes.damaged })
    }
  }),
).pipe(Command.withDescription("Check every byte of the store and every reference"))
