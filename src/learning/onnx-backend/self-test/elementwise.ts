import * as tf from "@tensorflow/tfjs"
import { LOOSE, halves, real, ROUNDING, testCase, truth, whole, type Case } from "./case.ts"

/** Shapes that take different ways through a provider: in fours or not, along one or several dimensions. */
const PAIRS: ReadonlyArray<readonly [string, ReadonlyArray<number>, ReadonlyArray<number>]> = [
  ["equal shapes", [3, 8], [3, 8]],
  ["odd rows", [3, 5], [5]],
  ["a scalar", [21], []],
  ["channels of a map", [2, 3, 3, 4], [4]],
]

const arithmetic = (): Array<Case> => [
  ...PAIRS.flatMap(([form, a, b]) =>
    ["Add", "Sub", "Multiply", "RealDiv"].map((kernel) =>
      testCase(kernel, form, { a: real(a, 1), b: real(b, 2, 0.5, 2) }),
    ),
  ),
  ...["Maximum", "Minimum", "SquaredDifference"].flatMap((kernel) => [
    testCase(kernel, "equal shapes", { a: real([3, 8], 3), b: real([3, 8], 4) }),
    testCase(kernel, "odd rows", { a: real([3, 5], 3), b: real([5], 4) }),
  ]),
  ...["Add", "Sub", "Multiply", "Maximum", "Minimum", "SquaredDifference"].map((kernel) =>
    testCase(kernel, "whole numbers", { a: whole([3, 7], 5), b: whole([7], 6) }, {}, 0),
  ),
  testCase("FloorDiv", "whole numbers", { a: whole([4, 5], 7), b: whole([4, 5], 8, 1, 4) }, {}, 0),
  testCase("Mod", "both signs", { a: real([19], 9, 5), b: real([19], 10, 0.5, 2) }),
  testCase("Pow", "positive base", { a: real([17], 11, 1, 2), b: real([17], 12) }, {}, LOOSE),
  testCase("AddN", "three", [real([2, 9], 13), real([2, 9], 14), real([2, 9], 15)]),
]

const comparisons = (): Array<Case> => [
  ...["Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual"].flatMap((kernel) => [
    testCase(kernel, "reals", { a: halves([4, 6], 16), b: halves([6], 17) }, {}, 0),
    testCase(kernel, "whole numbers", { a: whole([23], 18, 0, 3), b: whole([23], 19, 0, 3) }, {}, 0),
    testCase(kernel, "truth values", { a: truth([11], 20), b: truth([11], 21) }, {}, 0),
  ]),
  ...["LogicalAnd", "LogicalOr"].map((kernel) =>
    testCase(kernel, "truth values", { a: truth([3, 9], 22), b: truth([9], 23) }, {}, 0),
  ),
  testCase("LogicalNot", "truth values", { x: truth([13], 24) }, {}, 0),
]

/** Spread and centre of the operands, tolerance. */
const UNARY: Readonly<Record<string, readonly [number, number, number]>> = {
  Relu: [2, 0, 0],
  Relu6: [9, 0, 0],
  Elu: [3, 0, LOOSE],
  Selu: [3, 0, LOOSE],
  Sigmoid: [6, 0, LOOSE],
  Softplus: [6, 0, LOOSE],
  Tanh: [4, 0, LOOSE],
  Erf: [2, 0, LOOSE],
  Exp: [3, 0, LOOSE],
  Expm1: [2, 0, LOOSE],
  Log: [2, 2.1, LOOSE],
  Log1p: [0.9, 0, LOOSE],
  Sqrt: [2, 2, ROUNDING],
  Rsqrt: [2, 2.2, ROUNDING],
  Reciprocal: [1, 2, ROUNDING],
  Square: [3, 0, ROUNDING],
  Neg: [3, 0, 0],
  Abs: [3, 0, 0],
  Sign: [3, 0, 0],
  Floor: [5, 0, 0],
  Ceil: [5, 0, 0],
  Round: [5, 0, 0],
  Sin: [6, 0, LOOSE],
  Cos: [6, 0, LOOSE],
  Tan: [1, 0, LOOSE],
  Asin: [0.95, 0, LOOSE],
  Acos: [0.95, 0, LOOSE],
  Atan: [3, 0, LOOSE],
  Sinh: [2, 0, LOOSE],
  Cosh: [2, 0, LOOSE],
  Asinh: [3, 0, LOOSE],
  Acosh: [1, 2.1, LOOSE],
  Atanh: [0.9, 0, LOOSE],
}

const unary = (): Array<Case> => [
  ...Object.entries(UNARY).map(([kernel, [spread, centre, tolerance]], i) =>
    testCase(kernel, "reals", { x: real([2, 11], 30 + i, spread, centre) }, {}, tolerance),
  ),
  ...["Square", "Neg", "Abs", "Sign"].map((kernel) =>
    testCase(kernel, "whole numbers", { x: whole([11], 70) }, {}, 0),
  ),
  testCase("LeakyRelu", "reals", { x: real([19], 71) }, { alpha: 0.3 }),
  testCase("ClipByValue", "reals", { x: real([19], 72) }, { clipValueMin: -0.4, clipValueMax: 0.5 }),
  testCase("Step", "0 below", { x: real([19], 73) }, { alpha: 0 }, 0),
  testCase("Step", "a slope below", { x: real([19], 74) }, { alpha: 0.2 }),
  testCase("Prelu", "a slope per channel", { x: real([2, 3, 3, 5], 75), alpha: real([5], 76) }),
  testCase("EluGrad", "reals", { dy: real([19], 77), y: real([19], 78) }),
  ...["IsNan", "IsInf"].map((kernel) =>
    testCase(kernel, "not a number, infinite", { x: tf.tensor1d([1, NaN, Infinity, -Infinity, 0]) }, {}, 0),
  ),
]

const casts = (): Array<Case> => [
  testCase("Cast", "real to whole", { x: real([15], 80, 4) }, { dtype: "int32" }, 0),
  testCase("Cast", "real to truth", { x: halves([15], 85) }, { dtype: "bool" }, 0),
  testCase("Cast", "whole to real", { x: whole([15], 81) }, { dtype: "float32" }, 0),
  testCase("Cast", "whole to truth", { x: whole([15], 82) }, { dtype: "bool" }, 0),
  testCase("Cast", "truth to real", { x: truth([15], 83) }, { dtype: "float32" }, 0),
  testCase("Cast", "truth to whole", { x: truth([15], 84) }, { dtype: "int32" }, 0),
  testCase("Fill", "reals", {}, { shape: [3, 7], value: 1.5, dtype: "float32" }, 0),
  testCase("Fill", "whole numbers", {}, { shape: [3, 7], value: 3, dtype: "int32" }, 0),
]

/** Operations that look at each element by itself. */
export const elementwiseCases = (): Array<Case> => [...arithmetic(), ...comparisons(), ...unary(), ...casts()]
