import type { OnnxTensor } from "../onnx/session.ts"
import type { Dtype, HostArray, Layout } from "./layout.ts"
import type { Lowering, Lowered } from "./lowering.ts"

/** How a recorded kernel call becomes ONNX nodes. Runs only when a graph of new structure is compiled. */
export type Lower = (lowering: Lowering, node: LazyNode) => Lowered

/** A computed tensor in memory. */
export interface HostValue {
  data: HostArray
  layout: Layout
  /** The runtime's handle on `data`, made once. */
  tensor: OnnxTensor | undefined
  /** True while nobody but this value sees `data`, so that it may be overwritten once the tensor is gone. */
  exclusive: boolean
}

let made = 0

/** How many nodes there have been so far: later ones have larger serial numbers. */
export const nodesMade = (): number => made

/** A recorded kernel call, or (with a value and no inputs) a tensor that is already known. */
export class LazyNode {
  /** Kernel name. */
  readonly op: string
  /** Everything but the inputs that determines the ONNX nodes: kernel, attributes, shape, element type. */
  readonly key: string
  readonly shape: ReadonlyArray<number>
  readonly dtype: Dtype
  readonly lower: Lower | undefined
  /** Cut off as soon as the value is known, so that the past is not kept alive. */
  inputs: ReadonlyArray<LazyNode>
  value: HostValue | undefined
  /** Written by the host, not computed. */
  readonly fromHost: boolean
  /** The value of every element, if the node is a constant fill. */
  uniform: number | undefined = undefined
  /** The axis of a Concat: batch statistics of joined channels are those of the parts. */
  axis: number | undefined = undefined
  /** Belongs to a tf.Variable: its value changes from step to step. */
  isVariable = false
  /** Its tensor is gone: what is recorded may read the value once more. */
  dropped = false
  readonly serial = ++made
  /** Place in the order of the flush numbered `visited`. */
  index = -1
  visited = 0

  constructor(
    op: string,
    key: string,
    inputs: ReadonlyArray<LazyNode>,
    shape: ReadonlyArray<number>,
    dtype: Dtype,
    lower: Lower | undefined,
    value: HostValue | undefined,
  ) {
    this.op = op
    this.key = key
    this.inputs = inputs
    this.shape = shape
    this.dtype = dtype
    this.lower = lower
    this.value = value
    this.fromHost = value !== undefined
  }
}

/** A node whose value is known. `data` is in plain layout. */
export function leaf(
  data: HostArray,
  shape: ReadonlyArray<number>,
  dtype: Dtype,
  exclusive: boolean,
): LazyNode {
  const value: HostValue = { data, layout: "plain", tensor: undefined, exclusive }
  return new LazyNode("leaf", "", [], shape, dtype, undefined, value)
}

/**
 * All nodes that the given ones depend on and that are not known yet, and the known ones they start from; inputs
 * before users. Iterative: a training step is thousands of nodes deep.
 */
export function topologicalOrder(roots: ReadonlyArray<LazyNode>, visit: number): Array<LazyNode> {
  const order: Array<LazyNode> = []
  const nodes: Array<LazyNode> = []
  const next: Array<number> = []
  for (const root of roots) {
    if (root.visited === visit) continue
    nodes.push(root)
    next.push(0)
    while (nodes.length > 0) {
      const top = nodes.length - 1
      const node = nodes[top]
      const i = next[top]++
      if (node.value === undefined && i < node.inputs.length) {
        const input = node.inputs[i]
        if (input.visited !== visit) {
          nodes.push(input)
          next.push(0)
        }
        continue
      }
      nodes.pop()
      next.pop()
      if (node.visited === visit) continue
      node.visited = visit
      node.index = order.length
      order.push(node)
    }
  }
  return order
}
