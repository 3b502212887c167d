import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bools, differences, ints, tensor } from "./kit.ts"

const RUNS = { numRuns: 2, seed: 4 }
const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 0, maxLength: 4 })
/** Two shapes that broadcast against each other. */
const pair = fc
  .tuple(shape, fc.infiniteStream(fc.boolean()), fc.nat(4), fc.nat(4))
  .map(([dims, flips, cutA, cutB]) => {
    const thin = (): Array<number> => dims.map((d) => (flips.next().value ? 1 : d))
    return { a: thin().slice(Math.min(cutA, dims.length)), b: thin().slice(Math.min(cutB, dims.length)) }
  })
/** Many at once: they become one graph. */
const shapes = fc.array(shape, { minLength: 6, maxLength: 6 })
const pairs = fc.array(pair, { minLength: 10, maxLength: 10 })

describe("element-wise operations of two operands", () => {
  const floats: { readonly [name: string]: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor } = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    div: (a, b) => tf.div(a, tf.add(tf.abs(b), 0.1)),
    mod: (a, b) => tf.mod(tf.mul(a, 7), tf.where(tf.greater(b, 0), tf.add(b, 0.5), tf.sub(b, 0.5))),
    pow: (a, b) => tf.pow(tf.abs(a), b),
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
    greater: tf.greater,
    greaterEqual: tf.greaterEqual,
    less: tf.less,
    lessEqual: tf.lessEqual,
    equal: (a, b) => tf.equal(tf.round(a), tf.round(b)),
    notEqual: (a, b) => tf.notEqual(tf.round(a), tf.round(b)),
  }
  it.each(Object.entries(floats))("%s, any broadcast", async (_, f) => {
    await fc.assert(
      fc.asyncProperty(pairs, async (list) => {
        const run = (): Array<tf.Tensor> => list.map(({ a, b }, i) => f(tensor(a, i), tensor(b, i + 50)))
        expect(await differences(run)).toEqual([])
      }),
      RUNS,
    )
  })
  const whole = {
    add: tf.add,
    sub: tf.sub,
    mul: tf.mul,
    max: tf.maximum,
    min: tf.minimum,
    square: tf.squaredDifference,
  }
  const compared = { greater: tf.greater, lessEqual: tf.lessEqual, equal: tf.equal, notEqual: tf.notEqual }
  it.each(Object.entries({ ...whole, ...compared }))("%s of whole numbers", async (_, f) => {
    await fc.assert(
      fc.asyncProperty(pairs, async (list) => {
        const run = (): Array<tf.Tensor> => list.map(({ a, b }, i) => f(ints(a, i), ints(b, i + 50)))
        expect(await differences(run, 0)).toEqual([])
      }),
      RUNS,
    )
  })
  it("divides whole numbers downwards", async () => {
    const run = (): tf.Tensor => {
      const divisor = tf.tensor1d([3, -3, 7, 2 ** 30, -5], "int32")
      return tf.floorDiv(tf.tensor1d([-7, 7, 2 ** 31 - 1, -1, 25], "int32"), divisor)
    }
    expect(await differences(run, 0)).toEqual([])
  })
  it("and, or, not, comparisons of truth values", async () => {
    const run = (): Array<tf.Tensor> => {
      const a = bools([3, 4], 1)
      const b = bools([4], 2)
      const or = [tf.logicalOr(a, b), tf.logicalXor(a, b)]
      return [tf.logicalAnd(a, b), ...or, tf.logicalNot(a), tf.equal(a, b), tf.greater(a, b)]
    }
    expect(await differences(run, 0)).toEqual([])
  })
  it("adds many", async () => {
    expect(
      await differences(() => tf.addN([tensor([2, 3], 1), tensor([2, 3], 2), tensor([2, 3], 3)])),
    ).toEqual([])
  })
})

describe("element-wise operations of one operand", () => {
  const everywhere: { readonly [name: string]: (x: tf.Tensor) => tf.Tensor } = {
    relu: tf.relu,
    relu6: (x) => tf.relu6(tf.mul(x, 10)),
    elu: tf.elu,
    selu: tf.selu,
    leakyRelu: (x) => tf.leakyRelu(x, 0.3),
    step: (x) => tf.step(x),
    stepWithAlpha: (x) => tf.step(x, -0.5),
    clip: (x) => tf.clipByValue(x, -0.3, 0.6),
    clipBelow: (x) => tf.clipByValue(x, -0.3, Number.POSITIVE_INFINITY),
    sigmoid: (x) => tf.sigmoid(tf.mul(x, 5)),
    logSigmoid: (x) => tf.logSigmoid(tf.mul(x, 30)),
    softplus: (x) => tf.softplus(tf.mul(x, 30)),
    tanh: (x) => tf.tanh(tf.mul(x, 4)),
    erf: (x) => tf.erf(tf.mul(x, 3)),
    exp: tf.exp,
    square: tf.square,
    neg: tf.neg,
    abs: tf.abs,
    sign: tf.sign,
    floor: (x) => tf.floor(tf.mul(x, 5)),
    ceil: (x) => tf.ceil(tf.mul(x, 5)),
    round: (x) => tf.round(tf.mul(x, 5)),
    roundHalves: (x) => tf.round(tf.add(tf.round(tf.mul(x, 5)), 0.5)),
    sin: tf.sin,
    cos: tf.cos,
    tan: tf.tan,
    asin: tf.asin,
    acos: tf.acos,
    atan: tf.atan,
    sinh: tf.sinh,
    cosh: tf.cosh,
    asinh: tf.asinh,
    atanh: (x) => tf.atanh(tf.mul(x, 0.9)),
    log: (x) => tf.log(tf.add(tf.abs(x), 0.05)),
    sqrt: (x) => tf.sqrt(tf.abs(x)),
    rsqrt: (x) => tf.rsqrt(tf.add(tf.abs(x), 0.05)),
    reciprocal: (x) => tf.reciprocal(tf.add(tf.abs(x), 0.05)),
    acosh: (x) => tf.acosh(tf.add(tf.abs(x), 1)),
    toInt: (x) => tf.cast(tf.mul(x, 5), "int32"),
    toBool: (x) => tf.cast(tf.round(x), "bool"),
    zerosLike: tf.zerosLike,
    onesLike: tf.onesLike,
    prelu: (x) => tf.prelu(x, tf.scalar(0.2)),
    mish: (x) => tf.mul(x, tf.tanh(tf.softplus(x))),
  }
  it.each(Object.entries(everywhere))("%s", async (_, f) => {
    await fc.assert(
      fc.asyncProperty(shapes, async (list) => {
        expect(await differences(() => list.map((dims, i) => f(tensor(dims, i))))).toEqual([])
      }),
      { ...RUNS, numRuns: 1 },
    )
  })
  it("prelu with a slope per channel, elu's gradient", async () => {
    const run = (): Array<tf.Tensor> => [
      tf.prelu(tensor([2, 3, 4], 1), tensor([4], 2)),
      tf.prelu(tensor([2, 3, 4], 1), tensor([3, 1], 2)),
      tf.grad((x) => tf.elu(x))(tensor([3, 3], 1), tensor([3, 3], 2)),
    ]
    expect(await differences(run)).toEqual([])
  })
  it("log1p and expm1 keep their precision near 0", async () => {
    const points = [1e-9, -1e-9, 3e-7, -2e-5, 1e-3, 0.4, -0.7, 0, 12]
    const run = (): Array<tf.Tensor> =>
      points.flatMap((p) => [tf.log1p(tf.scalar(p)), tf.expm1(tf.scalar(p))])
    expect(await differences(run, 2e-6)).toEqual([])
  })
  it("passes NaN and infinities on", async () => {
    const functions = [
      tf.exp,
      tf.abs,
      tf.square,
      tf.isNaN,
      tf.isInf,
      tf.isFinite,
      tf.neg,
      tf.relu,
      tf.tanh,
      tf.sigmoid,
    ]
    const run = (): Array<tf.Tensor> => {
      const odd = tf.tensor1d([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -1])
      const pairs = [tf.maximum(odd, 0.5), tf.minimum(odd, 0.5), tf.sum(odd), tf.clipByValue(odd, -1, 1)]
      return [...functions.map((f): tf.Tensor => f(odd)), ...pairs]
    }
    expect(await differences(run)).toEqual([])
  })
})
