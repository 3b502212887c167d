import type { Lineage } from "../../schema/lineage.ts"
import type { ArtifactLineage } from "./artifacts.ts"

const escapeLabel = (label: string): string =>
  label.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")

/** A lineage as a Mermaid flow chart; the samples of a table are drawn as one box with their number, and so are the sources of one thing. */
export const lineageMermaid = (lineage: Lineage & Partial<Pick<ArtifactLineage, "tables">>): string => {
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
  const labels = new Map(
    lineage.nodes.filter((node) => node.kind === "source").map((node) => [node.id, node.label]),
  )
  const lines = ["flowchart LR"]
  for (const node of lineage.nodes) {
    if (labels.has(node.id)) continue
    const [open, close] = shapes[node.kind]
    lines.push(`  ${nameOf(node.id)}${open}"${escapeLabel(node.label)}"${close}`)
  }
  const sources = new Map<string, Array<string>>()
  for (const { from, to, role } of lineage.edges) {
    const label = labels.get(from)
    if (label === undefined) lines.push(`  ${nameOf(from)} -->|"${escapeLabel(role)}"| ${nameOf(to)}`)
    else if (sources.has(to)) sources.get(to)!.push(label)
    else sources.set(to, [label])
  }
  for (const [to, from] of sources) {
    const label = from.length === 1 ? from[0] : `${from.length} sources`
    lines.push(`  ${nameOf(`sources of ${to}`)}[/"${escapeLabel(label)}"/] --> ${nameOf(to)}`)
  }
  for (const { artifact, rows } of lineage.tables ?? [])
    lines.push(`  ${nameOf(`samples of ${artifact}`)}("${rows} samples") --> ${nameOf(artifact)}`)
  return `${lines.join("\n")}\n`
}
