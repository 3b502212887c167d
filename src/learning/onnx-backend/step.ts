import {
  createSession,
  onnxTensor,
  type OnnxSession,
  type OnnxTensor,
  type SessionOptions,
} from "../onnx/session.ts"
import type { BufferPool } from "./buffer-pool.ts"
import { OnnxBackendError } from "./errors.ts"
import type { Rewrite } from "./graph-builder.ts"
import { persistentLayouts } from "./layout-groups.ts"
import type { HostValue, LazyNode } from "./lazy-node.ts"
import { physicalShape, relayout, sizeOf, type Dtype, type Layout } from "./layout.ts"
import { Lowering } from "./lowering.ts"

/** Where a compiled step takes an input from. */
export interface StepInput {
  readonly name: string
  /** Place of the node in the order of the flush. */
  readonly index: number
  readonly dtype: Dtype
  readonly layout: Layout
  /** Shape in memory. */
  readonly dims: ReadonlyArray<number>
}

/** What a compiled step writes for one live node. */
export interface StepOutput {
  readonly name: string
  readonly dtype: Dtype
  readonly layout: Layout
  /** Shape the session gives; the elements lie in the order of `layout` in any case. */
  readonly dims: ReadonlyArray<number>
}

/** The compiled form of all flushes of one structure. */
export interface CompiledStep {
  readonly session: OnnxSession
  readonly inputs: ReadonlyArray<StepInput>
  /** In the order of the live nodes. */
  readonly outputs: ReadonlyArray<StepOutput>
  /** Number of ONNX nodes. */
  readonly onnxNodes: number
}

/** What a flush has to compute. */
export interface PendingGraph {
  /** All nodes, inputs before users. */
  readonly order: ReadonlyArray<LazyNode>
  /** The nodes whose values are wanted. */
  readonly live: ReadonlyArray<LazyNode>
  /** For a known node: the place of the one that stands for it (scalars of equal value are fed once). */
  readonly representative: ReadonlyArray<number>
}

/**
 * Orders a flush and describes its structure: two flushes with the same key differ only in the values fed. The key
 * has neither values nor memory layouts, so that the first step of a training (fresh weights, constants made anew)
 * and all later ones share a session.
 */
export function structureKey(graph: PendingGraph): string {
  const parts: Array<string | number> = []
  for (const node of graph.order) {
    if (node.value === undefined) {
      parts.push(node.key)
      for (const input of node.inputs) parts.push(input.index)
    } else {
      parts.push("in", node.dtype, node.shape.join(","), graph.representative[node.index])
    }
    parts.push(";")
  }
  parts.push("out")
  for (const node of graph.live) parts.push(node.index)
  return parts.join(" ")
}

/**
 * Finds the known scalars of equal value: they are mostly constants that the program makes anew in each step
 * (learning rate, epsilon), and feeding each occurrence would cost more than using it. They are never baked into
 * the graph, where a changed learning rate would mean a new compilation. A variable's value is fed by itself,
 * because it is equal to another only by accident.
 */
export function representatives(order: ReadonlyArray<LazyNode>): Array<number> {
  const scalars = new Map<string, number>()
  return order.map((node) => {
    const value = node.value
    if (value === undefined || !node.fromHost || node.isVariable || value.data.length !== 1) return node.index
    const key = `${node.dtype}${node.shape.length} ${Object.is(value.data[0], -0) ? "-0" : value.data[0]}`
    const known = scalars.get(key)
    if (known !== undefined) return known
    scalars.set(key, node.index)
    return node.index
  })
}

/** What a step is compiled for, where that is not the processor. */
export interface Target {
  /** Operators in the provider's form. */
  readonly rewrite: Rewrite
  /** Kernels that are computed on the processor all the same. */
  readonly distrusted: ReadonlySet<string>
  /** Live nodes whose values stay in the provider's memory. */
  readonly stays: (node: LazyNode) => boolean
}

/** Lowers the pending graph to ONNX and creates its session. */
export function compileStep(graph: PendingGraph, options: SessionOptions, target?: Target): CompiledStep {
  const lowering = new Lowering(target?.rewrite)
  const g = lowering.graph
  const layoutOf = persistentLayouts(graph.order)
  const inputs: Array<StepInput> = []
  for (const node of graph.order) {
    if (node.value !== undefined) {
      const first = graph.representative[node.index]
      if (first !== node.index) {
        lowering.set(node, lowering.of(graph.order[first]))
        continue
      }
      const layout = layoutOf(node)
      const dims = physicalShape(node.shape, layout)
      const name = g.input(`x${node.index}`, node.dtype, dims)
      inputs.push({ name, index: node.index, dtype: node.dtype, layout, dims })
      lowering.set(node, { name, layout })
    } else {
      if (node.lower === undefined) throw new OnnxBackendError(`${node.op}: nothing says how to compute it`)
      g.scope = node.op
      lowering.set(node, node.lower(lowering, node))
    }
  }
  g.scope = "output"
  const outputs = graph.live.map((node): StepOutput => {
    const layout = layoutOf(node)
    const shaped = { name: lowering.as(node, layout), dims: physicalShape(node.shape, layout) }
    const { name, dims } = g.unshaped(shaped.name) ?? shaped
    return { name: g.output(name, node.dtype, dims), dtype: node.dtype, layout, dims }
  })
  const { bytes, usedInputs, nodes } = g.finish()
  const placed: SessionOptions =
    target === undefined
      ? options
      : {
          ...options,
          cpuNodes: g.namesIn(target.distrusted),
          deviceOutputs: outputs.flatMap(({ name }, i) => (target.stays(graph.live[i]) ? [name] : [])),
        }
  const session = createSession(bytes, placed)
  return { session, inputs: inputs.filter((i) => usedInputs.has(i.name)), outputs, onnxNodes: nodes }
}

/**
 * Computes the live nodes of a flush by its compiled form: feeds what is known (turned into the wanted memory layout
 * the first time), writes into arrays of the pool, and cuts the nodes off from their inputs.
 * @returns how long ONNX Runtime computed, ms.
 */
export function runStep(
  step: CompiledStep,
  order: ReadonlyArray<LazyNode>,
  live: ReadonlyArray<LazyNode>,
  pool: BufferPool,
): number {
  const feeds: Record<string, OnnxTensor> = {}
  for (const input of step.inputs) {
    const node = order[input.index]
    const value = node.value
    if (value === undefined) throw new OnnxBackendError(`input ${input.name} has no value`)
    if (value.layout !== input.layout) {
      value.data = relayout(value.data, node.dtype, node.shape, value.layout, input.layout)
      value.layout = input.layout
      value.exclusive = true
      value.tensor = undefined
    }
    value.tensor ??= onnxTensor(input.dtype, value.data, input.dims)
    feeds[input.name] = value.tensor
  }
  const fetches: Record<string, OnnxTensor> = {}
  const values = step.outputs.map(({ name, dtype, layout, dims }): HostValue => {
    const data = pool.take(dtype, sizeOf(dims))
    fetches[name] = onnxTensor(dtype, data, dims)
    return { data, layout, tensor: undefined, exclusive: true }
  })
  const from = performance.now()
  step.session.run(feeds, fetches)
  const ms = performance.now() - from
  live.forEach((node, i) => {
    node.value = values[i]
    node.inputs = []
  })
  return ms
}
