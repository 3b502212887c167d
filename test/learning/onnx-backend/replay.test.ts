import * as tf from "@tensorflow/tfjs"
import { describe, expect, it } from "vitest"
import { compiled } from "../../../src/learning/backend.ts"
import { buildNetwork } from "../../../src/learning/networks/index.ts"
import { tensorOf } from "../../../src/learning/predict.ts"
import { sgd } from "../../../src/learning/sgd.ts"
import { backend, numbers, tensor } from "./kit.ts"

const [BATCH, SIZE, CLASSES] = [4, 16, 3]

/** Trains a small residual net, with another rate in every step; what it said and what it became. */
function train(plan: {
  readonly replayed: boolean
  readonly steps: number
  readonly between?: (step: number, model: tf.LayersModel) => void
}) {
  const model = buildNetwork({
    name: "resnet",
    size: SIZE,
    channels: 1,
    classes: CLASSES,
    width: 0.125,
    blocks: [1, 1],
    seed: 3,
  })
  const optimizer = sgd(model, { momentum: 0.9, nesterov: true, l2: 1e-3 })
  const step = (x: tf.Tensor, target: tf.Tensor, rate: tf.Tensor): ReadonlyArray<tf.Tensor> => {
    let output: tf.Tensor | undefined
    optimizer.step(() => {
      const logits = tensorOf(model.apply(x, { training: true }))
      output = tf.keep(logits.clone())
      return tf.losses.softmaxCrossEntropy(target, logits)
    }, rate.asScalar())
    return output === undefined ? [] : [output]
  }
  const run = plan.replayed
    ? compiled((x, target, rate) => step(x, target, rate))
    : (...[x, target, rate]: ReadonlyArray<tf.Tensor>) => {
        const outputs = tf.tidy(() => [...step(x, target, rate)])
        backend.flush()
        return outputs
      }
  const said: Array<number> = []
  const counts: Array<number> = []
  const compiles = backend.stats.compiles
  for (let at = 0; at < plan.steps; at++) {
    const inputs = tf.tidy(() => [
      tf.tensor4d(numbers(BATCH * SIZE * SIZE, at + 1), [BATCH, SIZE, SIZE, 1]),
      tf
        .oneHot(
          tf.tensor1d(
            Array.from({ length: BATCH }, (_, i) => (i + at) % CLASSES),
            "int32",
          ),
          CLASSES,
        )
        .toFloat(),
      tf.scalar(0.1 / (1 + at)),
    ])
    const [logits] = run(...inputs)
    said.push(...logits.dataSync())
    logits.dispose()
    tf.dispose(inputs)
    plan.between?.(at, model)
    counts.push(tf.memory().numTensors)
  }
  const weights = model.getWeights().map((w) => Array.from(w.dataSync()))
  const velocities = optimizer.velocities.map((v) => Array.from(v.dataSync()))
  optimizer.dispose()
  model.dispose()
  return { said, weights, velocities, counts, compiles: backend.stats.compiles - compiles }
}

describe("a step that is computed again without being recorded", () => {
  it("gives the same bits as one that is recorded every time, with other inputs and rates", async () => {
    await tf.setBackend("onnx")
    const recorded = tf.tidy(() => train({ replayed: false, steps: 6 }))
    const replayed = tf.tidy(() => train({ replayed: true, steps: 6 }))
    expect(replayed.said).toEqual(recorded.said)
    expect(replayed.weights).toEqual(recorded.weights)
    expect(replayed.velocities).toEqual(recorded.velocities)
    expect(new Set(recorded.said).size).toBeGreaterThan(6 * BATCH)
  })

  it("takes up weights that were set, read, scaled or evaluated in between", async () => {
    await tf.setBackend("onnx")
    const between = (step: number, model: tf.LayersModel): void =>
      tf.tidy(() => {
        if (step === 1) model.setWeights(model.getWeights().map((w) => tf.mul(w, 0.5)))
        if (step === 2) model.predictOnBatch(tensor([BATCH, SIZE, SIZE, 1], 9))
        if (step === 3)
          model.setWeights(model.getWeights().map((w) => tf.tensor(w.dataSync().slice(), w.shape)))
      })
    const recorded = tf.tidy(() => train({ replayed: false, steps: 6, between }))
    const replayed = tf.tidy(() => train({ replayed: true, steps: 6, between }))
    expect(replayed.said).toEqual(recorded.said)
    expect(replayed.weights).toEqual(recorded.weights)
  })

  it("holds no more tensors from step to step", async () => {
    await tf.setBackend("onnx")
    const ids = backend.numDataIds()
    const { counts } = train({ replayed: true, steps: 12 })
    expect(new Set(counts.slice(1)).size).toBe(1)
    expect(backend.numDataIds()).toBe(ids)
  })

  it("calls the function again only for other shapes, or when its session is gone", async () => {
    await tf.setBackend("onnx")
    let calls = 0
    const double = compiled((x) => {
      calls++
      return [tf.mul(x, 2)]
    })
    const of = (values: ReadonlyArray<number>): ReadonlyArray<number> => {
      const x = tf.tensor1d([...values])
      const [y] = double(x)
      const read = Array.from(y.dataSync())
      tf.dispose([x, y])
      return read
    }
    expect([of([1, 2]), of([3, 4]), of([-1, 0.5])]).toEqual([
      [2, 4],
      [6, 8],
      [-2, 1],
    ])
    expect(calls).toBe(1)
    expect([of([1, 2, 3]), of([5, 6, 7])]).toEqual([
      [2, 4, 6],
      [10, 12, 14],
    ])
    expect(calls).toBe(2)
    backend.release()
    expect(of([4, 5, 6])).toEqual([8, 10, 12])
    expect(calls).toBe(3)
  })

  it("keeps constants, also where an argument once had the same value", async () => {
    await tf.setBackend("onnx")
    const kept = tf.tensor1d([10, 20])
    const f = compiled((x) => [tf.add(tf.mul(x, tf.scalar(3)), kept.add(tf.scalar(3)))])
    const of = (value: number): ReadonlyArray<number> => {
      const x = tf.scalar(value)
      const [y] = f(x)
      const read = Array.from(y.dataSync())
      tf.dispose([x, y])
      // Memory that is free is written by others.
      tf.tidy(() => tf.add(tensor([2], 5), tensor([2], 6)).dataSync())
      return read
    }
    expect(of(3)).toEqual([22, 32])
    kept.dispose()
    expect([of(1), of(0), of(3)]).toEqual([
      [16, 26],
      [13, 23],
      [22, 32],
    ])
  })

  it("draws the mask of a dropout anew each time", async () => {
    await tf.setBackend("onnx")
    const layer = tf.layers.dropout({ rate: 0.5 })
    const f = compiled((x) => [tensorOf(layer.apply(x, { training: true }))])
    const masks = [1, 2, 3].map(() =>
      tf.tidy(() => {
        const [y] = f(tf.ones([4, 64]))
        return Array.from(y.dataSync(), (v) => (v === 0 ? 0 : 1)).join("")
      }),
    )
    expect(new Set(masks).size).toBeGreaterThan(1)
  })

  it("is recorded anew, and right, where it cannot be computed again", async () => {
    await tf.setBackend("onnx")
    // A kernel of the cpu backend ends the graph in between.
    const sorted = compiled((x) => [tf.topk(tf.mul(x, -1), 2).values])
    // A variable that others see too: what they see must not change.
    const weight = tf.variable(tf.tensor1d([1, 2]))
    const seen: Array<tf.Tensor> = []
    const grow = compiled((x) => {
      weight.assign(weight.add(x))
      return [weight.mul(2)]
    })
    for (const round of [1, 2, 3]) {
      tf.tidy(() => {
        const [top] = sorted(tf.tensor1d([3, round, 2]))
        expect(Array.from(top.dataSync())).toEqual([-3, -round, -2].sort((a, b) => b - a).slice(0, 2))
        const [twice] = grow(tf.tensor1d([round, 0]))
        expect(Array.from(twice.dataSync())).toEqual([2 * (1 + (round * (round + 1)) / 2), 4])
        seen.push(tf.keep(weight.clone()))
      })
    }
    expect(seen.map((t) => t.dataSync()[0])).toEqual([2, 4, 7])
    tf.dispose([...seen, weight])
  })
})
