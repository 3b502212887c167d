import { relative } from "node:path"
import type { ItemCounts, NodeReport, RunRecord } from "../../schema/trace.ts"
import type { Paint } from "./colour.ts"
import { columns, count, duration, plural } from "./text.ts"
import { harmless } from "./width.ts"

const COLOURS = { cached: "dim", ran: "green", failed: "red", skipped: "yellow" } as const

/** Rows of the table: of more nodes, those are shown that matter most. */
const MOST = 60
/** Errors told in full. */
const MOST_ERRORS = 20

const itemsText = (items: ItemCounts | undefined): string => {
  if (items === undefined) return ""
  const parts = [`${count(items.ran)} of ${count(items.total)}`]
  if (items.failed > 0) parts.push(`${count(items.failed)} failed`)
  return parts.join(", ")
}

const RANK = { failed: 0, ran: 1, skipped: 2, cached: 3 } as const

/** The nodes of the table, in their order: all, or those that failed and those that took longest. */
const shown = (nodes: ReadonlyArray<NodeReport>): ReadonlyArray<NodeReport> => {
  if (nodes.length <= MOST) return nodes
  const first = [...nodes].sort((a, b) => RANK[a.status] - RANK[b.status] || b.ms - a.ms).slice(0, MOST)
  const chosen = new Set(first)
  return nodes.filter((node) => chosen.has(node))
}

/** The table a run ends with: node, how it ended, items, time, why. */
export const runTable = (nodes: ReadonlyArray<NodeReport>, paint: Paint): string => {
  const rows = shown(nodes)
  const table = columns(
    [
      ["node", "", "items", "time", "why"].map((title) => paint("dim", title)),
      ...rows.map((node) => [
        node.id,
        paint(COLOURS[node.status], node.status),
        itemsText(node.items),
        node.status === "ran" || node.status === "failed" ? duration(node.ms) : "",
        node.status === "cached" ? "" : paint("dim", node.reason),
      ]),
    ],
    [2, 3],
  )
  const more = nodes.length - rows.length
  return more === 0 ? table : `${table}\n${paint("dim", `and ${plural(more, "more node")}`)}`
}

/** Everything a person is told at the end of a run. */
export const runSummary = (record: RunRecord, paint: Paint, warnings = 0): string => {
  const tally = (status: NodeReport["status"]): number =>
    record.nodes.filter((node) => node.status === status).length
  const parts = (["ran", "cached", "failed", "skipped"] as const).flatMap((status) =>
    tally(status) === 0 ? [] : [`${count(tally(status))} ${status}`],
  )
  const lines: Array<string> = []
  const busy = record.nodes.some((node) => node.status !== "cached")
  if (busy) lines.push(runTable(record.nodes, paint), "")
  const errors = record.nodes.filter((node) => node.error !== undefined)
  for (const { id, error = "" } of errors.slice(0, MOST_ERRORS)) {
    lines.push(`${paint("red", `${id} failed`)}: ${error.split("\n").map(harmless).join("\n")}`)
  }
  if (errors.length > MOST_ERRORS)
    lines.push(paint("dim", `and ${plural(errors.length - MOST_ERRORS, "more error")}`))
  const head =
    record.status === "ok"
      ? paint("green", "ok")
      : record.status === "failed"
        ? paint("red", "failed")
        : paint("yellow", record.status)
  const warned = warnings === 0 ? "" : `, ${paint("yellow", plural(warnings, "warning"))}`
  lines.push(
    `${record.pipeline}: ${head}, ${plural(record.nodes.length, "node")} (${parts.join(", ")})${warned} in ${duration(record.ms)}`,
  )
  for (const { path } of record.presented ?? [])
    lines.push(`open ${paint("cyan", relative(process.cwd(), path))}`)
  return lines.join("\n")
}
