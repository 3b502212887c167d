import type { Lineage, LineageEdge, LineageNode } from "../../schema/lineage.ts"

/** Collects a lineage; adding a thing twice changes nothing. */
export class LineageBuilder {
  readonly #nodes = new Map<string, LineageNode>()
  readonly #edges = new Map<string, LineageEdge>()

  node(node: LineageNode): string {
    if (!this.#nodes.has(node.id)) this.#nodes.set(node.id, node)
    return node.id
  }

  /** Says more of a thing that is there. */
  add(id: string, attributes: LineageNode["attributes"]): void {
    const node = this.#nodes.get(id)
    if (node !== undefined)
      this.#nodes.set(id, { ...node, attributes: { ...node.attributes, ...attributes } })
  }

  edge(from: string, to: string, role: string): void {
    this.#edges.set(`${from} ${to} ${role}`, { from, to, role })
  }

  has(id: string): boolean {
    return this.#nodes.has(id)
  }

  done(ref: string): Lineage {
    return { ref, nodes: [...this.#nodes.values()], edges: [...this.#edges.values()] }
  }
}
