/** One thing of a lineage. `id` is unique in the lineage and stable between two calls. */
export interface LineageNode {
  readonly id: string
  readonly kind: "source" | "artifact" | "node" | "sample" | "decision"
  readonly label: string
  readonly digest?: string
  readonly attributes: { readonly [name: string]: unknown }
}

/** Data flows from `from` to `to`. */
export interface LineageEdge {
  readonly from: string
  readonly to: string
  readonly role: string
}

export interface Lineage {
  readonly ref: string
  readonly nodes: ReadonlyArray<LineageNode>
  readonly edges: ReadonlyArray<LineageEdge>
}
