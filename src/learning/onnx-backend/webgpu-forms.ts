import type { Attributes } from "../onnx/protobuf.ts"
import { OnnxBackendError } from "./errors.ts"
import type { GraphBuilder, Rewrite } from "./graph-builder.ts"
import { sameShape } from "./layout.ts"

type Form = (g: GraphBuilder, inputs: ReadonlyArray<string>, attributes: Attributes) => string | undefined

/**
 * activation(convolution + Z): the provider ignores Z, without an error. Sum and activation become nodes of their own.
 */
const fusedConv: Form = (g, inputs, { activation, ...attributes }) => {
  const addend = inputs[3]
  if (addend === undefined) return undefined
  if (activation !== undefined && activation !== "Relu")
    throw new OnnxBackendError("FusedConv on webgpu: only Relu is known here")
  const sum = g.emit("Add", [g.emit("Conv", inputs.slice(0, 3), attributes), addend])
  return activation === undefined ? sum : g.emit("Relu", [sum])
}

const sum: Form = (g, [first, ...rest]) => rest.reduce((total, x) => g.emit("Add", [total, x]), first)

/** By De Morgan: the provider has And and Not. */
const or: Form = (g, [a, b]) => g.emit("Not", [g.emit("And", [g.emit("Not", [a]), g.emit("Not", [b])])])

/** x − max − log Σ exp(x − max) */
const logSoftmax: Form = (g, [x], { axis = -1 }) => {
  if (typeof axis !== "number") return undefined
  const centred = g.emit("Sub", [x, g.emit("ReduceMax", [x], { axes: [axis], keepdims: 1 })])
  const total = g.emit("ReduceSum", [g.emit("Exp", [centred]), g.ints([axis])], { keepdims: 1 })
  return g.emit("Sub", [centred, g.emit("Log", [total])])
}

/** Batched products with transposed operands: Transpose and MatMul; those of rows (1 × n by (1 × n)ᵀ) a sum. */
const fusedMatMul: Form = (g, [a, b], { transA = 0, transB = 0, alpha }) => {
  const [left, right] = [g.shapeOf(a), g.shapeOf(b)]
  if (left === undefined || right === undefined || left.length < 2 || right.length < 2) return undefined
  if (typeof alpha === "object" && "float" in alpha && alpha.float !== 1) return undefined
  if (transA === 0 && transB === 1 && sameShape(left, right) && left.at(-2) === 1)
    return g.emit("ReduceSum", [g.emit("Mul", [a, b]), g.ints([left.length - 1])], { keepdims: 1 })
  const turned = (x: string, rank: number): string =>
    g.transpose(x, [...Array.from({ length: rank - 2 }, (_, i) => i), rank - 1, rank - 2])
  return g.emit("MatMul", [
    transA === 0 ? a : turned(a, left.length),
    transB === 0 ? b : turned(b, right.length),
  ])
}

const FORMS: { readonly [op: string]: Form } = {
  FusedConv: fusedConv,
  FusedMatMul: fusedMatMul,
  Sum: sum,
  Or: or,
  LogSoftmax: logSoftmax,
}

/**
 * Operators as ONNX Runtime's WebGPU provider needs them: without what it computes wrongly, and without what it would
 * send to the processor and back in the middle of a step.
 */
export const webgpuForm: Rewrite = (g, op, inputs, attributes) => FORMS[op]?.(g, inputs, attributes)
