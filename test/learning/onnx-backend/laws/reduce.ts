import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import {
  anyOperand,
  type Call,
  type Dtype,
  type Law,
  make,
  operand,
  type Operand,
  shapes,
  solidShapes,
} from "./law.ts"

const filled = shapes.filter((s) => !s.includes(0))
const solid = solidShapes.filter((s) => !s.includes(0))

/** A reduction of x along any subset of its axes (all where none is named). */
const reduction = (
  attr: string,
  types: ReadonlyArray<Dtype>,
  options: { readonly special?: boolean; readonly tolerance?: number } = {},
): Law => ({
  tolerance: options.tolerance ?? 1e-5,
  calls: anyOperand(types, options.special === true ? { special: true } : {}, filled).chain((x) =>
    fc.record({
      inputs: fc.constant({ x }),
      attrs: fc
        .record({
          axes: fc.subarray([...x.shape.keys()]),
          keepDims: fc.boolean(),
          all: fc.nat(4),
          below: fc.boolean(),
        })
        .map(({ axes, keepDims, all, below }): Call["attrs"] => {
          const given = all === 0 ? [...x.shape.keys()] : below ? axes.map((a) => a - x.shape.length) : axes
          return { [attr]: given, keepDims }
        }),
    }),
  ),
})

const along = (
  types: ReadonlyArray<Dtype>,
  attrs: (rank: number) => fc.Arbitrary<Call["attrs"]>,
  whole = false,
): Law => ({
  calls: anyOperand(types, whole ? { domain: "whole" } : {}, solid).chain((x) =>
    fc.record({ inputs: fc.constant({ x }), attrs: attrs(x.shape.length) }),
  ),
})

const logits = (attrs: (rank: number) => Call["attrs"]): Law => ({
  each: true,
  calls: anyOperand(["float32"], { domain: "wide" }, solid).map((x) => ({
    inputs: { logits: x },
    attrs: attrs(x.shape.length),
  })),
})

const NUMBERS: ReadonlyArray<Dtype> = ["float32", "int32"]

export const reduceLaws: { readonly [name: string]: Law } = {
  Sum: reduction("axis", ["float32", "int32", "bool"], { special: true }),
  Mean: reduction("axis", ["float32", "int32", "bool"], { special: true }),
  Max: reduction("reductionIndices", NUMBERS, { tolerance: 0 }),
  Min: reduction("axis", NUMBERS, { tolerance: 0 }),
  Prod: reduction("axis", ["float32"]),
  All: reduction("axis", ["bool"], { tolerance: 0 }),
  Any: reduction("axis", ["bool"], { tolerance: 0 }),
  ArgMax: along(
    ["float32"],
    (rank) => fc.integer({ min: -rank, max: rank - 1 }).map((axis) => ({ axis })),
    true,
  ),
  ArgMin: along(
    ["float32"],
    (rank) => fc.integer({ min: -rank, max: rank - 1 }).map((axis) => ({ axis })),
    true,
  ),
  Softmax: logits((rank) => ({ dim: rank - 1 })),
  // tfjs' cpu backend has no such kernel: the gradient of the formula tells more than the composition of others
  LogSoftmax: {
    ...logits((rank) => ({ axis: rank - 1 })),
    expected: (call) => [logSoftmax(Object.values(call.inputs)[0])],
  },
  Cumsum: along(NUMBERS, (rank) =>
    fc.record({ axis: fc.nat(rank - 1), exclusive: fc.boolean(), reverse: fc.boolean() }),
  ),
}

/** log softmax over the last axis in float64. */
function logSoftmax(o: Operand): tf.Tensor {
  const values = Array.from(make(o).dataSync())
  const row = o.shape[o.shape.length - 1]
  const out = values.map((v, i) => {
    const start = i - (i % row)
    const others = values.slice(start, start + row)
    const top = Math.max(...others)
    return v - top - Math.log(others.reduce((sum, x) => sum + Math.exp(x - top), 0))
  })
  return tf.tensor(out, [...o.shape])
}

/** Batch dimensions of the two factors. */
const batches = fc.constantFrom<[Array<number>, Array<number>]>(
  [[], []],
  [[1], [1]],
  [[2], [2]],
  [[3], [1]],
  [[1], [4]],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [2, 3],
    [1, 3],
  ],
  [
    [2, 1],
    [2, 3],
  ],
  [
    [1, 2, 2],
    [3, 1, 2],
  ],
)
const side = fc.integer({ min: 1, max: 5 })
const factors = fc
  .tuple(batches, side, side, side, fc.boolean(), fc.boolean())
  .map(([[batchA, batchB], m, k, n, transposeA, transposeB]) => ({
    a: [...batchA, ...(transposeA ? [k, m] : [m, k])],
    b: [...batchB, ...(transposeB ? [n, k] : [k, n])],
    n,
    attrs: { transposeA, transposeB },
  }))

/** The product in float64; inner batch dimensions broadcast too, which tfjs' cpu kernel mixes up. */
function product(call: Call, bias = false): tf.Tensor {
  const inputs = Object.values(call.inputs)
  const [a, b] = inputs.map((o) => ({ shape: o.shape, values: make(o).dataSync() }))
  const { transposeA, transposeB } = call.attrs
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const [rowsA, columnsA] = a.shape.slice(-2)
  const [rowsB, columnsB] = b.shape.slice(-2)
  const [m, k] = transposeA === true ? [columnsA, rowsA] : [rowsA, columnsA]
  const n = transposeB === true ? rowsB : columnsB
  const start = (shape: ReadonlyArray<number>, at: ReadonlyArray<number>): number =>
    shape.slice(0, -2).reduce((o, d, i) => o * d + (d === 1 ? 0 : at[i]), 0) *
    shape[shape.length - 2] *
    shape[shape.length - 1]
  const added = bias ? make(inputs[2]).dataSync() : undefined
  const out: Array<number> = []
  const count = batch.reduce((p, d) => p * d, 1)
  for (let index = 0; index < count; index++) {
    const at: Array<number> = []
    for (let i = batch.length - 1, rest = index; i >= 0; i--) {
      at[i] = rest % batch[i]
      rest = Math.floor(rest / batch[i])
    }
    const [fromA, fromB] = [start(a.shape, at), start(b.shape, at)]
    for (let i = 0; i < m; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let l = 0; l < k; l++)
          sum +=
            a.values[fromA + (transposeA === true ? l * m + i : i * k + l)] *
            b.values[fromB + (transposeB === true ? j * k + l : l * n + j)]
        out.push(sum + (added?.[j % added.length] ?? 0))
      }
  }
  return tf.tensor(out, [...batch, m, n])
}

const activations: { readonly [name: string]: (x: tf.Tensor) => tf.Tensor } = {
  linear: (x) => x,
  relu: tf.relu,
  relu6: tf.relu6,
  sigmoid: tf.sigmoid,
  elu: tf.elu,
}

const activationOf = ({ attrs }: Call): ((x: tf.Tensor) => tf.Tensor) => {
  const name: unknown = attrs["activation"]
  return typeof name === "string" ? activations[name] : tf.clone
}

export const matMulLaws: { readonly [name: string]: Law } = {
  BatchMatMul: {
    calls: factors.chain(({ a, b, attrs }) =>
      fc.record({ inputs: fc.record({ a: operand(a), b: operand(b) }), attrs: fc.constant(attrs) }),
    ),
    expected: (call) => [product(call)],
  },
  _FusedMatMul: {
    calls: factors.chain(({ a, b, n, attrs }) =>
      fc.record({
        inputs: fc.record({ a: operand(a), b: operand(b), bias: operand([n]) }),
        attrs: fc.constantFrom(...Object.keys(activations)).map((activation) => ({ ...attrs, activation })),
      }),
    ),
    expected: (call) => [activationOf(call)(product(call, true))],
  },
}
