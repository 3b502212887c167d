import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { batchNormalize } from "../../../src/learning/onnx-backend/batch-normalization.ts"
import { deviation, differences, numbers, on, tensor, warnings } from "./kit.ts"

beforeAll(async () => {
  await tf.setBackend("onnx")
})

/** Output, moving averages, and gradients of sum(relu(bn(x) + x) * d) for x, gamma, beta, on the current backend. */
function layerStep(shape: Array<number>): Array<tf.Tensor> {
  const layer = tf.layers.batchNormalization({ momentum: 0.9 })
  const x = tensor(shape, 1)
  layer.apply(x)
  layer.setWeights(layer.weights.map((w, i) => tf.abs(tensor([...w.shape].map(Number), i + 2)).add(0.3)))
  const d = tensor(shape, 9)
  const f = (input: tf.Tensor): tf.Scalar => {
    const y = layer.apply(input, { training: true })
    if (!(y instanceof tf.Tensor)) throw new Error("expected one output")
    return tf.sum(tf.mul(tf.relu(tf.add(y, input)), d)).asScalar()
  }
  const dx = tf.grad(f)(x)
  const { grads } = tf.variableGrads(() => f(x))
  const gradients = Object.keys(grads)
    .sort()
    .map((name) => grads[name])
  const result = [dx, ...gradients, ...layer.getWeights().map((w) => tf.clone(w))]
  layer.dispose()
  return result
}

describe("batch normalization layers", () => {
  it.each([[[4, 3, 5, 6]], [[2, 1, 1, 3]], [[3, 8, 7, 1]]])("train as on tfjs cpu: %s", async (shape) => {
    expect(await differences(() => layerStep(shape), 1e-4)).toEqual([])
    expect(warnings).toEqual([])
  })
  it("of other ranks: the usual way", async () => {
    expect(await differences(() => layerStep([6, 3]), 1e-4)).toEqual([])
  })
  it("share the statistics of concatenated channels", async () => {
    const run = (): Array<tf.Tensor> => {
      const layer = tf.layers.batchNormalization({})
      const a = tensor([3, 4, 4, 2], 1)
      const b = tensor([3, 4, 4, 3], 2)
      const f = (...parts: Array<tf.Tensor>): tf.Tensor => {
        const joined = tf.concat([tf.relu(parts[0]), tf.concat([parts[1], parts[0]], 3)], 3)
        const y = layer.apply(joined, { training: true })
        if (!(y instanceof tf.Tensor)) throw new Error("expected one output")
        return y
      }
      const y = f(a, b)
      const result = [y, ...tf.grads(f)([a, b], tensor([3, 4, 4, 7], 5))]
      layer.dispose()
      return result
    }
    expect(await differences(run, 1e-4)).toEqual([])
  })
  it("save as tfjs' own", () => {
    const layer = tf.layers.batchNormalization({ epsilon: 0.01 })
    expect(layer.getClassName()).toBe("BatchNormalization")
    expect(layer.getConfig()["epsilon"]).toBe(0.01)
  })
})

describe("batchNormalize", () => {
  const vectors = (): [tf.Tensor, tf.Tensor] => [tf.tensor1d([0.7, 1.3]), tf.tensor1d([-0.2, 0.4])]

  it("has the gradients that finite differences give", async () => {
    const shape = [3, 2, 2, 2]
    const d = numbers(24, 8)
    const loss = (x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor =>
      tf.sum(tf.mul(batchNormalize(x, scale, offset, 1e-3).y, tf.tensor(d, shape)))
    const inputs = (): Array<tf.Tensor> => [tensor(shape, 3), ...vectors()]
    const gradients = await on("onnx", () =>
      tf.grads((...args: Array<tf.Tensor>) => loss(args[0], args[1], args[2]))(inputs()),
    )
    const h = 1e-2
    const numeric = await on("onnx", () =>
      inputs().map((input, k) => {
        const data = input.dataSync()
        return tf.stack(
          Array.from(data, (_, i) => {
            const moved = (by: number): tf.Tensor => {
              const args = inputs()
              args[k] = tf.tensor(
                data.map((v, j) => (j === i ? v + by : v)),
                input.shape,
              )
              return loss(args[0], args[1], args[2])
            }
            return tf.div(tf.sub(moved(h), moved(-h)), 2 * h)
          }),
        )
      }),
    )
    gradients.forEach((g, i) => expect(deviation(numeric[i].values, g.values)).toBeLessThan(5e-3))
  })

  it("keeps its precision where the mean is far from 0", async () => {
    // values around 1000 with a deviation of 0.01…1: E[x²] − E[x]² in float32 would be off by up to 10⁷ %
    for (const spread of [0.01, 0.1, 1]) {
      const x = Float32Array.from(numbers(2 * 16 * 16 * 2, 5), (v) => 1000 + spread * v)
      const channel = (c: number): Array<number> => Array.from(x).filter((_, i) => i % 2 === c)
      const variance = [0, 1].map((c) => {
        const values = channel(c)
        const mean = values.reduce((a, b) => a + b, 0) / values.length
        return values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
      })
      const [result] = await on(
        "onnx",
        () => batchNormalize(tf.tensor(x, [2, 16, 16, 2]), ...vectors(), 1e-3).variance,
      )
      expect(deviation(result.values, variance)).toBeLessThan(1e-3)
    }
  })
})
