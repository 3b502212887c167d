import { GraphBuilder, type Rewrite } from "./graph-builder.ts"
import type { LazyNode } from "./lazy-node.ts"
import { permutationOf, physicalShape, sizeOf, type Layout } from "./layout.ts"

/** A value of the graph under construction: its name and how it lies in memory. */
export interface Lowered {
  readonly name: string
  readonly layout: Layout
}

/** In plain layout. */
export const plain = (name: string): Lowered => ({ name, layout: "plain" })

/** One compilation: the ONNX graph and what each recorded node has become in it. */
export class Lowering {
  readonly graph: GraphBuilder
  readonly #values = new Map<LazyNode, Lowered>()

  /** @param rewrite operators that the provider is not to be given as they are. */
  constructor(rewrite?: Rewrite) {
    this.graph = new GraphBuilder(rewrite)
  }

  /** What a node has become. Inputs are always lowered before their users. */
  of(node: LazyNode): Lowered {
    const value = this.#values.get(node)
    if (value === undefined) throw new Error(`${node.op} is used before it is lowered`)
    return value
  }

  set(node: LazyNode, value: Lowered): void {
    this.graph.noteShape(value.name, physicalShape(node.shape, value.layout))
    this.#values.set(node, value)
  }

  /** The node's value in the wanted layout. */
  as(node: LazyNode, layout: Layout): string {
    return this.convert(this.of(node), node.shape, layout)
  }

  /** The node's value in plain layout. */
  plain(node: LazyNode): string {
    return this.as(node, "plain")
  }

  /** The node's value as a row of its elements, in whatever order its layout has. */
  flat(node: LazyNode): string {
    return this.graph.reshape(this.of(node).name, [sizeOf(node.shape)])
  }

  /** A feature map [N, H, W, C] as the matrix [C, N·H·W]. */
  channelRows(node: LazyNode): string {
    const [n, h, w, c] = node.shape
    return this.graph.reshape(this.as(node, "CNHW"), [c, n * h * w])
  }

  /** Changes layout: nothing, a Reshape (when only dimensions of 1 move) or a Transpose. */
  convert(value: Lowered, shape: ReadonlyArray<number>, layout: Layout): string {
    if (value.layout === layout) return value.name
    const g = this.graph
    const from = permutationOf(value.layout, shape.length)
    const to = permutationOf(layout, shape.length)
    // perm[i]: where in the source's memory order the target's i-th dimension lies
    const perm = to.map((d) => from.indexOf(d))
    const source = physicalShape(shape, value.layout)
    const target = physicalShape(shape, layout)
    const moving = perm.filter((p) => source[p] !== 1)
    if (moving.every((p, i) => i === 0 || p > moving[i - 1])) return g.reshape(value.name, target)
    // merge the dimensions that stay together: a transpose of rank 2 is much faster than one of rank 4
    const groups: Array<Array<number>> = []
    for (const p of perm) {
      const last = groups.at(-1)
      if (last !== undefined && last.at(-1) === p - 1) last.push(p)
      else groups.push([p])
    }
    const ordered = groups.toSorted((a, b) => a[0] - b[0])
    const merged = ordered.map((group) => sizeOf(group.map((p) => source[p])))
    const mergedPerm = groups.map((group) => ordered.indexOf(group))
    return g.reshape(g.transpose(g.reshape(value.name, merged), mergedPerm), target)
  }
}
