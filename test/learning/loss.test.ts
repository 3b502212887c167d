import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import { classificationLoss, classificationLossOf } from "../../src/learning/loss.ts"
import { firstRateChange, learningRateAt, scheduleOf } from "../../src/learning/schedule.ts"

beforeAll(() => useBackend("onnx"))

const logits = [2, -1, 0.5, -3, 0.2, 4, 0.1, 0.1, 0.1]
const targets = [0.3, 0.02, 0.02, 0.1, 0.2, 0.01, 0.05, 0.05, 0.25]

describe("the loss", () => {
  it.each([0, 0.5, 1, 2, 5])("has the gradient of finite differences, γ = %f", (gamma) => {
    const [value, gradient] = tf.tidy(() => {
      const t = tf.tensor2d(targets, [3, 3])
      const { value, grad } = tf.valueAndGrad((x) => classificationLoss(x, t, gamma))(
        tf.tensor2d(logits, [3, 3]),
      )
      return [value.dataSync()[0], grad.dataSync()]
    })
    expect(value).toBeCloseTo(classificationLossOf(logits, targets, 3, gamma), 5)
    const h = 1e-5
    for (const i of logits.keys()) {
      const at = (d: number): number =>
        classificationLossOf(
          logits.map((v, k) => (k === i ? v + d : v)),
          targets,
          3,
          gamma,
        )
      expect(gradient[i]).toBeCloseTo((at(h) - at(-h)) / (2 * h), 5)
    }
  })
  it("stays finite where a class is certain", () => {
    const gradient = tf.tidy(() =>
      tf
        .grad((x) => classificationLoss(x, tf.tensor2d([1, 0], [1, 2]), 0.5))(tf.tensor2d([90, -90], [1, 2]))
        .dataSync(),
    )
    expect([...gradient].every((v) => Number.isFinite(v))).toBe(true)
  })
})

describe("schedules", () => {
  const basis = { count: 8, batchSize: 4, learningRate: 1, warmupEpochs: 1 }
  it("milestones hold for any number of epochs; the cosine differs after the warm-up", () => {
    const of = (epochs: number, kind: "cosine" | "milestones" | "step") =>
      scheduleOf({
        ...basis,
        epochs,
        schedule:
          kind === "milestones"
            ? { kind, after: [4, 6], factor: 0.1 }
            : kind === "step"
              ? { kind, at: [0.5], factor: 0.1 }
              : { kind },
      })
    expect([7, 8, 12].map((step) => learningRateAt(step, of(9, "milestones")))).toEqual([1, 0.1, 0.1 ** 2])
    expect(firstRateChange(of(20, "milestones"), of(30, "milestones"), 40)).toBeUndefined()
    // The rate of the first step after the warm-up is the base itself.
    expect(firstRateChange(of(20, "cosine"), of(30, "cosine"), 40)).toBe(3)
    expect(firstRateChange(of(20, "step"), of(30, "step"), 2 * 7)).toBeUndefined()
    expect(firstRateChange(of(20, "step"), of(30, "step"), 40)).toBe(20)
  })
})
