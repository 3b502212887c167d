import type { AttributeValue } from "../../onnx/protobuf.ts"
import type { GraphBuilder } from "../graph-builder.ts"
import type { Dtype } from "../layout.ts"
import type { Kernel, KernelCall, KernelTable } from "./kernel.ts"

type Emit = (g: GraphBuilder, x: string) => string

/** Applies `emit` to each element, whatever the layout. `prepare` reads the attributes; `key` must name them. */
function kernel(
  prepare: (call: KernelCall) => { readonly key: string; readonly emit: Emit },
  types: ReadonlyArray<Dtype> = ["float32"],
  result?: Dtype,
): Kernel {
  return (call) => {
    const x = call.operand("x")
    if (!types.includes(x.dtype)) return undefined
    const { key, emit } = prepare(call)
    return call.backend.record(call.name, [x], x.shape, result ?? x.dtype, key + x.dtype, (l, node) => {
      const value = l.of(node.inputs[0])
      return { name: emit(l.graph, value.name), layout: value.layout }
    })
  }
}

const simple = (op: string, types?: ReadonlyArray<Dtype>): Kernel =>
  kernel(() => ({ key: "", emit: (g, x) => g.emit(op, [x]) }), types)
const composed = (emit: Emit, types?: ReadonlyArray<Dtype>, result?: Dtype): Kernel =>
  kernel(() => ({ key: "", emit }), types, result)
const withAlpha = (op: string): Kernel =>
  kernel((call) => {
    const alpha: AttributeValue = { float: call.number("alpha") }
    return { key: String(alpha.float), emit: (g, x) => g.emit(op, [x], { alpha }) }
  })

const NUMBERS: ReadonlyArray<Dtype> = ["float32", "int32"]

/**
 * log(1 + x) without the loss of precision near 0: with u = 1 + x rounded, x · log(u) / (u − 1) is accurate
 * (W. Kahan's correction; Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 1.14.1).
 */
const log1p: Emit = (g, x) => {
  const u = g.emit("Add", [x, g.scalar(1)])
  const d = g.emit("Sub", [u, g.scalar(1)])
  const corrected = g.emit("Mul", [x, g.emit("Div", [g.emit("Log", [u]), d])])
  const tiny = g.emit("Equal", [d, g.scalar(0)])
  const huge = g.emit("Greater", [x, g.scalar(1)])
  return g.emit("Where", [tiny, x, g.emit("Where", [huge, g.emit("Log", [u]), corrected])])
}

/** exp(x) − 1 by the same correction: with u = eˣ, (u − 1) · x / log(u). */
const expm1: Emit = (g, x) => {
  const u = g.emit("Exp", [x])
  const d = g.emit("Sub", [u, g.scalar(1)])
  const corrected = g.emit("Div", [g.emit("Mul", [d, x]), g.emit("Log", [u])])
  const near = g.emit("Less", [g.emit("Abs", [x]), g.scalar(1)])
  const tiny = g.emit("Equal", [d, g.scalar(0)])
  return g.emit("Where", [tiny, x, g.emit("Where", [near, corrected, d])])
}

const clip: Kernel = kernel((call) => {
  const low = call.number("clipValueMin")
  const high = call.number("clipValueMax")
  return { key: `${low},${high}`, emit: (g, x) => g.emit("Clip", [x, g.scalar(low), g.scalar(high)]) }
})

/** A parameterless element-wise operation as ONNX nodes; for kernels that end in an activation. */
export const ACTIVATIONS: { readonly [name: string]: Emit } = {
  relu: (g, x) => g.emit("Relu", [x]),
  relu6: (g, x) => g.emit("Clip", [x, g.scalar(0), g.scalar(6)]),
  sigmoid: (g, x) => g.emit("Sigmoid", [x]),
  elu: (g, x) => g.emit("Elu", [x]),
}

/** Element-wise operations of one operand. */
export const unaryKernels: KernelTable = {
  Relu6: composed((g, x) => g.emit("Clip", [x, g.scalar(0), g.scalar(6)])),
  Elu: simple("Elu"),
  Selu: simple("Selu"),
  LeakyRelu: withAlpha("LeakyRelu"),
  ClipByValue: clip,
  Sigmoid: simple("Sigmoid"),
  Softplus: simple("Softplus"),
  Tanh: simple("Tanh"),
  Erf: simple("Erf"),
  Exp: simple("Exp"),
  Expm1: composed(expm1),
  Log: simple("Log"),
  Log1p: composed(log1p),
  Sqrt: simple("Sqrt"),
  Rsqrt: composed((g, x) => g.emit("Reciprocal", [g.emit("Sqrt", [x])])),
  Square: composed((g, x) => g.emit("Mul", [x, x]), NUMBERS),
  Reciprocal: simple("Reciprocal"),
  Neg: simple("Neg", NUMBERS),
  Abs: simple("Abs", NUMBERS),
  Sign: simple("Sign", NUMBERS),
  Floor: simple("Floor"),
  Ceil: simple("Ceil"),
  Round: simple("Round"),
  Sin: simple("Sin"),
  Cos: simple("Cos"),
  Tan: simple("Tan"),
  Asin: simple("Asin"),
  Acos: simple("Acos"),
  Atan: simple("Atan"),
  Sinh: simple("Sinh"),
  Cosh: simple("Cosh"),
  Asinh: simple("Asinh"),
  Acosh: simple("Acosh"),
  Atanh: simple("Atanh"),
  IsNan: composed((g, x) => g.emit("IsNaN", [x]), ["float32"], "bool"),
  IsInf: composed((g, x) => g.emit("IsInf", [x]), ["float32"], "bool"),
  LogicalNot: simple("Not", ["bool"]),
}
