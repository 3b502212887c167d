import type { RunEvent } from "../../schema/event.ts"

export interface Warning {
  readonly node?: string
  readonly message: string
}

const WARNS = /^WARNING:\s*/u

/** The warnings of a run, each once: those of the engine, and lines of a node's log that begin with `WARNING:`. */
export class Warnings {
  readonly all: Array<Warning> = []
  readonly #known = new Set<string>()

  /** The event as it is to be shown; nothing for a warning that was told before. */
  pass(event: RunEvent): RunEvent | undefined {
    const warning = warningOf(event)
    if (warning === undefined) return event
    const key = JSON.stringify([warning.node, warning.message])
    if (this.#known.has(key)) return undefined
    this.#known.add(key)
    this.all.push(warning)
    return { type: "warning", ...warning }
  }
}

const warningOf = (event: RunEvent): Warning | undefined => {
  if (event.type === "warning") {
    const { node, message } = event
    return node === undefined ? { message } : { node, message }
  }
  return event.type === "node-log" && WARNS.test(event.line)
    ? { node: event.node, message: event.line.replace(WARNS, "") }
    : undefined
}
