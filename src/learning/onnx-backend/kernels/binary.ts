import * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "../backend.ts"
import type { GraphBuilder } from "../graph-builder.ts"
import type { LazyNode } from "../lazy-node.ts"
import { physicalShape, sameShape, sizeOf, type Dtype, type Layout } from "../layout.ts"
import { plain, type Lowered, type Lowering } from "../lowering.ts"
import { fusedSum } from "./fusion.ts"
import type { Kernel, KernelTable, Operand } from "./kernel.ts"

type Emit = (g: GraphBuilder, a: string, b: string, dtype: Dtype) => string

/**
 * Picks the layout of an element-wise result: that of its largest operand of the same rank, so that the smaller ones
 * are moved.
 */
export function commonLayout(l: Lowering, node: LazyNode): Layout {
  let layout: Layout = "plain"
  let largest = 0
  for (const input of node.inputs) {
    const size = sizeOf(input.shape)
    if (input.shape.length === node.shape.length && size > largest) {
      largest = size
      layout = l.of(input).layout
    }
  }
  return layout
}

/** An operand that broadcasts against rank-`rank` results of the given layout. */
export function broadcastOperand(l: Lowering, input: LazyNode, rank: number, layout: Layout): string {
  if (input.shape.length === rank || layout === "plain") return l.as(input, layout)
  const shape = [...Array<number>(rank - input.shape.length).fill(1), ...input.shape]
  return l.convert(plain(l.graph.reshape(l.plain(input), shape)), shape, layout)
}

/** Lowers an element-wise operation of two operands. */
export function lowerBinary(l: Lowering, node: LazyNode, emit: Emit): Lowered {
  const fused = fusedSum(l, node)
  if (fused !== undefined) return fused
  const g = l.graph
  const layout = commonLayout(l, node)
  const [a, b] = node.inputs.map((input) => broadcastOperand(l, input, node.shape.length, layout))
  const size = sizeOf(node.shape)
  const sizes = node.inputs.map((input) => sizeOf(input.shape))
  const dtype = node.inputs[0].dtype
  // ONNX Runtime broadcasts a scalar (or nothing) along one dimension many times faster than along four
  if (node.shape.length > 1 && size > 1 && sizes.every((s) => s === 1 || s === size)) {
    const flat = emit(g, g.reshape(a, [sizes[0]]), g.reshape(b, [sizes[1]]), dtype)
    g.noteShape(flat, [size])
    return { name: g.reshape(flat, physicalShape(node.shape, layout)), layout }
  }
  return { name: emit(g, a, b, dtype), layout }
}

/** Records an element-wise operation of two operands of one type. */
export function binary(
  backend: OnnxBackend,
  op: string,
  a: Operand,
  b: Operand,
  dtype: Dtype,
  emit: Emit,
): tf.TensorInfo {
  const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape)
  return backend.record(op, [a, b], shape, dtype, a.dtype, (l, node) => lowerBinary(l, node, emit))
}

/** The operation `op` on the types it is given for; other types are left to tfjs' cpu kernel. */
function kernel(emit: Emit, types: ReadonlyArray<Dtype>, result?: Dtype): Kernel {
  return (call) => {
    const a = call.operand("a")
    const b = call.operand("b")
    if (a.dtype !== b.dtype || !types.includes(a.dtype)) return undefined
    return binary(call.backend, call.name, a, b, result ?? a.dtype, emit)
  }
}

const op =
  (name: string): Emit =>
  (g, a, b) =>
    g.emit(name, [a, b])

const squaredDifference: Emit = (g, a, b) => {
  const d = g.emit("Sub", [a, b])
  return g.emit("Mul", [d, d])
}

/** ONNX compares numbers but not truth values. */
const compare =
  (name: string): Emit =>
  (g, a, b, dtype) => {
    const number = (x: string): string => (dtype === "bool" ? g.emit("Cast", [x], { to: 6 }) : x)
    return g.emit(name, [number(a), number(b)])
  }

/** ⌊a/b⌋ of whole numbers, divided as doubles, which hold them exactly; 0 where b is 0, as in JavaScript. */
const floorDivide: Emit = (g, a, b) => {
  const [x, y] = [a, b].map((v) => g.emit("Cast", [v], { to: 11 }))
  const quotient = g.emit("Cast", [g.emit("Floor", [g.emit("Div", [x, y])])], { to: 6 })
  return g.emit("Where", [g.emit("Equal", [b, g.scalar(0, "int32")]), g.scalar(0, "int32"), quotient])
}

/** Remainder with the sign of the divisor, by tfjs' own rule: a % b, and (a % b + b) % b when the signs differ. */
const modulo: Emit = (g, a, b) => {
  const rem = (x: string): string => g.emit("Mod", [x, b], { fmod: 1 })
  const r = rem(a)
  const negative = (x: string): string => g.emit("Less", [x, g.scalar(0)])
  const same = g.emit("Not", [g.emit("Xor", [negative(a), negative(b)])])
  return g.emit("Where", [same, r, rem(g.emit("Add", [r, b]))])
}

const NUMBERS: ReadonlyArray<Dtype> = ["float32", "int32"]
const ALL: ReadonlyArray<Dtype> = ["float32", "int32", "bool"]

const addN: Kernel = (call) => {
  const inputs = call.operands()
  const [first] = inputs
  if (first.dtype !== "float32" || !inputs.every((t) => sameShape(t.shape, first.shape))) return undefined
  return call.backend.record("AddN", inputs, first.shape, first.dtype, "", (l, node) => {
    const layout = commonLayout(l, node)
    const names = node.inputs.map((input) => l.as(input, layout))
    return { name: names.length === 1 ? names[0] : l.graph.emit("Sum", names), layout }
  })
}

/** Element-wise operations of two (AddN: many) operands. */
export const binaryKernels: KernelTable = {
  Add: kernel(op("Add"), NUMBERS),
  Sub: kernel(op("Sub"), NUMBERS),
  Multiply: kernel(op("Mul"), NUMBERS),
  RealDiv: kernel(op("Div"), ["float32"]),
  FloorDiv: kernel(floorDivide, ["int32"], "int32"),
  Mod: kernel(modulo, ["float32"]),
  Pow: kernel(op("Pow"), ["float32"]),
  Maximum: kernel(op("Max"), NUMBERS),
  Minimum: kernel(op("Min"), NUMBERS),
  SquaredDifference: kernel(squaredDifference, NUMBERS),
  Greater: kernel(compare("Greater"), ALL, "bool"),
  GreaterEqual: kernel(compare("GreaterOrEqual"), ALL, "bool"),
  Less: kernel(compare("Less"), ALL, "bool"),
  LessEqual: kernel(compare("LessOrEqual"), ALL, "bool"),
  Equal: kernel(op("Equal"), ALL, "bool"),
  NotEqual: kernel((g, a, b) => g.emit("Not", [g.emit("Equal", [a, b])]), ALL, "bool"),
  LogicalAnd: kernel(op("And"), ["bool"], "bool"),
  LogicalOr: kernel(op("Or"), ["bool"], "bool"),
  AddN: addN,
}
