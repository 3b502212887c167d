import { short } from "../../schema/digest.ts"
import type { OutputRecord } from "../../schema/trace.ts"
import { reasonText } from "../plan/reason.ts"
import type { OpenStore } from "../store/store.ts"
import { RowCounter } from "./diff-json.ts"
import type { NodeChange, OutputChange, RunDiff } from "./diff.ts"
import type { FigureChange } from "./figures.ts"
import { diffTables, type RowChange } from "./table-diff.ts"
import { changesText, type Paint } from "./words.ts"

export interface DiffTextOptions {
  /** Rows of a table, and figures of an artifact, that are named before the rest is counted. */
  readonly limit: number
  readonly paint: Paint
}

/** Rows remembered as told; with more, later tables may tell some again. */
const REMEMBERED = 200_000

/**
 * A comparison of two runs for a person: figures first, then each node that is different with what made it so. A row
 * is named where it first became another; further down it is only counted.
 */
export const diffText = async (
  store: OpenStore,
  { nodes }: RunDiff,
  options: DiffTextOptions,
): Promise<string> => {
  const different = nodes.filter(({ change }) => change !== "same")
  if (different.length === 0) return "no node is different"
  const lines = figureLines(different, options)
  if (lines.length > 0) lines.push("")
  const told = new Set<string>()
  for (const node of different) lines.push(...(await nodeLines(store, node, told, options)))
  return lines.join("\n")
}

const count = (n: number): string => n.toLocaleString("en-US")

const figure = (n: number | null): string =>
  n === null ? "none" : Number.isInteger(n) ? count(n) : n.toPrecision(4)

const deltaText = ({ delta }: FigureChange): string => {
  if (delta === null) return ""
  const size = Number.isInteger(delta)
    ? count(Math.abs(delta))
    : Number(Math.abs(delta).toPrecision(3)).toString()
  return `${delta < 0 ? "−" : "+"}${size}`
}

/** What is asked for first; the rest in the order in which the artifact has it. */
const WEIGHT = ["accuracy", "macroF1", "f1", "loss"]
const weight = ({ name }: FigureChange): number => {
  const at = WEIGHT.indexOf(name.slice(name.lastIndexOf(".") + 1))
  return at < 0 ? WEIGHT.length : at
}

/** Numbers by place in a list (a confusion matrix, a history of epochs) say little one by one. */
const isReadable = ({ name }: FigureChange): boolean => !/(^|\.)\d+(\.|$)/u.test(name)

const figureLines = (nodes: ReadonlyArray<NodeChange>, { limit, paint }: DiffTextOptions): Array<string> =>
  nodes.flatMap(({ id, outputs }) =>
    outputs.flatMap(({ port, figures = [] }) => {
      const readable = figures.filter(isReadable).sort((a, b) => weight(a) - weight(b))
      if (readable.length === 0) return []
      // The main figures of every model and set, whatever the limit.
      const main = readable.filter((one) => weight(one) < 2).length
      const shown = readable.slice(0, Math.max(main, limit))
      const cells = shown.map((one) => [one.name, figure(one.before), figure(one.after), deltaText(one)])
      const widths = [0, 1, 2, 3].map((i) => Math.max(...cells.map((row) => row[i].length)))
      const rest = figures.length - shown.length
      return [
        paint("bold", `${id}.${port}`),
        ...cells.map(([name, before, after, delta], i) => {
          const text = delta.padStart(widths[3])
          const sign = Math.sign(shown[i].delta ?? 0) * (/loss|error/iu.test(name) ? -1 : 1)
          const painted = sign > 0 ? paint("green", text) : sign < 0 ? paint("red", text) : text
          return `  ${name.padEnd(widths[0])}  ${before.padStart(widths[1])} → ${after.padStart(widths[2])}  ${painted}`
        }),
        ...(rest > 0 ? [paint("dim", `  … ${count(rest)} more figures (--json)`)] : []),
      ]
    }),
  )

const nodeLines = async (
  store: OpenStore,
  node: NodeChange,
  told: Set<string>,
  options: DiffTextOptions,
): Promise<ReadonlyArray<string>> => {
  const { paint } = options
  const reasons = node.why.map((reason) =>
    reason.kind === "input"
      ? paint("dim", `  ${reasonText(reason)}`)
      : `  ${paint("yellow", reasonText(reason))}`,
  )
  const lines = [`${paint("bold", node.id)}: ${changeText(node)}`, ...reasons]
  for (const output of node.outputs) lines.push(...(await outputLines(store, output, told, options)))
  return lines
}

const changeText = ({ change, status, why, outputs }: NodeChange): string => {
  if (change === "no result") return `no result to compare (${status.before ?? "?"} → ${status.after ?? "?"})`
  if (change === "added") return "only in the later run"
  if (change === "removed") return "only in the earlier run"
  const unsaid = why.length === 0 && outputs.length > 0 ? ", and nothing recorded says why" : ""
  return `${change}${unsaid}`
}

const outputLines = async (
  store: OpenStore,
  output: OutputChange,
  told: Set<string>,
  { limit, paint }: DiffTextOptions,
): Promise<ReadonlyArray<string>> => {
  const { port, type, before, after, gone } = output
  const sizes = `${sizeText(type, before)} → ${sizeText(type, after)}`
  if (!output.comparable || before === undefined || after === undefined)
    return [
      `  ${port}: ${sizes}${gone === undefined ? "" : ` (the ${gone === "before" ? "earlier" : "later"} one is no longer in the store)`}`,
    ]
  const counter = new RowCounter()
  const named: Array<RowChange> = []
  let fresh = 0
  for await (const change of diffTables(store, before.digest, after.digest).changes) {
    counter.count(change)
    const mark = `${change.kinds.join("+")} ${change.id}`
    if (told.has(mark)) continue
    if (told.size < REMEMBERED) told.add(mark)
    fresh++
    if (named.length < limit) named.push(change)
  }
  const rest = fresh - named.length
  return [
    `  ${port}: ${sizes}: ${countsText(counter)}`,
    ...named.map((change) => `    ${rowText(change, paint)}`),
    ...(rest > 0 ? [paint("dim", `    … ${count(rest)} more (--limit N, or all with --json)`)] : []),
  ]
}

const sizeText = (type: string, output: OutputRecord | undefined): string =>
  output === undefined
    ? "none"
    : output.rows === undefined
      ? `${type} ${short(output.digest)}`
      : `${count(output.rows)} rows`

const countsText = ({ counts }: RowCounter): string => {
  const words = { ...counts, moved: counts.moved, "otherwise changed": counts.changed }
  return Object.entries(words)
    .filter(([kind, n]) => n > 0 && kind !== "changed")
    .map(([kind, n]) => `${count(n)} ${kind === "moved" ? "moved to another split" : kind}`)
    .join(", ")
}

const rowText = ({ id, kinds, before, after, fields }: RowChange, paint: Paint): string => {
  const row = (after ?? before)!
  const words = [row.label, row.split, row.reason, row.source?.url ?? row.url].filter(
    (word) => word !== undefined,
  )
  if (kinds[0] === "added") return `${paint("green", `+ ${id}`)}  ${words.join("  ")}`
  if (kinds[0] === "removed") return `${paint("red", `− ${id}`)}  ${words.join("  ")}`
  const changes = changesText(
    Object.fromEntries(
      fields.map((field) => [field, { before: before?.[field] ?? null, after: after?.[field] ?? null }]),
    ),
  )
  return `${paint("yellow", `~ ${id}`)}  ${changes}`
}
