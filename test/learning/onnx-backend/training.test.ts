import * as tf from "@tensorflow/tfjs"
import { describe, expect, it } from "vitest"
import { backend, deviation, numbers, warnings } from "./kit.ts"

/** A small residual net with a dense block: stride 2, padding, max and average pool, batch norm, concat, add. */
function smallNet(): tf.LayersModel {
  const L = tf.layers
  let seed = 7
  const init = (): ReturnType<typeof tf.initializers.glorotUniform> =>
    tf.initializers.glorotUniform({ seed: seed++ })
  const conv = (
    x: tf.SymbolicTensor,
    filters: number,
    kernelSize: number,
    strides: number,
  ): tf.SymbolicTensor =>
    apply(
      L.conv2d({ filters, kernelSize, strides, padding: "same", useBias: false, kernelInitializer: init() }),
      x,
    )
  const bnRelu = (x: tf.SymbolicTensor): tf.SymbolicTensor =>
    apply(L.reLU(), apply(L.batchNormalization(), x))
  const input = tf.input({ shape: [12, 12, 3] })
  let x = bnRelu(conv(input, 8, 7, 2))
  x = apply(L.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" }), x)
  let y = bnRelu(conv(x, 16, 3, 2))
  y = apply(L.batchNormalization(), conv(y, 16, 3, 1))
  x = apply(L.reLU(), apply(L.add(), [y, conv(x, 16, 1, 2)]))
  x = apply(L.concatenate(), [x, conv(x, 3, 3, 1)])
  x = apply(L.concatenate(), [x, conv(bnRelu(x), 4, 3, 1)])
  x = conv(bnRelu(x), 10, 1, 1)
  x = apply(L.averagePooling2d({ poolSize: 2, strides: 2 }), x)
  x = apply(L.globalAveragePooling2d({}), x)
  x = apply(L.dense({ units: 5, activation: "softmax", kernelInitializer: init() }), x)
  return tf.model({ inputs: input, outputs: x })
}

function apply(layer: tf.layers.Layer, x: tf.SymbolicTensor | Array<tf.SymbolicTensor>): tf.SymbolicTensor {
  const y = layer.apply(x)
  if (y instanceof tf.SymbolicTensor) return y
  throw new Error("expected a symbolic tensor")
}

const X = numbers(4 * 12 * 12 * 3, 3)
const LABELS = [1, 3, 0, 4]

interface Trained {
  /** Sessions that the training steps needed. */
  readonly compiles: number
  readonly gradients: ReadonlyArray<ReadonlyArray<number>>
  readonly losses: ReadonlyArray<number>
  readonly weights: ReadonlyArray<ReadonlyArray<number>>
  readonly prediction: ReadonlyArray<number>
}

async function train(name: "cpu" | "onnx", optimizer: tf.Optimizer): Promise<Trained> {
  await tf.setBackend(name)
  const model = smallNet()
  model.compile({ optimizer, loss: "categoricalCrossentropy" })
  const x = tf.tensor4d(X, [4, 12, 12, 3])
  const y = tf.tidy(() => tf.oneHot(tf.tensor1d(LABELS, "int32"), 5).toFloat())
  const probe = tf.tidy(() => {
    const { grads } = tf.variableGrads(() => {
      const p = model.apply(x, { training: true })
      if (!(p instanceof tf.Tensor)) throw new Error("expected one output")
      return tf.losses.softmaxCrossEntropy(y, tf.log(p)).asScalar()
    })
    return model.trainableWeights.map((w) => grads[w.originalName] ?? grads[w.name])
  })
  const gradients = probe.map((g) => Array.from(g.dataSync()))
  tf.dispose(probe)
  const losses: Array<number> = []
  const compiled = backend.stats.compiles
  for (let step = 0; step < 6; step++) losses.push(Number(await model.trainOnBatch(x, y)))
  const compiles = backend.stats.compiles - compiled
  const predicted = model.predict(x)
  if (Array.isArray(predicted)) throw new Error("expected one output")
  const prediction = Array.from(predicted.dataSync())
  const weights = model.getWeights().map((w) => Array.from(w.dataSync()))
  tf.dispose([predicted, x, y])
  model.dispose()
  optimizer.dispose()
  return { compiles, gradients, losses, weights, prediction }
}

describe("training", () => {
  const optimizers: ReadonlyArray<readonly [string, () => tf.Optimizer]> = [
    ["sgd", () => tf.train.sgd(0.1)],
    ["momentum", () => tf.train.momentum(0.05, 0.9)],
    ["nesterov", () => tf.train.momentum(0.05, 0.9, true)],
    ["adam", () => tf.train.adam(0.01)],
  ]
  it.each(optimizers)("%s: gradients, losses and weights are those of tfjs cpu", async (_, make) => {
    const expected = await train("cpu", make())
    const actual = await train("onnx", make())
    actual.gradients.forEach((g, i) => expect(deviation(g, expected.gradients[i])).toBeLessThan(1e-4))
    actual.losses.forEach((l, i) => expect(l).toBeCloseTo(expected.losses[i], 3))
    expect(actual.compiles).toBe(1)
    expect(actual.losses[5]).toBeLessThan(actual.losses[0])
    actual.weights.forEach((w, i) => expect(deviation(w, expected.weights[i])).toBeLessThan(1e-3))
    expect(deviation(actual.prediction, expected.prediction)).toBeLessThan(1e-3)
    expect(warnings).toEqual([])
  })

  it("gives the same bits each time", async () => {
    const first = await train("onnx", tf.train.adam(0.01))
    const second = await train("onnx", tf.train.adam(0.01))
    expect({ ...second, compiles: first.compiles }).toEqual(first)
    expect(backend.stats.fallbacks).toBe(0)
  })
})
