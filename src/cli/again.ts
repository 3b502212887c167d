import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { NodeAudit } from "../schema/audit.ts"
import type { NodeCheck } from "../schema/check.ts"
import { Auditors } from "../runtime/audit/audit.ts"
import { packageRoot } from "../runtime/package-root.ts"
import { audit, check, type AgainOptions } from "../runtime/run/again.ts"
import { UsageError } from "./failure.ts"
import { storeFolder, type Globals } from "./session.ts"

/** What a run is asked to do once it has ended well. */
export interface AgainFlags {
  readonly check: ReadonlyArray<string>
  readonly audit: boolean
  readonly target: ReadonlyArray<string>
}

export interface AgainReport {
  readonly checks?: ReadonlyArray<NodeCheck>
  readonly audit?: ReadonlyArray<NodeAudit>
}

/** Computes nodes again that a run has brought up to date: to compare, to see what they read, or both. */
export const computeAgain = Effect.fnUntraced(function* (
  globals: Globals,
  flags: AgainFlags,
  options: AgainOptions,
) {
  const report: { checks?: ReadonlyArray<NodeCheck>; audit?: ReadonlyArray<NodeAudit> } = {}
  if (flags.check.length > 0) report.checks = yield* check(options, flags.check)
  if (flags.audit) {
    // The sources, not what was built of them: a find is told with its file and line.
    const entry = join(packageRoot, "src", "cli", "audit-worker.ts")
    if (!existsSync(entry))
      return yield* new UsageError({ message: `--audit needs the program's sources: ${entry} is not there` })
    const folder = yield* storeFolder(globals)
    report.audit = yield* audit(options, flags.target).pipe(
      Effect.provide(Auditors.processes({ entry, args: [folder] })),
    )
  }
  return report satisfies AgainReport
})

/** Whether all is as it should be. */
export const isFine = ({ checks = [], audit = [] }: AgainReport): boolean =>
  checks.every(({ status }) => status === "same" || status === "elsewhere") &&
  audit.every(({ status }) => status === "clean" || status === "unaudited")
