import type { Graph } from "../../runtime/graph.ts"

/** Edges between instances; several between the same two become one, its ports listed. */
export const edgesOf = (graph: Graph) => {
  const edges = new Map<string, { from: string; to: string; ports: Array<string> }>()
  for (const node of graph.nodes) {
    for (const [port, refs] of Object.entries(node.inputs)) {
      for (const ref of refs) {
        const key = JSON.stringify([ref.node, node.id])
        const edge = edges.get(key) ?? { from: ref.node, to: node.id, ports: [] }
        if (!edge.ports.includes(port)) edge.ports.push(port)
        edges.set(key, edge)
      }
    }
  }
  return [...edges.values()]
}

const quote = (text: string): string => `"${text.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}"`

/** Mermaid's flowchart language. */
export const mermaid = (graph: Graph): string => {
  const names = new Map(graph.nodes.map((node, index) => [node.id, `n${index}`]))
  return [
    "flowchart LR",
    ...graph.nodes.map(
      (node) => `  ${names.get(node.id)}[${quote(`${node.id}<br/><small>${node.uses}</small>`)}]`,
    ),
    ...edgesOf(graph).map(
      ({ from, to, ports }) => `  ${names.get(from)} -- ${quote(ports.join(", "))} --> ${names.get(to)}`,
    ),
  ].join("\n")
}

/** Graphviz' DOT. */
export const dot = (graph: Graph): string =>
  [
    `digraph ${JSON.stringify(graph.pipeline)} {`,
    "  rankdir=LR",
    '  node [shape=box, style=rounded, fontname="sans-serif"]',
    ...graph.nodes.map(
      (node) => `  ${JSON.stringify(node.id)} [label=${JSON.stringify(`${node.id}\n${node.uses}`)}]`,
    ),
    ...edgesOf(graph).map(
      ({ from, to, ports }) =>
        `  ${JSON.stringify(from)} -> ${JSON.stringify(to)} [label=${JSON.stringify(ports.join(", "))}]`,
    ),
    "}",
  ].join("\n")
