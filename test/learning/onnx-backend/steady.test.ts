import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { buildNetwork, type NetworkOptions } from "../../../src/learning/networks/index.ts"
import { predict } from "../../../src/learning/predict.ts"
import { sgd } from "../../../src/learning/sgd.ts"
import { trainingStep } from "../../../src/learning/training-step.ts"
import { weightsOf, velocitiesOf } from "../../../src/learning/training-state.ts"
import { backend, numbers } from "./kit.ts"

beforeAll(async () => {
  await tf.setBackend("onnx")
})

const common = { size: 16, channels: 1, classes: 3 } as const
const networks: ReadonlyArray<NetworkOptions> = [
  { ...common, name: "densenet", depth: 10, growth: 4 },
  { ...common, name: "resnet", width: 0.125, blocks: [1, 1] },
]

describe("a training holds what it needs and no more", () => {
  it.each(networks)("$name, over 60 steps with evaluations and checkpoints", (network) => {
    const model = buildNetwork(network)
    const optimizer = sgd(model, { momentum: 0.9, nesterov: true, l2: 1e-4 })
    const step = trainingStep(model, optimizer)
    const pictures = { height: 16, width: 16, channels: 1, count: 6 } as const
    let pending: Array<tf.Tensor> = []
    const epoch = (seed: number): void => {
      for (let i = 0; i < 10; i++) {
        const given = [
          tf.tensor4d(numbers(4 * 256, seed + i), [4, 16, 16, 1]),
          tf.tidy(() => tf.div(tf.oneHot(tf.tensor1d([0, 1, 2, i % 3], "int32"), 3), 4)),
          tf.scalar(0.05 / (1 + seed)),
        ] as const
        pending.push(step(...given))
        tf.dispose([...given])
        if (pending.length < 4) continue
        for (const logits of pending) logits.dataSync()
        tf.dispose(pending)
        pending = []
      }
      for (const logits of pending) logits.dataSync()
      tf.dispose(pending)
      pending = []
      const data = Uint8Array.from(numbers(6 * 256, seed), (v) => 128 + 100 * v)
      predict(model, { mean: [0.5], std: [0.25] }, { ...pictures, data }, { batchSize: 4 })
      expect(weightsOf(model).length + velocitiesOf(optimizer).length).toBeGreaterThan(0)
    }
    const held = (): { [what: string]: number } => {
      const { sessions, pooledBytes, compiles, fallbacks } = backend.stats
      const { numTensors, numBytes } = tf.memory()
      return {
        numTensors,
        numBytes,
        dataIds: backend.numDataIds(),
        sessions,
        pooledBytes,
        compiles,
        fallbacks,
      }
    }
    epoch(1)
    epoch(2)
    const before = held()
    for (let k = 3; k <= 6; k++) epoch(k)
    expect(held()).toEqual(before)
    optimizer.dispose()
    model.dispose()
  })
})
