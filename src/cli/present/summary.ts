import { relative } from "node:path"
import type { ItemCounts, NodeReport, RunRecord } from "../../schema/trace.ts"
import type { Paint } from "./colour.ts"
import { columns, count, duration, plural } from "./text.ts"

const COLOURS = { cached: "dim", ran: "green", failed: "red", skipped: "yellow" } as const

const itemsText = (items: ItemCounts | undefined): string => {
  if (items === undefined) return ""
  const parts = [`${count(items.ran)} of ${count(items.total)}`]
  if (items.failed > 0) parts.push(`${count(items.failed)} failed`)
  return parts.join(", ")
}

/** The table a run ends with: node, how it ended, items, time, why. */
export const runTable = (nodes: ReadonlyArray<NodeReport>, paint: Paint): string =>
  columns(
    [
      ["node", "", "items", "time", "why"].map((title) => paint("dim", title)),
      ...nodes.map((node) => [
        node.id,
        paint(COLOURS[node.status], node.status),
        itemsText(node.items),
        node.status === "ran" || node.status === "failed" ? duration(node.ms) : "",
        node.status === "cached" ? "" : paint("dim", node.reason),
      ]),
    ],
    [2, 3],
  )

/** Everything a person is told at the end of a run. */
export const runSummary = (record: RunRecord, paint: Paint): string => {
  const tally = (status: NodeReport["status"]): number =>
    record.nodes.filter((node) => node.status === status).length
  const parts = (["ran", "cached", "failed", "skipped"] as const).flatMap((status) =>
    tally(status) === 0 ? [] : [`${tally(status)} ${status}`],
  )
  const lines: Array<string> = []
  const busy = record.nodes.some((node) => node.status !== "cached")
  if (busy) lines.push(runTable(record.nodes, paint), "")
  for (const node of record.nodes) {
    if (node.error !== undefined) lines.push(`${paint("red", `${node.id} failed`)}: ${node.error}`)
  }
  const head =
    record.status === "ok"
      ? paint("green", "ok")
      : record.status === "failed"
        ? paint("red", "failed")
        : paint("yellow", record.status)
  lines.push(
    `${record.pipeline}: ${head}, ${plural(record.nodes.length, "node")} (${parts.join(", ")}) in ${duration(record.ms)}`,
  )
  for (const { path } of record.presented ?? [])
    lines.push(`open ${paint("cyan", relative(process.cwd(), path))}`)
  return lines.join("\n")
}
