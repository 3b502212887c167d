import * as tf from "@tensorflow/tfjs"
import { beforeAll, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import { sgd } from "../../src/learning/sgd.ts"

beforeAll(() => useBackend("onnx"))

/** How far one step of rate 1 goes when the gradient is (3, 4). */
const moved = (clipNorm: number | undefined): Array<number> => {
  const model = tf.sequential({
    layers: [tf.layers.dense({ units: 1, inputShape: [2], useBias: false, kernelInitializer: "zeros" })],
  })
  const optimizer = sgd(model, { momentum: 0, nesterov: false, l2: 0, clipNorm })
  const [kernel] = optimizer.variables
  optimizer.step(() => tf.sum(tf.mul(kernel, tf.tensor2d([3, 4], [2, 1]))).asScalar(), 1)
  return [...kernel.dataSync()]
}

it("gradients are scaled down to the limit of their common norm, and smaller ones left alone", () => {
  expect(moved(undefined)).toEqual([-3, -4])
  expect(moved(10)).toEqual([-3, -4])
  const [a, b] = moved(1)
  expect(a).toBeCloseTo(-0.6, 5)
  expect(b).toBeCloseTo(-0.8, 5)
})
