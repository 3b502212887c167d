import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { CollectReport } from "../../runtime/store/collect.ts"
import { parseBytes, POLICY_FILE, readPolicy, type PolicyFile } from "../cache-policy.ts"
import { UsageError } from "../failure.ts"
import { print, printJson } from "../output.ts"
import { plural, size } from "../present/text.ts"
import { root } from "../root.ts"
import { loadDocumentModule, withStoreOnly } from "../session.ts"

const DAY = 86_400_000
const KEEP_RUNS = 5
const KEEP_DAYS = 30

const days = (flag: string): Effect.Effect<number, UsageError> => {
  const value = Number(flag)
  return flag.trim() !== "" && value >= 0
    ? Effect.succeed(value)
    : Effect.fail(new UsageError({ message: `--keep-days: ${JSON.stringify(flag)} is no number of days` }))
}

/** What is kept: flags first, then what the project says, then what is usual. */
export const collectOptions = Effect.fnUntraced(function* (
  policy: PolicyFile,
  project: string,
  flags: { readonly runs: number; readonly age: string; readonly quota: string } = {
    runs: -1,
    age: "",
    quota: "",
  },
) {
  const keepDays = flags.age === "" ? (policy.keepDays ?? KEEP_DAYS) : yield* days(flags.age)
  const most = flags.quota === "" ? policy.quota : flags.quota
  const quota =
    most === undefined ? undefined : yield* parseBytes(most, flags.quota === "" ? POLICY_FILE : "--quota")
  return {
    keepRuns: flags.runs < 0 ? (policy.keepRuns ?? KEEP_RUNS) : flags.runs,
    keepMs: keepDays * DAY,
    ...(quota === undefined ? {} : { quota }),
    project,
    now: Date.now(),
  }
})

const describe = (report: CollectReport, dryRun: boolean): string => {
  const { inUse, quota, recent } = report
  const lines = [
    `${dryRun ? "would free" : "freed"} ${plural(report.freedBlobs, "blob")} (${size(report.freedBytes)}), ${plural(report.freedTraces, "result")} and ${plural(report.freedItems, "item result")}; ${plural(report.keptBlobs, "blob")} (${size(report.keptBytes)}) kept`,
  ]
  if (inUse.runs.length > 0)
    lines.push(
      `${plural(inUse.results, "result")} and all item results are kept for ${plural(inUse.runs.length, "run")} under way (${inUse.runs.join(", ")})`,
    )
  if (recent > 0) lines.push(`${plural(recent, "result")} kept only for being recent: see --keep-days`)
  if (quota !== undefined) {
    if (!quota.held)
      lines.push(
        `the quota of ${size(quota.bytes)} could not be held: the rest is in use or recent work of items`,
      )
    if (quota.givenUp.length > 0)
      lines.push(
        `for the quota of ${size(quota.bytes)}, what kept runs name had to go: ${quota.givenUp.map(({ node, run }) => `${node} (run ${run})`).join(", ")}`,
      )
  }
  if (report.purged !== undefined) lines.push(...purgeLines(report.purged))
  return lines.join("\n")
}

const purgeLines = (purged: NonNullable<CollectReport["purged"]>): ReadonlyArray<string> =>
  purged.done
    ? ["what was forgotten is gone from the disk"]
    : [`what was forgotten may still be on the disk: ${purged.because}; collect again then`]

export const gcCommand = Command.make(
  "gc",
  {
    runs: Flag.Int("keep-runs").pipe(
      Flag.withDescription(
        `Of each pipeline, keep what so many of its newest successful runs name (default ${KEEP_RUNS})`,
      ),
      Flag.withDefault(-1),
    ),
    age: Flag.String("keep-days").pipe(
      Flag.withDescription(
        `Keep what was computed or used within so many days, whatever names it (default ${KEEP_DAYS})`,
      ),
      Flag.withDefault(""),
    ),
    quota: Flag.String("quota").pipe(
      Flag.withDescription(
        "Let blobs take so much at most, say 20GB: what is cheap to compute again goes first",
      ),
      Flag.withDefault(""),
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Only say what would be freed"),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* ({ runs, age, quota, dryRun }) {
    const globals = yield* root
    const { projectOf } = yield* loadDocumentModule
    const project = projectOf(globals.file)
    const policy = yield* readPolicy(project)
    const options = yield* collectOptions(policy, project, { runs, age, quota })
    const report = yield* withStoreOnly(globals, (engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        yield* engine.useForgotten(store, project)
        return yield* engine.storeTry("collect the store", () =>
          engine.collect(store, { ...options, dryRun }),
        )
      }),
    )
    if (globals.json) return yield* printJson(report)
    return yield* print(describe(report, dryRun))
  }),
).pipe(
  Command.withDescription(
    `Free what nothing refers to that is kept; beside a run too. A project's ${POLICY_FILE} says what is kept where no flag does`,
  ),
)
