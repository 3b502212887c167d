import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { DEFAULT_AUGMENTATION } from "../../src/learning/augment.ts"
import { BackendError, useBackend } from "../../src/learning/backend.ts"
import { batchTargets, epochBatches, TrainingDataError } from "../../src/learning/dataset.ts"
import { ImagesError, selectImages } from "../../src/learning/images.ts"
import { classificationLossOf } from "../../src/learning/loss.ts"
import { decodeModel, encodeModel, ModelFileError, readModelMeta } from "../../src/learning/model-file.ts"
import { buildNetwork, networkSpec } from "../../src/learning/networks/index.ts"
import { predict, softmaxRows } from "../../src/learning/predict.ts"
import { fitPreprocessing } from "../../src/learning/preprocess.ts"
import { readSafetensors, writeSafetensors } from "../../src/learning/safetensors.ts"
import { learningRateAt } from "../../src/learning/schedule.ts"
import type { TrainOptions } from "../../src/learning/train-options.ts"
import { trainClassifier } from "../../src/learning/train.ts"
import { TrainingAbortedError, TrainingDivergedError } from "../../src/learning/training-errors.ts"
import { stripes } from "./kit/stripes.ts"

beforeAll(() => useBackend("onnx"))

const training = stripes(32, 1)
const validation = stripes(10, 2)
const classNames = ["horizontal", "vertical"]
const preprocessing = fitPreprocessing(training.images)
const options = { name: "densenet", size: 8, channels: 1, classes: 2, depth: 7, growth: 4, seed: 1 } as const
const build = (): tf.LayersModel => buildNetwork(options)
const base = (): TrainOptions => ({
  model: build(),
  training,
  validation,
  classNames,
  preprocessing,
  epochs: 2,
  batchSize: 8,
  augmentation: DEFAULT_AUGMENTATION,
})
const meta = { classNames, preprocessing, network: networkSpec(options) }

describe("training", () => {
  it("learns a separable set, leaks nothing, and gives the same bytes each time", async () => {
    const model = build()
    const run = { ...base(), model }
    const before = tf.memory().numTensors
    const seen: Array<number> = []
    const result = await trainClassifier({
      ...run,
      epochs: 3,
      onEpoch: ({ epoch }) => void seen.push(epoch),
    })
    expect(tf.memory().numTensors).toBe(before)
    expect(seen).toEqual([1, 2, 3])
    expect(result.steps).toBe(12)
    expect(result.history[2].loss).toBeLessThan(0.7 * result.history[0].loss)
    expect(result.history[result.bestEpoch - 1].valMacroF1).toBe(1)
    const again = build()
    const second = await trainClassifier({ ...base(), model: again, epochs: 3 })
    expect(second.history).toEqual(result.history)
    expect(Buffer.compare(encodeModel(again, meta), encodeModel(model, meta))).toBe(0)
    const other = build()
    const third = await trainClassifier({ ...base(), model: other, epochs: 1, seed: 5 })
    expect(third.history[0].loss).not.toBe(result.history[0].loss)
  })

  it("keeps the weights of the best epoch, running averages included", async () => {
    const model = build()
    const seen: Array<Float32Array> = []
    const { bestEpoch, history } = await trainClassifier({
      ...base(),
      model,
      epochs: 3,
      // Rates that unlearn at the end, so that an earlier epoch is the best.
      learningRate: 0.05,
      schedule: { kind: "step", at: [0.6], factor: 200 },
      warmupEpochs: 0,
      monitor: "valLoss",
      onEpoch: () => void seen.push(predict(model, preprocessing, validation.images).logits),
    })
    expect(bestEpoch).toBeLessThan(3)
    expect(history.every((f) => (f.valLoss ?? 0) >= (history[bestEpoch - 1].valLoss ?? 0))).toBe(true)
    expect(predict(model, preprocessing, validation.images).logits).toEqual(seen[bestEpoch - 1])
  })

  it("class weights move the decision towards the heavier class", async () => {
    const share = async (classWeights: Array<number>): Promise<number> => {
      const model = build()
      await trainClassifier({
        ...base(),
        model,
        training: { ...training, labels: training.labels },
        epochs: 1,
        warmupEpochs: 0,
        learningRate: 0.02,
        classWeights,
      })
      const { probabilities } = predict(model, preprocessing, validation.images)
      return probabilities.filter((_, i) => i % 2 === 0).reduce((a, b) => a + b, 0)
    }
    expect(await share([20, 1])).toBeGreaterThan(await share([1, 20]))
  })

  it("a loss that is no number is an error that says what to try", async () => {
    const run = trainClassifier({ ...base(), learningRate: 1e30, warmupEpochs: 0, epochs: 4, readEvery: 1 })
    await expect(run).rejects.toThrow(TrainingDivergedError)
    await expect(run).rejects.toThrow(
      /epoch 1, batch \d of 4, step \d+, learning rate .*try a learning rate of 1\.0e\+29/,
    )
  })

  it("stops on its signal", async () => {
    const controller = new AbortController()
    const run = trainClassifier({
      ...base(),
      epochs: 50,
      signal: controller.signal,
      onEpoch: () => controller.abort(),
    })
    await expect(run).rejects.toThrow(TrainingAbortedError)
    await expect(run).rejects.toThrow(/epoch 2, step 4/)
  })

  it.each<[string, Partial<TrainOptions>, RegExp]>([
    ["one class", { classNames: ["only"] }, /only "only"/],
    ["an empty class", { classNames: ["a", "b", "rare"] }, /no pictures of "rare".*a 16, b 16, rare 0/],
    ["fewer pictures than a batch", { batchSize: 64 }, /32 pictures are fewer than one batch of 64/],
    ["missing labels", { training: { ...training, labels: [0] } }, /32 pictures but 1 labels/],
    [
      "a label out of range",
      {
        training: { ...training, labels: training.labels.length ? Array.from(training.labels, () => 9) : [] },
      },
      /label 9/,
    ],
    ["weights for other classes", { classWeights: [1] }, /one positive number for each of 2 classes/],
    ["no epochs", { epochs: 0 }, /epochs 0/],
  ])("refuses %s before the first step", async (_, change, message) => {
    await expect(trainClassifier({ ...base(), ...change })).rejects.toThrow(message)
  })

  it("refuses a network with another number of outputs", async () => {
    const model = buildNetwork({ ...options, classes: 3 })
    await expect(trainClassifier({ ...base(), model })).rejects.toThrow(TrainingDataError)
  })
})

describe("batches and targets", () => {
  it("an epoch shows every picture, in full batches, shuffled by seed and epoch", () => {
    const batches = epochBatches(10, 4, { seed: 1, epoch: 1 })
    expect(batches.map((b) => b.length)).toEqual([4, 4, 4])
    const order = batches.flatMap((b) => [...b])
    expect(new Set(order.slice(0, 10)).size).toBe(10)
    expect(order.slice(10)).toEqual(order.slice(0, 2))
    expect(epochBatches(10, 4, { seed: 1, epoch: 1 })).toEqual(batches)
    expect(epochBatches(10, 4, { seed: 1, epoch: 2 })).not.toEqual(batches)
  })

  it("targets sum to 1 in each batch, weighted and smoothed", () => {
    const targets = batchTargets([0, 1, 2], Uint32Array.of(0, 1), [1, 3, 1], 0.3)
    expect([...targets].map((t) => Math.round(t * 1e6) / 1e6)).toEqual([0.2, 0.025, 0.025, 0.075, 0.6, 0.075])
    expect(classificationLossOf([0, 0, 0, 0, 0, 0], targets, 3)).toBeCloseTo(Math.log(3))
  })
})

describe("schedules", () => {
  const rate = (
    step: number,
    schedule: Parameters<typeof learningRateAt>[1]["schedule"],
    warmupSteps = 0,
  ): number => learningRateAt(step, { base: 0.1, schedule, warmupSteps, totalSteps: 100 })

  it("warm up, step down, follow the cosine", () => {
    expect(rate(0, { kind: "constant" }, 4)).toBeCloseTo(0.02)
    expect(rate(3, { kind: "constant" }, 4)).toBeCloseTo(0.08)
    expect(rate(4, { kind: "constant" }, 4)).toBe(0.1)
    const step = { kind: "step", at: [0.5, 0.75], factor: 0.1 } as const
    expect([rate(49, step), rate(50, step), rate(75, step)].map((r) => Number(r.toFixed(6)))).toEqual([
      0.1, 0.01, 0.001,
    ])
    expect(rate(0, { kind: "cosine" })).toBe(0.1)
    expect(rate(50, { kind: "cosine" })).toBeCloseTo(0.05)
    expect(rate(100, { kind: "cosine", final: 0.01 })).toBeCloseTo(0.001)
  })
})

describe("prediction", () => {
  it("doesn't depend on the batch size, and gives embeddings the last layer makes the logits of", () => {
    const model = build()
    const a = predict(model, preprocessing, validation.images, { batchSize: 3, embeddings: true })
    const b = predict(model, preprocessing, validation.images, { batchSize: 64 })
    expect(a.logits).toEqual(b.logits)
    expect(b.embeddings).toBeUndefined()
    const [kernel, bias] = model
      .getLayer("logits")
      .getWeights()
      .map((w) => w.dataSync())
    const dimensions = kernel.length / 2
    expect(a.embeddings).toHaveLength(10 * dimensions)
    let logit = bias[1]
    for (let d = 0; d < dimensions; d++) logit += (a.embeddings?.[d] ?? 0) * kernel[d * 2 + 1]
    expect(logit).toBeCloseTo(a.logits[1], 4)
    expect(a.probabilities[0] + a.probabilities[1]).toBeCloseTo(1)
    expect(softmaxRows([1000, 1000, -1000, 0], 2)).toEqual(Float32Array.of(0.5, 0.5, 0, 1))
  })

  it("of no pictures is empty, of other pictures an error", () => {
    expect(predict(build(), preprocessing, selectImages(validation.images, [])).count).toBe(0)
    expect(() => predict(build(), preprocessing, stripes(2, 1, 16).images)).toThrow(ImagesError)
    expect(() => predict(build(), preprocessing, stripes(2, 1, 16).images)).toThrow(
      /takes 8×8×1 pictures, these are 16×16×1/,
    )
  })
})

describe("model files", () => {
  it.each(["densenet", "resnet"] as const)(
    "%s: what is loaded predicts the same to the bit, and saves to the same bytes",
    async (name) => {
      const model = buildNetwork({ ...options, name, width: 0.0625, blocks: [1, 1] })
      await trainClassifier({ ...base(), model, epochs: 1 })
      const bytes = encodeModel(model, meta)
      const back = await decodeModel(bytes)
      expect(back.meta).toEqual(meta)
      expect(readModelMeta(bytes)).toEqual(meta)
      const a = predict(model, preprocessing, validation.images)
      const b = predict(back.model, back.meta.preprocessing, validation.images)
      expect(b.logits).toEqual(a.logits)
      expect(Buffer.compare(encodeModel(back.model, back.meta), bytes)).toBe(0)
    },
  )

  it("damage and foreign files are told apart", async () => {
    const bytes = encodeModel(build(), meta)
    const { tensors, metadata } = readSafetensors(bytes)
    await expect(decodeModel(bytes.subarray(0, 1000))).rejects.toThrow(/cut short/)
    await expect(decodeModel(writeSafetensors(tensors))).rejects.toThrow(/format "none"/)
    await expect(decodeModel(writeSafetensors(tensors, { ...metadata, meta: "{}" }))).rejects.toThrow(
      ModelFileError,
    )
    tensors.delete("logits/bias")
    await expect(decodeModel(writeSafetensors(tensors, metadata))).rejects.toThrow(
      /"logits\/bias" is missing/,
    )
    tensors.set("logits/bias", { dtype: "F32", shape: [3], data: new Float32Array(3) })
    await expect(decodeModel(writeSafetensors(tensors, metadata))).rejects.toThrow(
      /F32 \[3\], expected F32 \[2\]/,
    )
  })
})

describe("backends", () => {
  it("one that isn't installed says what to install", async () => {
    await expect(useBackend("tensorflow")).rejects.toThrow(BackendError)
    await expect(useBackend("tensorflow")).rejects.toThrow(/npm install @tensorflow\/tfjs-node-gpu@4\.22\.0/)
    await expect(useBackend("cpu", { threads: 0 })).rejects.toThrow(/threads 0/)
    await useBackend("cpu")
  })
})
