import * as tf from "@tensorflow/tfjs"
import { beforeEach, describe, expect, it } from "vitest"
import { differences, on, tensor } from "./kit.ts"

const { fill } = tf

beforeEach(() => tf.setBackend("onnx"))

describe("zeros have signs", () => {
  const points = [0, -0, 0.3, -0.3]
  const functions: { readonly [name: string]: (x: tf.Tensor) => tf.Tensor } = {
    neg: tf.neg,
    abs: tf.abs,
    sqrt: (x) => tf.sqrt(tf.mul(x, tf.abs(x))),
    floor: tf.floor,
    ceil: tf.ceil,
    round: tf.round,
    sin: tf.sin,
    tan: tf.tan,
    asin: tf.asin,
    atan: tf.atan,
    sinh: tf.sinh,
    tanh: tf.tanh,
    asinh: tf.asinh,
    atanh: tf.atanh,
    reciprocal: tf.reciprocal,
    turnedSign: (x) => tf.mul(x, -1),
    joined: (x) => tf.reshape(tf.concat([x, tf.reverse(x)]), [2, 4]),
    chosen: (x) => tf.where(tf.greater(x, 0.1), x, tf.neg(x)),
  }
  it.each(Object.entries(functions))("%s", async (_, f) => {
    const run = (): tf.Tensor => f(tf.tensor1d(points))
    const [[actual], [expected]] = [await on("onnx", run), await on("cpu", run)]
    const signs = (values: ReadonlyArray<number>): Array<string> =>
      values.map((v) => (v === 0 ? (Object.is(v, -0) ? "-0" : "0") : v.toPrecision(5)))
    expect(signs(actual.values)).toEqual(signs(expected.values))
  })
  it("and fills of either sign are two graphs", () => {
    const signs = [0, -0].map((zero) => Object.is(tf.mul(fill([3], zero), 1).dataSync()[0], -0))
    expect(signs).toEqual([false, true])
  })
})

describe("no axes", () => {
  it("reduce nothing", async () => {
    const f = (): Array<tf.Tensor> => {
      const x = tensor([2, 3], 1)
      const flags = tf.greater(x, 0)
      const none: Array<number> = []
      return [
        tf.all(flags, none),
        tf.any(flags, none),
        tf.sum(x, none),
        tf.max(x, none),
        tf.all(tf.greater(tf.scalar(1), 0)),
      ]
    }
    expect(await differences(f, 0)).toEqual([])
  })
})

describe("what tfjs refuses is refused, not guessed", () => {
  it("slices that reach out of their tensor", () => {
    expect(() => tf.slice(tensor([5], 1), [3], [4])).toThrow(/reach out of shape \[5\]/)
    expect(() => tf.slice(tensor([5], 1), [-1], [1])).toThrow(/reach out of shape/)
  })
  it.each([[[-1]], [[3]]])("index %s of 3", (index) => {
    const y = tf.gather(tensor([3], 1), tf.tensor1d(index, "int32"))
    expect(() => y.dataSync()).toThrow(/GatherV2/)
    y.dispose()
  })
  it("products whose inner dimensions differ", () => {
    expect(() => tf.matMul(tensor([2, 3], 1), tensor([2, 3], 2))).toThrow(/inner/i)
  })
})

describe("numbers that are none", () => {
  it("stay none in a sign; a step has none", async () => {
    const [sign, step] = await on("onnx", () => [tf.sign(tf.tensor1d([NaN])), tf.step(tf.tensor1d([NaN]))])
    expect([sign.values[0], step.values[0]]).toEqual([NaN, 0])
  })
  it("reach the loss from any place", async () => {
    const f = (): Array<tf.Tensor> => {
      const x = tf.tensor2d([1, Number.NaN, 3, 4, 5, 6], [2, 3])
      return [
        tf.sum(x),
        tf.mean(x, 0),
        tf.relu(x),
        tf.softmax(x),
        tf.matMul(x, tensor([3, 2], 1)),
        tf.logSumExp(x),
      ]
    }
    expect(await differences(f)).toEqual([])
  })
})
