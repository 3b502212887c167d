import type * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { augmentationOf } from "../../src/learning/augmentation-policies.ts"
import { DEFAULT_AUGMENTATION, NO_AUGMENTATION } from "../../src/learning/augment.ts"
import { useBackend } from "../../src/learning/backend.ts"
import { buildNetwork } from "../../src/learning/networks/index.ts"
import { fitPreprocessing } from "../../src/learning/preprocess.ts"
import type { Schedule } from "../../src/learning/schedule.ts"
import {
  bestEpoch,
  type EpochFigures,
  plateauReductions,
  stoppedAfter,
} from "../../src/learning/selection.ts"
import type { TrainOptions } from "../../src/learning/train-options.ts"
import { trainClassifier } from "../../src/learning/train.ts"
import { CheckpointError } from "../../src/learning/training-errors.ts"
import { decodeState, encodeState, type TrainingState, weightsOf } from "../../src/learning/training-state.ts"
import { stripes } from "./kit/stripes.ts"

beforeAll(() => useBackend("onnx"))

const training = stripes(16, 1)
const options = { name: "densenet", size: 8, channels: 1, classes: 2, depth: 7, growth: 4, seed: 1 } as const
const build = (): tf.LayersModel => buildNetwork(options)
const base = (model: tf.LayersModel): TrainOptions => ({
  model,
  training,
  validation: stripes(10, 2),
  classNames: ["horizontal", "vertical"],
  preprocessing: fitPreprocessing(training.images),
  epochs: 5,
  batchSize: 8,
  augmentation: DEFAULT_AUGMENTATION,
  focalGamma: 2,
  labelSmoothing: 0.1,
  clipNorm: 0.5,
  monitor: "valLoss",
})

describe("a training that goes on from a checkpoint", () => {
  it.each<Schedule>([{ kind: "cosine" }, { kind: "plateau", factor: 0.5, patience: 1 }])(
    "equals one that was not interrupted, bit for bit, after any epoch ($kind)",
    async (schedule) => {
      const model = build()
      const states: Array<TrainingState> = []
      const whole = await trainClassifier({
        ...base(model),
        schedule,
        onCheckpoint: async (_, state) => void states.push(state()),
      })
      expect(states).toHaveLength(5)
      const plain = build()
      expect((await trainClassifier({ ...base(plain), schedule })).history).toEqual(whole.history)
      expect(weightsOf(plain)).toEqual(weightsOf(model))
      for (const state of [states[0], states[2], states[4]]) {
        const resumed = build()
        const last: Array<TrainingState> = []
        const result = await trainClassifier({
          ...base(resumed),
          schedule,
          resume: { ...decodeState(encodeState(state)), best: state.best },
          onCheckpoint: async (_, s) => void last.push(s()),
        })
        expect(result).toEqual(whole)
        expect(weightsOf(resumed)).toEqual(weightsOf(model))
        expect(last).toEqual(states.slice(state.history.length))
      }
    },
  )

  it("refuses a checkpoint of another network or beyond its end", async () => {
    let state: TrainingState | undefined
    await trainClassifier({ ...base(build()), epochs: 2, onCheckpoint: async (_, s) => void (state = s()) })
    const other = buildNetwork({ ...options, growth: 5 })
    await expect(trainClassifier({ ...base(other), resume: state })).rejects.toThrow(CheckpointError)
    await expect(trainClassifier({ ...base(build()), epochs: 1, resume: state })).rejects.toThrow(
      /of epoch 2, the training has only 1/,
    )
  })
})

describe("what follows from the history", () => {
  const history = [1, 0.5, 0.6, 0.7, 0.4, 0.5, 0.5, 0.5, 0.5].map((valLoss, i): EpochFigures => ({
    epoch: i + 1,
    loss: 1,
    accuracy: 0,
    valLoss,
    valMacroF1: 0.5,
    lr: 1,
  }))
  it("is the best epoch, the end for want of patience, and the reductions of a plateau schedule", () => {
    expect(bestEpoch(history, "valLoss")?.epoch).toBe(5)
    expect(stoppedAfter(history, "valLoss", 2)).toBe(4)
    expect(stoppedAfter(history, "valLoss", 3)).toBe(8)
    expect(stoppedAfter(history, "valLoss", 5)).toBeUndefined()
    expect(plateauReductions(history, "valLoss", 2)).toBe(3)
    expect(plateauReductions(history, "valLoss", 5)).toBe(0)
  })
})

it("a policy is one augmentation alone, none or all", () => {
  expect(augmentationOf("all")).toEqual(DEFAULT_AUGMENTATION)
  expect(augmentationOf("rotation")).toEqual({ ...NO_AUGMENTATION, rotation: 10 })
  expect(augmentationOf({ ...NO_AUGMENTATION, flip: 0.2 }).flip).toBe(0.2)
})
