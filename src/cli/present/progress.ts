import type { RunEvent } from "../../schema/event.ts"
import type { ItemCounts } from "../../schema/trace.ts"
import type { Paint } from "./colour.ts"
import { count, duration, plural } from "./text.ts"
import { fit, harmless, visibleWidth } from "./width.ts"

/** Cells of a bar where there is room, and where there is little. */
const BAR = 20
const SMALL_BAR = 8
/** Names longer than this are not waited for when lines are brought into columns. */
const NAME_MOST = 24
/** Lines of its log that are shown of a failed node. */
const TAIL = 10
/** How long the rate looks back, in ms, and how often it takes a look. */
const [RATE_WINDOW, RATE_STEP] = [15_000, 500]
/** With more nodes than this, only those that took their time are told of one by one. */
const MANY = 50
const LONG = 1000
const SPINNER = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

export interface Size {
  readonly columns: number
  readonly rows: number
}

interface Running {
  readonly since: number
  readonly reason: string
  done: number
  total: number
  note: string
  /** How far it was at some times, the oldest first: what the rate is made of. */
  readonly samples: Array<{ readonly at: number; readonly done: number }>
  readonly tail: Array<string>
}

const bar = (part: number, cells: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, part)) * cells)
  return "━".repeat(full) + "╌".repeat(cells - full)
}

/** Items a second over the last seconds; 0 where it cannot be told. */
const rateOf = ({ samples, done }: Running, now: number): number => {
  const [first] = samples
  if (first === undefined || now - first.at < RATE_STEP) return 0
  return ((done - first.done) / (now - first.at)) * 1000
}

/** One node under way: how far, how fast, how long to go, and what it says. */
const nodeLine = (
  name: string,
  node: Running,
  now: number,
  width: number,
  paint: Paint,
  nameCells: number,
): string => {
  const elapsed = duration(now - node.since)
  const padded = paint("bold", name) + " ".repeat(Math.max(0, nameCells - visibleWidth(name)))
  const text = node.note === "" ? node.reason : node.note
  if (node.total === 0) return fit(`  ${padded}  ${elapsed}  ${paint("dim", text)}`, width)
  const rate = rateOf(node, now)
  const cells = width < 70 ? SMALL_BAR : BAR
  const speed = rate === 0 ? elapsed : `${rate >= 10 ? count(Math.round(rate)) : rate.toFixed(1)}/s`
  const left =
    rate === 0 || node.done >= node.total
      ? ""
      : `, ${duration(((node.total - node.done) / rate) * 1000)} left`
  const parts = [
    `  ${padded}`,
    paint("green", bar(node.done / node.total, cells)),
    `${count(node.done)}/${count(node.total)}`,
    `${speed}${left}`,
    ...(node.note === "" ? [] : [paint("dim", node.note)]),
  ]
  return fit(parts.join("  "), width)
}

const itemsText = (items: ItemCounts | undefined): string => {
  if (items === undefined) return ""
  const failed = items.failed > 0 ? `, ${count(items.failed)} failed` : ""
  return `, ${count(items.ran)} of ${count(items.total)} items${failed}`
}

/**
 * What a terminal shows of a run, without the terminal: lines that stay, and the lines at the bottom. Finished nodes
 * fold away into a line that stays, and where there are very many, into the count.
 */
export class Progress {
  readonly #paint: Paint
  readonly #running = new Map<string, Running>()
  readonly #counts = { cached: 0, ran: 0, failed: 0, skipped: 0, warnings: 0 }
  #total = 0
  #since: number | undefined
  #above: Array<string> = []
  #frame = 0

  constructor(paint: Paint) {
    this.#paint = paint
  }

  event(event: RunEvent, now: number): void {
    this.#since ??= now
    switch (event.type) {
      case "run-started":
        this.#total = event.nodes.length
        return
      case "node-cached":
        this.#counts.cached += 1
        return
      case "node-started": {
        const done = event.items?.cached ?? 0
        this.#running.set(event.node, {
          since: now,
          reason: event.reason,
          done,
          total: event.items?.total ?? 0,
          note: "",
          samples: [{ at: now, done }],
          tail: [],
        })
        return
      }
      case "node-progress":
        return this.#progress(event, now)
      case "node-log": {
        const node = this.#running.get(event.node)
        if (node === undefined) return
        node.note = harmless(event.line)
        node.tail.push(node.note)
        if (node.tail.length > TAIL) node.tail.shift()
        return
      }
      case "node-retry":
        return this.#say("yellow", "↻", event.node, `tries again (${event.attempt}): ${event.error}`)
      case "node-finished":
        this.#counts.ran += 1
        this.#running.delete(event.node)
        if (this.#total > MANY && event.ms < LONG) return
        return this.#say("green", "✔", event.node, duration(event.ms) + itemsText(event.items), "dim")
      case "node-failed": {
        this.#counts.failed += 1
        const tail = this.#running.get(event.node)?.tail ?? []
        this.#running.delete(event.node)
        this.#say("red", "✘", event.node, event.error)
        // What it said last, unless the error has it already.
        for (const line of tail)
          if (!event.error.includes(line)) this.#above.push(this.#paint("dim", `  │ ${line}`))
        return
      }
      case "node-skipped":
        this.#counts.skipped += 1
        if (this.#total > MANY) return
        return this.#say("yellow", "–", event.node, event.because, "dim")
      case "warning":
        this.#counts.warnings += 1
        return this.#say("yellow", "!", event.node ?? "", event.message)
      case "node-batch":
      case "run-finished":
        return
    }
  }

  #progress(event: Extract<RunEvent, { readonly type: "node-progress" }>, now: number): void {
    const node = this.#running.get(event.node)
    if (node === undefined) return
    node.done = event.done
    node.total = event.total
    if (event.note !== undefined) node.note = harmless(event.note)
    const { samples } = node
    if (now - (samples.at(-1)?.at ?? 0) < RATE_STEP) return
    samples.push({ at: now, done: event.done })
    while (samples.length > 2 && now - samples[0].at > RATE_WINDOW) samples.shift()
  }

  #say(style: "green" | "red" | "yellow", sign: string, node: string, text: string, tone?: "dim"): void {
    const lines = text.split("\n").map(harmless)
    const [first, ...more] = tone === undefined ? lines : lines.map((line) => this.#paint(tone, line))
    const name = node === "" ? "" : `${this.#paint("bold", node)}  `
    this.#above.push(`${this.#paint(style, sign)} ${name}${first}`, ...more.map((line) => `  ${line}`))
  }

  /** Lines that are to stay, since the last time. */
  takeAbove(): ReadonlyArray<string> {
    const above = this.#above
    this.#above = []
    return above
  }

  /** The lines at the bottom: where the run stands, and the nodes under way, as many as fit into half of the screen. */
  lines({ columns, rows }: Size, now: number): ReadonlyArray<string> {
    if (this.#running.size === 0) return []
    // The last column is left alone: some terminals wrap there.
    const width = Math.max(20, columns - 1)
    const room = Math.max(1, Math.min(16, Math.floor(rows / 2) - 1))
    const running = [...this.#running]
    const shown = running.length > room ? running.slice(0, Math.max(1, room - 1)) : running
    const nameCells = Math.max(...shown.map(([name]) => Math.min(NAME_MOST, visibleWidth(name))))
    const more = running.length - shown.length
    return [
      fit(this.#head(now), width),
      ...shown.map(([name, node]) => nodeLine(name, node, now, width, this.#paint, nameCells)),
      ...(more === 0 ? [] : [this.#paint("dim", fit(`  and ${count(more)} more`, width))]),
    ]
  }

  #head(now: number): string {
    const { cached, ran, failed, skipped, warnings } = this.#counts
    const ended = cached + ran + failed + skipped
    const parts = [
      `${SPINNER[this.#frame++ % SPINNER.length]} ${count(ended)}/${count(this.#total)} nodes`,
      ...(cached === 0 ? [] : [`${count(cached)} cached`]),
      ...(failed === 0 ? [] : [this.#paint("red", `${count(failed)} failed`)]),
      ...(skipped === 0 ? [] : [`${count(skipped)} skipped`]),
      ...(warnings === 0 ? [] : [this.#paint("yellow", plural(warnings, "warning"))]),
      duration(now - (this.#since ?? now)),
    ]
    return parts.join(this.#paint("dim", " · "))
  }
}
