import type { Lineage, LineageNode } from "../../schema/lineage.ts"

/** Sources of one thing that are listed before the rest is counted. */
const LISTED = 4

interface Branch {
  readonly node: LineageNode
  readonly role: string
}

/** Neighbours by id, in the direction the tree grows. */
const branches = (lineage: Lineage, direction: "up" | "down"): ReadonlyMap<string, ReadonlyArray<Branch>> => {
  const byId = new Map(lineage.nodes.map((node) => [node.id, node]))
  const found = new Map<string, Array<Branch>>()
  for (const { from, to, role } of lineage.edges) {
    const [at, next] = direction === "up" ? [to, from] : [from, to]
    const node = byId.get(next)
    if (node !== undefined) found.set(at, [...(found.get(at) ?? []), { node, role }])
  }
  return found
}

/**
 * A lineage as a tree for the terminal. `up`: what a thing was made of stands below it; `down`: what was made of it.
 * What was shown before is named again, not repeated.
 */
export const lineageTree = (lineage: Lineage, direction: "up" | "down"): string => {
  const next = branches(lineage, direction)
  const inner = new Set([...next.values()].flat().map(({ node }) => node.id))
  const roots = lineage.nodes.filter((node) => !inner.has(node.id))
  const lines: Array<string> = []
  const shown = new Set<string>()
  const walk = ({ node, role }: Branch, prefix: string, last: boolean, top: boolean): void => {
    const again = shown.has(node.id) && (next.get(node.id)?.length ?? 0) > 0
    const arm = top ? "" : last ? "└─ " : "├─ "
    lines.push(`${prefix}${arm}${role === "" ? "" : `${role}: `}${node.label}${again ? " (see above)" : ""}`)
    if (again) return
    shown.add(node.id)
    const below = next.get(node.id) ?? []
    const sources = below.filter((branch) => branch.node.kind === "source")
    const others = below.filter((branch) => branch.node.kind !== "source")
    const listed = sources.length > LISTED + 1 ? sources.slice(0, LISTED) : sources
    const inside = top ? "" : `${prefix}${last ? "   " : "│  "}`
    const rest = sources.length - listed.length
    const all = [...listed, ...others]
    all.forEach((branch, i) => {
      walk(branch, inside, i === all.length - 1 && rest === 0, false)
      if (rest > 0 && i === listed.length - 1) {
        lines.push(
          `${inside}${others.length === 0 ? "└─ " : "├─ "}… and ${rest} more (--format json lists all)`,
        )
      }
    })
  }
  for (const root of roots) walk({ node: root, role: "" }, "", true, true)
  return lines.join("\n")
}

const escapeLabel = (label: string): string =>
  label.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** A lineage as a Mermaid flow chart; sources of one thing are drawn as one box with their number. */
export const lineageMermaid = (lineage: Lineage): string => {
  const names = new Map<string, string>()
  const nameOf = (id: string): string => {
    const name = names.get(id) ?? `n${names.size}`
    names.set(id, name)
    return name
  }
  const shapes = {
    node: ["[", "]"],
    artifact: ["([", "])"],
    sample: ["(", ")"],
    source: ["[/", "/]"],
    decision: ["{", "}"],
  } as const
  const sources = new Set(lineage.nodes.filter((node) => node.kind === "source").map((node) => node.id))
  const lines = ["flowchart LR"]
  for (const node of lineage.nodes) {
    if (sources.has(node.id)) continue
    const [open, close] = shapes[node.kind]
    lines.push(`  ${nameOf(node.id)}${open}"${escapeLabel(node.label)}"${close}`)
  }
  const counts = new Map<string, Array<string>>()
  for (const { from, to, role } of lineage.edges) {
    if (sources.has(from)) counts.set(to, [...(counts.get(to) ?? []), from])
    else lines.push(`  ${nameOf(from)} -->|"${escapeLabel(role)}"| ${nameOf(to)}`)
  }
  for (const [to, from] of counts) {
    const label =
      from.length === 1 ? lineage.nodes.find((node) => node.id === from[0])!.label : `${from.length} sources`
    lines.push(`  ${nameOf(`sources of ${to}`)}[/"${escapeLabel(label)}"/] --> ${nameOf(to)}`)
  }
  return `${lines.join("\n")}\n`
}
