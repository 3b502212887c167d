import * as tf from "@tensorflow/tfjs"
import type { Attributes } from "../../onnx/protobuf.ts"
import type { LazyNode } from "../lazy-node.ts"
import { physicalShape, permutationOf, sizeOf, type Dtype } from "../layout.ts"
import { plain, type Lowered, type Lowering } from "../lowering.ts"
import type { Kernel, KernelCall, KernelTable, Operand } from "./kernel.ts"

/**
 * Reduces in whatever layout the operand has, after merging neighbouring dimensions that share a fate; then orders
 * what is left.
 */
function lowerReduce(
  l: Lowering,
  node: LazyNode,
  op: string,
  axes: ReadonlyArray<number>,
  from: Dtype,
): Lowered {
  const g = l.graph
  const [input] = node.inputs
  const { name, layout } = l.of(input)
  const dims = physicalShape(input.shape, layout)
  const reduced = permutationOf(layout, input.shape.length).map((d) => axes.includes(d))
  const x = from === node.dtype ? name : g.emit("Cast", [name], { to: node.dtype === "int32" ? 6 : 1 })
  const merged: Array<{ size: number; reduced: boolean }> = []
  dims.forEach((size, i) => {
    const last = merged.at(-1)
    if (size === 1) return
    if (last !== undefined && last.reduced === reduced[i]) last.size *= size
    else merged.push({ size, reduced: reduced[i] })
  })
  const places = merged.flatMap((m, i) => (m.reduced ? [i] : []))
  const kept = input.shape.map((d, i) => (axes.includes(i) ? 1 : d))
  let y = x
  if (places.length > 0) {
    const matrix = g.reshape(
      x,
      merged.map((m) => m.size),
    )
    const asInput = op === "ReduceSum"
    const attributes: Attributes = asInput ? { keepdims: 1 } : { axes: places, keepdims: 1 }
    y = g.emit(op, asInput ? [matrix, g.ints(places)] : [matrix], attributes)
  }
  const ordered = l.convert({ name: g.reshape(y, physicalShape(kept, layout)), layout }, kept, "plain")
  return plain(g.reshape(ordered, node.shape))
}

/** The dimensions an attribute names; all of them if it is absent. */
function axesOf(call: KernelCall, attr: string, x: Operand): Array<number> {
  const given = call.has(attr) ? call.numbers(attr) : x.shape.map((_, i) => i)
  return tf.util.parseAxisParam(given, [...x.shape])
}

function kernel(
  op: string,
  attr: string,
  types: ReadonlyArray<Dtype>,
  resultOf: (dtype: Dtype) => Dtype,
): Kernel {
  return (call) => {
    const x = call.operand("x")
    if (!types.includes(x.dtype)) return undefined
    const axes = axesOf(call, attr, x)
    const keepDims = call.flag("keepDims")
    const shape = x.shape.flatMap((d, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [d]))
    const dtype = resultOf(x.dtype)
    return call.backend.record(call.name, [x], shape, dtype, `${axes.join()}${x.dtype}`, (l, node) =>
      lowerReduce(l, node, op, axes, x.dtype),
    )
  }
}

const arg =
  (op: string): Kernel =>
  (call) => {
    const x = call.operand("x")
    if (x.dtype !== "float32") return undefined
    const [axis] = tf.util.parseAxisParam(call.number("axis"), [...x.shape])
    const shape = x.shape.filter((_, i) => i !== axis)
    return call.backend.record(call.name, [x], shape, "int32", String(axis), (l, node) => {
      const g = l.graph
      return plain(g.emit("Cast", [g.emit(op, [l.plain(node.inputs[0])], { axis, keepdims: 0 })], { to: 6 }))
    })
  }

/** any = max > 0, all = min > 0 over the truth values as numbers. */
const logical =
  (op: "ReduceMax" | "ReduceMin"): Kernel =>
  (call) => {
    const x = call.operand("x")
    if (x.dtype !== "bool") return undefined
    const axes = axesOf(call, "axis", x)
    // to ONNX no axes are all axes
    if (axes.length === 0) return call.backend.alias(x)
    const keepDims = call.flag("keepDims")
    const shape = x.shape.flatMap((d, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [d]))
    return call.backend.record(call.name, [x], shape, "bool", axes.join(), (l, node) => {
      const g = l.graph
      const numbers = g.emit("Cast", [l.plain(node.inputs[0])], { to: 6 })
      const y = g.emit(op, [numbers], { axes, keepdims: keepDims ? 1 : 0 })
      return plain(g.emit("Cast", [y], { to: 9 }))
    })
  }

const softmax =
  (op: string, attr: string): Kernel =>
  (call) => {
    const x = call.operand("logits")
    const axis = call.has(attr) ? call.number(attr) : -1
    const last = x.shape.length - 1
    if (x.dtype !== "float32" || (axis !== -1 && axis !== last)) return undefined
    return call.backend.record(call.name, [x], x.shape, "float32", "", (l, node) =>
      plain(l.graph.emit(op, [l.plain(node.inputs[0])], { axis: -1 })),
    )
  }

const cumsum: Kernel = (call) => {
  const x = call.operand("x")
  if (x.dtype === "bool" || sizeOf(x.shape) === 0) return undefined
  const axis = call.number("axis")
  const exclusive = call.flag("exclusive") ? 1 : 0
  const reverse = call.flag("reverse") ? 1 : 0
  const key = `${axis},${exclusive},${reverse}`
  return call.backend.record("Cumsum", [x], x.shape, x.dtype, key, (l, node) => {
    const g = l.graph
    return plain(g.emit("CumSum", [l.plain(node.inputs[0]), g.scalar(axis, "int32")], { exclusive, reverse }))
  })
}

const NUMBERS: ReadonlyArray<Dtype> = ["float32", "int32"]
const ALL: ReadonlyArray<Dtype> = ["float32", "int32", "bool"]
const same = (dtype: Dtype): Dtype => dtype

/** Operations over whole dimensions. */
export const reduceKernels: KernelTable = {
  Sum: kernel("ReduceSum", "axis", ALL, (d) => (d === "bool" ? "int32" : d)),
  Mean: kernel("ReduceMean", "axis", ALL, () => "float32"),
  Max: kernel("ReduceMax", "reductionIndices", NUMBERS, same),
  Min: kernel("ReduceMin", "axis", NUMBERS, same),
  Prod: kernel("ReduceProd", "axis", ["float32"], same),
  All: logical("ReduceMin"),
  Any: logical("ReduceMax"),
  ArgMax: arg("ArgMax"),
  ArgMin: arg("ArgMin"),
  Softmax: softmax("Softmax", "dim"),
  LogSoftmax: softmax("LogSoftmax", "axis"),
  Cumsum: cumsum,
}
