import { short } from "../../schema/digest.ts"
import type { Lineage, LineageNode } from "../../schema/lineage.ts"
import type { MemberSummary } from "./members.ts"
import { countsText, decisionText, sampleText, textOf, type Paint } from "./words.ts"

export interface TreeOptions {
  /** Samples of the tables that belong to the lineage, as counted by `summaries`. */
  readonly members?: ReadonlyArray<MemberSummary>
  readonly paint?: Paint
}

interface Branch {
  readonly node: LineageNode
  readonly role: string
}

/** A line of the tree: what stands on it, and what stands below. */
interface Line {
  readonly text: string
  /** Lines of text of its own below it. */
  readonly notes: ReadonlyArray<string>
  readonly below: ReadonlyArray<Line | (() => Line)>
}

const plain: Paint = (_, text) => text

/**
 * A lineage as a tree for the terminal. `up`: what a thing was made of stands below it; `down`: what was made of it.
 * A node and its output share a line. What was shown before is named again, not repeated.
 */
export const lineageTree = (
  lineage: Lineage,
  direction: "up" | "down",
  { members = [], paint = plain }: TreeOptions = {},
): string => {
  const tree = new Tree(lineage, direction, members, paint)
  const lines: Array<string> = []
  const write = (line: Line, first: string, rest: string): void => {
    lines.push(first + line.text)
    const stem = line.below.length > 0 ? "│  " : "   "
    for (const note of line.notes) lines.push(`${rest}${stem}${note}`)
    line.below.forEach((part, i) => {
      const below = typeof part === "function" ? part() : part
      const last = i === line.below.length - 1
      write(below, rest + (last ? "└─ " : "├─ "), rest + (last ? "   " : "│  "))
    })
  }
  for (const root of tree.roots()) write(root, "", "")
  return lines.join("\n")
}

class Tree {
  readonly #lineage: Lineage
  readonly #up: boolean
  readonly #members: ReadonlyMap<string, MemberSummary>
  readonly #paint: Paint
  readonly #next = new Map<string, Array<Branch>>()
  readonly #inner = new Set<string>()
  readonly #shown = new Set<string>()
  /** Whether the rows that were asked for are only some of those shown. */
  readonly #marks: boolean

  constructor(
    lineage: Lineage,
    direction: "up" | "down",
    members: ReadonlyArray<MemberSummary>,
    paint: Paint,
  ) {
    this.#lineage = lineage
    this.#up = direction === "up"
    this.#members = new Map(members.map((summary) => [summary.artifact, summary]))
    this.#paint = paint
    const byId = new Map(lineage.nodes.map((node) => [node.id, node]))
    for (const { from, to, role } of lineage.edges) {
      const [at, next] = this.#up ? [to, from] : [from, to]
      const node = byId.get(next)
      if (node === undefined) continue
      const branches = this.#next.get(at)
      if (branches === undefined) this.#next.set(at, [{ node, role }])
      else branches.push({ node, role })
      this.#inner.add(next)
    }
    this.#marks = lineage.nodes.some((node) => node.kind === "sample" && node.attributes["meant"] !== true)
  }

  *roots(): Generator<Line> {
    const roots = this.#lineage.nodes.filter((node) => !this.#inner.has(node.id))
    const makers = new Set<string>()
    for (const root of roots) {
      const [maker, ...others] = this.#branches(root, "node")
      const siblings =
        this.#up && maker !== undefined && others.length === 0
          ? roots.filter((other) => this.#branches(other, "node")[0]?.node === maker.node)
          : [root]
      if (siblings.length > 1) {
        if (makers.has(maker.node.id)) continue
        makers.add(maker.node.id)
        yield this.#several(maker.node, siblings)
      } else yield this.#line({ node: root, role: "" })
    }
  }

  #branches(node: LineageNode, kind?: LineageNode["kind"]): ReadonlyArray<Branch> {
    const branches = this.#next.get(node.id) ?? []
    return kind === undefined ? branches : branches.filter((branch) => branch.node.kind === kind)
  }

  /** A node with all its outputs, upwards. */
  #several(node: LineageNode, outputs: ReadonlyArray<LineageNode>): Line {
    return {
      text: this.#nodeText(node),
      notes: outputs.map(
        (output) => `${this.#paint("dim", "gave")} ${text(output, "port")}  ${this.#contentText(output)}`,
      ),
      below: [...outputs.flatMap((output) => this.#samples(output)), ...this.#above(node)],
    }
  }

  #line({ node, role }: Branch, above?: LineageNode): Line {
    const before = role === "" ? "" : `${role}: `
    const line = this.#up ? this.#upLine(node) : this.#downLine(node, above)
    const again = this.#shown.has(node.id) && line.below.length > 0
    this.#shown.add(node.id)
    const title = `${before}${line.text}`
    return again
      ? { text: `${title} ${this.#paint("dim", "(see above)")}`, notes: [], below: [] }
      : { ...line, text: title }
  }

  #upLine(node: LineageNode): Line {
    if (node.kind === "node") return { text: this.#nodeText(node), notes: [], below: this.#above(node) }
    if (node.kind !== "artifact") return { text: node.label, notes: [], below: this.#all(node) }
    const makers = this.#branches(node, "node")
    const [maker] = makers
    if (makers.length !== 1) return { text: this.#artifactText(node), notes: [], below: this.#all(node) }
    return {
      text: this.#artifactText(node, maker.node),
      notes: [],
      below: [...this.#samples(node), ...this.#above(maker.node)],
    }
  }

  /** What a node took: files first, then artifacts. */
  #above(node: LineageNode): ReadonlyArray<() => Line> {
    const branches = this.#branches(node)
    const sources = branches.filter((branch) => branch.node.kind === "source")
    const others = branches.filter((branch) => branch.node.kind !== "source")
    return [...sources, ...others].map((branch) => () => this.#line(branch))
  }

  #all(node: LineageNode): ReadonlyArray<() => Line> {
    return this.#branches(node).map((branch) => () => this.#line(branch, node))
  }

  #downLine(node: LineageNode, above: LineageNode | undefined): Line {
    const below = this.#below(node)
    if (node.kind === "artifact") return { text: this.#artifactText(node), notes: [], below }
    if (node.kind === "sample")
      return { text: sampleText(node, above, this.#paint, this.#marks), notes: [], below }
    if (node.kind === "decision") return { text: decisionText(node, this.#paint), notes: [], below }
    if (node.kind === "node") return { text: this.#nodeText(node), notes: [], below }
    return { text: this.#sourceText(node), notes: [], below }
  }

  /** What came of a thing; a node that took it is passed over to its outputs. */
  #below(node: LineageNode): ReadonlyArray<() => Line> {
    return this.#branches(node).flatMap((branch) => {
      const outputs = branch.node.kind === "node" ? this.#branches(branch.node) : []
      // The name of a node's output says the port already.
      const role = node.kind === "node" ? "" : branch.role
      if (outputs.length === 0) return [() => this.#line({ node: branch.node, role }, node)]
      return outputs.map((output) => () => this.#line({ node: output.node, role: branch.role }, node))
    })
  }

  #nodeText(node: LineageNode): string {
    const { status, ms } = node.attributes
    const words = [
      text(node, "uses"),
      typeof ms === "number" ? timeText(ms) : "",
      typeof status === "string" ? status : "",
    ]
    return `${this.#paint("bold", text(node, "node"))}  ${this.#paint("dim", words.filter((word) => word !== "").join("  "))}`
  }

  #artifactText(node: LineageNode, maker?: LineageNode): string {
    const name = this.#paint("bold", `${text(node, "node")}.${text(node, "port")}`)
    const uses = maker === undefined ? "" : `  ${this.#paint("dim", text(maker, "uses"))}`
    return `${name}${uses}  ${this.#contentText(node)}`
  }

  #contentText({ attributes, digest = "" }: LineageNode): string {
    const { type, rows } = attributes
    const size = typeof rows === "number" ? `${rows.toLocaleString("en-US")} rows` : String(type)
    return this.#paint("dim", `${size}  ${short(digest)}`)
  }

  #sourceText({ label, attributes }: LineageNode): string {
    const { query, licence } = attributes
    const words = [
      typeof query === "string" ? `found by ${JSON.stringify(query)}` : "",
      typeof licence === "object" && licence !== null && "name" in licence ? String(licence.name) : "",
    ].filter((word) => word !== "")
    return words.length === 0 ? label : `${label}  ${this.#paint("dim", words.join("; "))}`
  }

  /** The samples of a table: how many of what, and the first of them. */
  #samples(artifact: LineageNode): ReadonlyArray<Line> {
    const summary = this.#members.get(artifact.id)
    if (summary === undefined) return []
    const cells = summary.first.map((row) => [
      row.id,
      row.split ?? "",
      row.label ?? "",
      row.source?.url ?? "",
    ])
    const widths = [0, 1, 2].map((i) => Math.max(0, ...cells.map((row) => row[i].length)))
    const rest = summary.rows - cells.length
    return [
      {
        text: `${this.#paint("cyan", `${summary.rows.toLocaleString("en-US")} samples`)}${countsText(summary)}`,
        notes: [
          ...cells.map((row) =>
            row
              .map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell))
              .join("  ")
              .trimEnd(),
          ),
          ...(rest > 0
            ? [this.#paint("dim", `… ${rest.toLocaleString("en-US")} more (--limit N, or all with --json)`)]
            : []),
        ],
        below: [],
      },
    ]
  }
}

const text = ({ attributes }: LineageNode, name: string): string => textOf(attributes[name])

const timeText = (ms: number): string => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`)
