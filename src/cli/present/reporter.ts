import type { RunEvent } from "../../schema/event.ts"
import { note } from "../output.ts"
import { isTerminal, painter, useColour } from "./colour.ts"
import { plainReporter } from "./plain.ts"
import { terminalReporter } from "./terminal.ts"

/** Something that shows run events; `close` leaves the screen clean. */
export interface Reporter {
  readonly event: (event: RunEvent) => void
  readonly close: () => void
}

/** A live view on a terminal, plain lines elsewhere, nothing when it is to be quiet. Always on standard error. */
export const makeReporter = (options: {
  readonly quiet: boolean
  readonly json: boolean
  /** Whether lines that nodes log are shown. */
  readonly logs: boolean
}): Reporter => {
  if (options.quiet) return { event: () => {}, close: () => {} }
  const paint = painter(useColour(2))
  const live = !options.json && process.env["TERM"] !== "dumb" && process.env["CI"] === undefined
  return live && isTerminal(2)
    ? terminalReporter(process.stderr, paint)
    : plainReporter(note, paint, options.logs)
}
