import type { Graph, GraphNode } from "./graph.ts"

const settled = (node: GraphNode): GraphNode => {
  const result = node.definition.settle?.(node.params as never)
  if (result === undefined) return node
  return { ...node, params: { ...node.params, ...result.params }, settled: result.why }
}

/**
 * The graph with parameters that leave something to the machine settled: what is decided, keyed and run from here on is
 * what this machine makes of them. Not kept with a checked document, which may be used on another machine.
 */
export const settleGraph = (graph: Graph): Graph =>
  graph.nodes.some(({ definition }) => definition.settle !== undefined)
    ? { ...graph, nodes: graph.nodes.map(settled) }
    : graph
