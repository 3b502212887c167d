import { createLogUpdate } from "log-update"
import type { RunEvent } from "../../schema/event.ts"
import type { Paint } from "./colour.ts"
import type { Reporter } from "./reporter.ts"
import { count, duration, fit } from "./text.ts"

interface Running {
  readonly since: number
  /** Items that had a result already: they say nothing about the rate. */
  readonly cached: number
  done: number
  total: number
  note: string
}

const FRAME = 100
const BAR = 20
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

const bar = (part: number): string => {
  const full = Math.round(Math.min(1, part) * BAR)
  return "━".repeat(full) + "╌".repeat(BAR - full)
}

/** One line of the live view: how far, how fast, how long to go. */
export const progressLine = (node: string, running: Running, now: number, paint: Paint): string => {
  const elapsed = now - running.since
  if (running.total === 0)
    return `${paint("bold", node)}  ${duration(elapsed)}${running.note === "" ? "" : `  ${running.note}`}`
  const fresh = running.done - running.cached
  const rate = elapsed > 500 && fresh > 0 ? (fresh / elapsed) * 1000 : 0
  const left = rate > 0 ? `, ${duration(((running.total - running.done) / rate) * 1000)} left` : ""
  const speed = rate === 0 ? "" : `  ${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s${left}`
  const note = running.note === "" ? "" : `  ${paint("dim", running.note)}`
  return `${paint("bold", node)}  ${paint("green", bar(running.done / running.total))} ${count(running.done)}/${count(running.total)}${speed}${note}`
}

/** A live view: finished nodes scroll away above, those under way are redrawn below. */
export const terminalReporter = (stream: NodeJS.WriteStream, paint: Paint): Reporter => {
  const live = createLogUpdate(stream)
  const running = new Map<string, Running>()
  let [total, ended, frame] = [0, 0, 0]
  const started = performance.now()

  const draw = (): void => {
    if (running.size === 0) return live.clear()
    const room = Math.max(20, (stream.columns ?? 80) - 2)
    const now = performance.now()
    const head = `${SPINNER[frame++ % SPINNER.length]} ${ended}/${total} nodes, ${duration(now - started)}`
    live(
      [
        paint("dim", head),
        ...[...running].map(([node, state]) => fit(progressLine(node, state, now, paint), room)),
      ].join("\n"),
    )
  }
  const above = (line: string): void => {
    live.clear()
    stream.write(`${line}\n`)
    draw()
  }
  const timer = setInterval(draw, FRAME)
  timer.unref()

  const end = (node: string, line: string | undefined): void => {
    ended++
    running.delete(node)
    if (line !== undefined) above(line)
  }
  const event = (event: RunEvent): void => {
    switch (event.type) {
      case "run-started":
        total = event.nodes.length
        return
      case "node-cached":
        return end(event.node, undefined)
      case "node-started": {
        const { items } = event
        const cached = items?.cached ?? 0
        running.set(event.node, {
          since: performance.now(),
          cached,
          done: cached,
          total: items?.total ?? 0,
          note: "",
        })
        return above(`${paint("cyan", "▸")} ${event.node}  ${paint("dim", event.reason)}`)
      }
      case "node-progress": {
        const state = running.get(event.node)
        if (state === undefined) return
        state.done = event.done
        state.total = event.total
        if (event.note !== undefined) state.note = event.note
        return
      }
      case "node-log": {
        const state = running.get(event.node)
        if (state !== undefined) state.note = event.line
        return
      }
      case "node-retry":
        return above(`${paint("yellow", "↻")} ${event.node}  tries again (${event.attempt}): ${event.error}`)
      case "node-finished":
        return end(event.node, `${paint("green", "✔")} ${event.node}  ${paint("dim", duration(event.ms))}`)
      case "node-failed":
        return end(event.node, `${paint("red", "✘")} ${event.node}  ${event.error}`)
      case "node-skipped":
        return end(event.node, `${paint("yellow", "–")} ${event.node}  ${paint("dim", event.because)}`)
      case "warning":
        return above(`${paint("yellow", "!")} ${event.message}`)
      case "run-finished":
        return
    }
  }
  return {
    event,
    close: () => {
      clearInterval(timer)
      live.clear()
      live.done()
    },
  }
}
