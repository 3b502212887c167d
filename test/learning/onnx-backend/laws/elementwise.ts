import fc from "fast-check"
import { anyOperand, type Call, type Domain, type Dtype, type Law, operand, shapes } from "./law.ts"

const NUMBERS: ReadonlyArray<Dtype> = ["float32", "int32"]
const ALL: ReadonlyArray<Dtype> = ["float32", "int32", "bool"]

/** Two shapes that broadcast against each other. */
const pairs = fc
  .tuple(shapes, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), fc.nat(6), fc.nat(6), fc.nat(3))
  .map(([dims, thin, cutA, cutB, kind]) => {
    if (kind === 0) return { a: dims, b: dims }
    const part = (from: number, cut: number): Array<number> =>
      dims.map((d, i) => (thin[from + i] && d > 0 ? 1 : d)).slice(Math.min(cut, dims.length))
    return kind === 1 ? { a: dims, b: part(6, cutB) } : { a: part(0, cutA), b: part(6, cutB) }
  })

const binary = (
  types: ReadonlyArray<Dtype>,
  options: { readonly special?: boolean; readonly a?: Domain; readonly b?: Domain } = {},
): Law => ({
  each: true,
  calls: fc.tuple(pairs, fc.constantFrom(...types)).chain(([shape, dtype]) => {
    const special = options.special === false ? {} : { special: true }
    return fc.record({
      inputs: fc.record({
        a: operand(shape.a, { dtype, domain: options.a ?? "any", ...special }),
        b: operand(shape.b, { dtype, domain: options.b ?? "any", ...special }),
      }),
      attrs: fc.constant({}),
    })
  }),
})

const unary = (
  domain: Domain = "any",
  options: {
    readonly types?: ReadonlyArray<Dtype>
    readonly special?: boolean
    readonly attrs?: fc.Arbitrary<Call["attrs"]>
  } = {},
): Law => ({
  each: true,
  calls: fc.record({
    inputs: fc.record({
      x: anyOperand(options.types ?? ["float32"], {
        domain,
        ...(options.special === false ? {} : { special: true }),
      }),
    }),
    attrs: options.attrs ?? fc.constant({}),
  }),
})

const alpha = fc.record({ alpha: fc.constantFrom(0, 0.3, -0.5, 2) })

/** Whole numbers that a divisor can be. */
const nonZero: Law = {
  calls: pairs.chain((shape) =>
    fc.record({
      inputs: fc.record({ a: operand(shape.a, { dtype: "int32" }), b: operand(shape.b, { dtype: "int32" }) }),
      attrs: fc.constant({}),
    }),
  ),
  tolerance: 0,
}

export const binaryLaws: { readonly [name: string]: Law } = {
  Add: binary(NUMBERS),
  Sub: binary(NUMBERS),
  Multiply: binary(NUMBERS),
  RealDiv: binary(["float32"]),
  FloorDiv: nonZero,
  // an exact multiple is a remainder of 0 or of the whole divisor, by the last bit
  Mod: binary(["float32"], { a: "wide", b: "positive" }),
  // 1 to the power of NaN or infinity is NaN in JavaScript and 1 in C
  Pow: binary(["float32"], { a: "positive", special: false }),
  Maximum: binary(NUMBERS),
  Minimum: binary(NUMBERS),
  SquaredDifference: binary(NUMBERS),
  Greater: binary(ALL, { a: "whole", b: "whole" }),
  GreaterEqual: binary(ALL, { a: "whole", b: "whole" }),
  Less: binary(ALL, { a: "whole", b: "whole" }),
  LessEqual: binary(ALL, { a: "whole", b: "whole" }),
  Equal: binary(ALL, { a: "whole", b: "whole" }),
  NotEqual: binary(ALL, { a: "whole", b: "whole" }),
  LogicalAnd: binary(["bool"]),
  LogicalOr: binary(["bool"]),
  AddN: {
    calls: fc.tuple(shapes, fc.integer({ min: 1, max: 5 })).chain(([shape, count]) =>
      fc.record({
        inputs: fc.array(operand(shape, { special: true }), { minLength: count, maxLength: count }),
        attrs: fc.constant({}),
      }),
    ),
  },
}

export const unaryLaws: { readonly [name: string]: Law } = {
  Relu: unary(),
  Relu6: unary("wide"),
  Elu: unary("wide"),
  Selu: unary("wide"),
  LeakyRelu: unary("any", { attrs: alpha }),
  Step: unary("whole", { attrs: alpha, special: false }),
  ClipByValue: unary("any", {
    attrs: fc.constantFrom(
      { clipValueMin: -0.5, clipValueMax: 1.5 },
      { clipValueMin: 0, clipValueMax: Number.POSITIVE_INFINITY },
      { clipValueMin: Number.NEGATIVE_INFINITY, clipValueMax: -1 },
    ),
  }),
  Sigmoid: unary("wide"),
  Softplus: unary("wide"),
  Tanh: unary("wide"),
  Erf: unary(),
  Exp: unary("wide"),
  Expm1: unary("wide"),
  Log: unary("positive"),
  Log1p: unary("positive"),
  Sqrt: unary("positive"),
  Rsqrt: unary("positive"),
  Square: unary("wide", { types: NUMBERS }),
  Reciprocal: unary("positive"),
  Neg: unary("any", { types: NUMBERS }),
  Abs: unary("any", { types: NUMBERS }),
  // of what is not a number: not a number, where tfjs says 0
  Sign: unary("whole", { types: NUMBERS, special: false }),
  Floor: unary("wide"),
  Ceil: unary("wide"),
  Round: unary("wide"),
  Sin: unary("wide"),
  Cos: unary("wide"),
  // its poles magnify the rounding of the argument
  Tan: unary("unit"),
  Asin: unary("unit"),
  Acos: unary("unit"),
  Atan: unary("wide"),
  Sinh: unary(),
  Cosh: unary(),
  Asinh: unary("wide"),
  Acosh: unary("aboveOne"),
  Atanh: unary("unit"),
  IsNan: unary(),
  IsInf: unary(),
  LogicalNot: unary("any", { types: ["bool"] }),
}
