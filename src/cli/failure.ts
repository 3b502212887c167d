import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type * as Exit from "effect/Exit"
import type { Diagnostic } from "../schema/diagnostic.ts"
import { note, paintNote, printJsonNow } from "./output.ts"
import { useColour } from "./present/colour.ts"

/** Exit codes. */
export const codes = { ok: 0, failed: 1, usage: 2, damaged: 3, interrupted: 130 } as const

/** The command was asked for something that cannot be; the message says what, the hint what to do. */
export class UsageError extends Data.TaggedError("UsageError")<{
  readonly message: string
  readonly hint?: string
}> {}

/** Something wrong with the document that only the engine could see: a file that is not there. */
export class DocumentFailure extends Data.TaggedError("DocumentFailure")<{
  readonly diagnostics: ReadonlyArray<Diagnostic>
  readonly sources: ReadonlyMap<string, string>
}> {}

/** The command has shown its result, and the result is a failure with this exit code. */
export class Shown extends Data.TaggedError("Shown")<{ readonly code: number }> {}

const codeByTag: Readonly<Record<string, number>> = {
  UsageError: codes.usage,
  DocumentError: codes.usage,
  DocumentFailure: codes.usage,
  UnknownNode: codes.usage,
  UnknownRef: codes.usage,
  PluginError: codes.usage,
  ForgottenFileError: codes.usage,
  StoreDamaged: codes.damaged,
}

interface Failure {
  readonly _tag: string
  readonly message: string
  readonly hint?: string
  readonly code?: number
  readonly diagnostics?: ReadonlyArray<Diagnostic>
  readonly sources?: ReadonlyMap<string, string>
  readonly errors?: ReadonlyArray<unknown>
}
const isFailure = (value: unknown): value is Failure =>
  typeof value === "object" && value !== null && "_tag" in value && "message" in value

/** Tells a failure on standard error (and as JSON where that is asked for) and gives the exit code. */
export const report = async (exit: Exit.Exit<unknown, unknown>, json: boolean): Promise<number> => {
  if (exit._tag === "Success") return codes.ok
  if (Cause.hasInterruptsOnly(exit.cause)) return codes.interrupted
  const error = Cause.squash(exit.cause)
  // The store dies of what it cannot keep when it is closed: that is no fault of the program.
  const isOfStore = isFailure(error) && ["StoreError", "StoreDamaged"].includes(error._tag)
  if (!isFailure(error) || (Cause.hasDies(exit.cause) && !isOfStore)) {
    note(`${paintNote("red", "dag: a fault in the program itself:")} ${Cause.pretty(exit.cause)}`)
    return codes.failed
  }
  if (error._tag === "Shown") return error.code ?? codes.failed
  // Usage errors of flags and commands have been told by the presenter.
  if (error._tag === "ShowHelp") return (error.errors?.length ?? 0) > 0 ? codes.usage : codes.ok
  const { diagnostics, sources } = error
  if (diagnostics !== undefined && sources !== undefined) {
    const { renderDiagnostics } = await import("../runtime/document/render.ts")
    note(renderDiagnostics(diagnostics, sources, { color: useColour(2) }))
  } else {
    note(`${paintNote("red", "dag:")} ${error.message}`)
    if (error.hint !== undefined) note(`  = ${error.hint}`)
  }
  if (json) {
    const { _tag, message, hint } = error
    printJsonNow({
      error: {
        type: _tag,
        message: diagnostics === undefined ? message : "the document has errors",
        hint,
        diagnostics,
      },
    })
  }
  return codeByTag[error._tag] ?? codes.failed
}
