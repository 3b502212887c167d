import type { Attributes } from "../onnx/protobuf.ts"
import { OnnxBackendError } from "./errors.ts"
import type { GraphBuilder, Rewrite } from "./graph-builder.ts"

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

const FORMS: { readonly [op: string]: Form } = {
  FusedConv: fusedConv,
  Sum: sum,
  Or: or,
  LogSoftmax: logSoftmax,
}

/**
 * Operators as ONNX Runtime's WebGPU provider needs them: without what it computes wrongly, and without what it would
 * send to the processor and back in the middle of a step.
 */
export const webgpuForm: Rewrite = (g, op, inputs, attributes) => FORMS[op]?.(g, inputs, attributes)
