import type { RunEvent } from "../../schema/event.ts"
import type { Paint } from "./colour.ts"
import type { Reporter } from "./reporter.ts"
import { count, duration } from "./text.ts"
import { harmless } from "./width.ts"

/** How often a node that is under way says how far it is, in ms. */
const EVERY = 10_000
/** Lines of its log that are told of a failed node. */
const TAIL = 10

/** A line for each thing worth one. */
export const plainReporter = (
  write: (line: string) => void,
  paint: Paint,
  logs: boolean,
  now: () => number = () => performance.now(),
): Reporter => {
  const said = new Map<string, number>()
  const tails = new Map<string, ReadonlyArray<string>>()
  const name = (node: string): string => paint("bold", node)
  const event = (event: RunEvent): void => {
    switch (event.type) {
      case "node-started": {
        const { items } = event
        const left = items?.cached === undefined ? undefined : items.total - items.cached
        const some =
          items === undefined
            ? ""
            : ` (${left === undefined ? "" : `${count(left)} of `}${count(items.total)} items)`
        said.set(event.node, now())
        return write(`${name(event.node)} runs${some}: ${event.reason}`)
      }
      case "node-progress": {
        if (now() - (said.get(event.node) ?? 0) < EVERY) return
        said.set(event.node, now())
        return write(
          `${name(event.node)} ${count(event.done)}/${count(event.total)}${event.note === undefined ? "" : ` ${event.note}`}`,
        )
      }
      case "node-log":
        if (logs) return write(`${paint("dim", `${event.node} |`)} ${harmless(event.line)}`)
        tails.set(event.node, [...(tails.get(event.node) ?? []).slice(1 - TAIL), harmless(event.line)])
        return
      case "node-retry":
        return write(`${name(event.node)} tries again (${event.attempt}): ${event.error}`)
      case "node-finished":
        return write(`${name(event.node)} ${paint("green", "done")} in ${duration(event.ms)}`)
      case "node-failed":
        for (const line of tails.get(event.node) ?? [])
          if (!event.error.includes(line)) write(`${paint("dim", `${event.node} |`)} ${line}`)
        return write(`${name(event.node)} ${paint("red", "failed")}: ${event.error}`)
      case "node-skipped":
        return write(`${name(event.node)} ${paint("yellow", "skipped")}: ${event.because}`)
      case "warning":
        return write(
          `${paint("yellow", "warning")}: ${event.node === undefined ? "" : `${name(event.node)}: `}${event.message}`,
        )
      case "run-started":
      case "node-batch":
      case "node-cached":
      case "run-finished":
        return
    }
  }
  return { event, close: () => {} }
}
