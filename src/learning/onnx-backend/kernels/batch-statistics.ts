import { OnnxGraph } from "../../onnx/graph.ts"
import { MICROSOFT, type GraphBuilder } from "../graph-builder.ts"
import type { LazyNode } from "../lazy-node.ts"
import { sizeOf } from "../layout.ts"
import type { Lowering } from "../lowering.ts"

/** Mean and (biased) variance of each channel, as rank-1 values. */
export interface Statistics {
  readonly mean: string
  readonly variance: string
}

/**
 * E[x²] − E[x]² loses about (mean² / variance) · 2⁻²⁴ of its value. Beyond this ratio (an error of about 10⁻⁵) the
 * variance is computed from the centred values instead, in a second pass over the data.
 */
const MAX_RATIO = 200

/** Row-wise inner products of two [C, M] matrices: [C]. */
export function rowProducts(g: GraphBuilder, a: string, b: string, rows: number, columns: number): string {
  const attributes = { transA: 0, transB: 1, alpha: { float: 1 } }
  const left = g.reshape(a, [rows, 1, columns])
  const right = g.reshape(b, [rows, 1, columns])
  return g.reshape(g.emit("FusedMatMul", [left, right], attributes, { domain: MICROSOFT }), [rows])
}

/** The branch of the guard that gives `name` as it is. */
function unchanged(g: GraphBuilder, name: string): ReturnType<OnnxGraph["toRecord"]> {
  const branch = new OnnxGraph("shortcut", (x) => g.has(x))
  branch.output(branch.node("Identity", [name], {}, { names: [`${name}_kept`] }))
  return branch.toRecord()
}

/** The branch of the guard that computes the variance from centred values. */
function centred(
  g: GraphBuilder,
  rows: string,
  mean: string,
  c: number,
  m: number,
): ReturnType<OnnxGraph["toRecord"]> {
  const branch = new OnnxGraph("centred", (x) => g.has(x))
  const name = (part: string): { names: [string] } => ({ names: [`${mean}_${part}`] })
  const dims = branch.initializer("int64", [2], [c, 1], `${mean}_dims`)
  const column = branch.node("Reshape", [mean, dims], {}, name("column"))
  const difference = branch.node("Sub", [rows, column], {}, name("difference"))
  const square = branch.node("Mul", [difference, difference], {}, name("square"))
  branch.output(branch.node("ReduceMean", [square], { axes: [1], keepdims: 0 }, name("centred")), "float32", [
    c,
  ])
  if (m < 1) throw new Error("no values to take the variance of")
  return branch.toRecord()
}

/**
 * Mean and variance of the rows of a [C, M] matrix in one pass each, guarded against cancellation; in two where the
 * guard would cost more than the pass.
 */
function ofRows(g: GraphBuilder, rows: string, c: number, m: number): Statistics {
  const mean = g.reshape(g.emit("ReduceMean", [rows], { axes: [1], keepdims: 1 }), [c])
  if (!g.branches) {
    const difference = g.emit("Sub", [rows, g.reshape(mean, [c, 1])])
    const square = g.emit("Mul", [difference, difference])
    return { mean, variance: g.emit("ReduceMean", [square], { axes: [1], keepdims: 0 }) }
  }
  const meanSquare = g.emit("Mul", [rowProducts(g, rows, rows, c, m), g.scalar(1 / m)])
  const squaredMean = g.emit("Mul", [mean, mean])
  const raw = g.emit("Max", [g.emit("Sub", [meanSquare, squaredMean]), g.scalar(0)])
  const excess = g.emit("Sub", [squaredMean, g.emit("Mul", [raw, g.scalar(MAX_RATIO)])])
  const worst = g.emit("ReduceMax", [excess], { axes: [0], keepdims: 0 })
  const cancelled = g.emit("Greater", [worst, g.scalar(0)])
  const variance = g.emit(
    "If",
    [cancelled],
    { then_branch: { graph: centred(g, rows, mean, c, m) }, else_branch: { graph: unchanged(g, raw) } },
    { captured: [rows, mean, raw] },
  )
  g.noteShape(variance, [c])
  return { mean, variance }
}

const known = new WeakMap<Lowering, Map<LazyNode, Statistics>>()

/**
 * Statistics of the channels of a feature map. Those of a channel concat are put together from its parts', so that a
 * dense block looks at each feature once, however many layers normalize it.
 */
export function batchStatistics(l: Lowering, node: LazyNode): Statistics {
  let memo = known.get(l)
  if (memo === undefined) known.set(l, (memo = new Map<LazyNode, Statistics>()))
  const done = memo.get(node)
  if (done !== undefined) return done
  const g = l.graph
  const channels = node.shape[3]
  let result: Statistics
  if (node.op === "Concat" && node.axis === 3 && node.value === undefined) {
    const parts = node.inputs.map((input) => batchStatistics(l, input))
    result = {
      mean: g.emit(
        "Concat",
        parts.map((p) => p.mean),
        { axis: 0 },
      ),
      variance: g.emit(
        "Concat",
        parts.map((p) => p.variance),
        { axis: 0 },
      ),
    }
  } else {
    result = ofRows(g, l.channelRows(node), channels, sizeOf(node.shape) / channels)
  }
  memo.set(node, result)
  return result
}
