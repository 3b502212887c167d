import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readModelMeta } from "../../../src/learning/model-file.ts"
import evaluate from "../../../src/nodes/model/evaluate.ts"
import train from "../../../src/nodes/model/train.ts"
import {
  EvaluationValue,
  ModelValue,
  type Result,
  VisualizationValue,
} from "../../../src/nodes/model/types.ts"
import visualize from "../../../src/nodes/model/visualize.ts"
import type { Prediction } from "../../../src/schema/sample.ts"
import { decodeImage } from "../../../src/vision/decode.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"
import { type LabelledSample, shapeRows } from "./shapes.ts"

const small = { threads: 1, size: 16, batch: 9, depth: 7, growth: 4, lr: 0.1, epochs: 6 }
const rig = nodeRig({ seed: 3 })
let rows: ReadonlyArray<LabelledSample> = []
let model: ModelValue
const fit = async (given: ReadonlyArray<LabelledSample>, params: Record<string, unknown> = {}) =>
  Schema.decodeUnknownSync(ModelValue)(
    (await rig.run(train, { ...small, ...params }, { dataset: tableOf(given) }))["model"],
  )
const judge = async (
  models: ReadonlyArray<{ readonly node: string; readonly value: ModelValue }>,
  sets: ReadonlyArray<{ readonly node: string; readonly rows: ReadonlyArray<LabelledSample> }>,
  params: Record<string, unknown> = {},
) => {
  const outputs = await rig.run(
    evaluate,
    { threads: 1, ...params },
    { models, sets: sets.map((set) => ({ node: set.node, value: tableOf(set.rows) })) },
  )
  return {
    evaluation: Schema.decodeUnknownSync(EvaluationValue)(outputs["evaluation"]),
    predictions: outputs["predictions"] as ReadonlyArray<Prediction>,
  }
}

beforeAll(async () => {
  rows = await shapeRows(rig, 15)
  model = await fit(rows)
})
afterAll(() => rig.close())

describe("model.train", () => {
  it("learns, keeps the best epoch and says what it was trained on", () => {
    expect(model.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6])
    expect(model.history.at(-1)!.train.loss).toBeLessThan(model.history[0].train.loss)
    const f1 = model.history.map(({ val }) => val!.macroF1!)
    expect(f1[model.bestEpoch - 1]).toBe(Math.max(...f1))
    expect(model.trainedOn).toEqual(
      Object.fromEntries(["a", "b", "c"].map((name) => [name, { original: 9, resampled: 0, augmented: 0 }])),
    )
    expect(model.validatedOn).toEqual({ a: 3, b: 3, c: 3 })
    expect(model.generated).toBe(true)
    expect(model.seed).toBe(3)
  })
  it("writes a model file that stands alone", () => {
    const meta = readModelMeta(rig.bytes(model.weights))
    expect(meta.classNames).toEqual(["a", "b", "c"])
    expect(meta.network).toMatchObject({ name: "densenet", depth: 7, growth: 4, size: 16, channels: 1 })
    expect(meta.preprocessing.mean).toEqual(model.preprocessing.mean)
  })
  it("gives the same value and the same bytes again, in whatever order rows were made", async () => {
    expect(await fit(rows.toReversed())).toEqual(model)
  })
  it("gives another model for another seed", async () => {
    const outputs = await nodeRigWith(9)
    expect(outputs).not.toBe(model.weights.$blob)
  })
  it("trains without a validation split", async () => {
    const value = await fit(
      rows.filter((row) => row.split === "train"),
      { epochs: 1 },
    )
    expect(value.history[0]).not.toHaveProperty("val")
    expect(value.bestEpoch).toBe(1)
  })
  it("takes the order of classes from its parameter", async () => {
    expect((await fit(rows, { classes: ["c", "a", "b"], epochs: 1 })).classes).toEqual(["c", "a", "b"])
  })
  it("says which class is empty", async () => {
    await expect(fit(rows, { classes: ["a", "b", "c", "d"] })).rejects.toThrow(
      /no rows of "d" \(it has a 9, b 9, c 9, d 0\)/,
    )
  })
  it("says that a split is missing", async () => {
    await expect(fit(rows.map((row) => ({ ...row, split: "test" as const })))).rejects.toThrow(
      /none of the 45 rows belongs to the training split/,
    )
  })
  it("names the sample of a foreign label", async () => {
    await expect(fit(rows, { classes: ["a", "b"] })).rejects.toThrow(/sample c0 is labelled "c"/)
  })
  it("goes on with more epochs where the schedule allows it, and says so where not", async () => {
    const lines = (from: number): string => rig.logs.slice(from).join("\n")
    const params = { schedule: "constant", warmup: 1 }
    const fresh = await fit(rows, { ...params, epochs: 4, checkpoint: 0 })
    await fit(rows, { ...params, epochs: 2 })
    let from = rig.logs.length
    expect(await fit(rows, { ...params, epochs: 4 })).toEqual(fresh)
    expect(lines(from)).toMatch(/goes on after epoch 2 of an earlier training that was to have 2/)
    await fit(rows, { epochs: 2, lr: 0.09 })
    from = rig.logs.length
    await fit(rows, { epochs: 3, lr: 0.09 })
    expect(lines(from)).toMatch(
      /reached epoch 2 of 2 and cannot be continued: with 3 epochs the cosine .* from epoch 2 on/,
    )
    expect(lines(from)).toMatch(/epoch 1\/3/)
  })
  it("refuses a set of one class", async () => {
    await expect(fit(rows.filter((row) => row.label === "a"))).rejects.toThrow(
      /all 9 rows of the training split are labelled "a"/,
    )
  })
  it("says which depths a DenseNet may have", async () => {
    await expect(fit(rows, { depth: 8 })).rejects.toThrow(/depth 8/)
  })
})

const nodeRigWith = async (seed: number): Promise<string> => {
  const other = nodeRig({ seed })
  const table = tableOf(await shapeRows(other, 15))
  const { model: value } = await other.run(train, { ...small, epochs: 1 }, { dataset: table })
  return Schema.decodeUnknownSync(ModelValue)(value).weights.$blob
}

const check = (result: Result, predictions: ReadonlyArray<Prediction>): void => {
  const own = predictions.filter((p) => p.model === result.model && p.set === result.set)
  expect(own).toHaveLength(result.n)
  const hits = own.filter((p) => p.predicted === p.label).length
  expect(result.accuracy).toBeCloseTo(hits / own.length, 12)
  expect(result.interval[0]).toBeLessThanOrEqual(result.accuracy)
  expect(result.interval[1]).toBeGreaterThanOrEqual(result.accuracy)
  for (const [r, label] of result.classes.entries())
    for (const [c, other] of result.classes.entries())
      expect(result.confusion[r][c]).toBe(
        own.filter((p) => p.label === label && p.predicted === other).length,
      )
  for (const p of own) {
    expect(p.probabilities.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5)
    expect(p.probabilities[result.classes.indexOf(p.predicted)]).toBe(Math.max(...p.probabilities))
  }
}

describe("model.evaluate", () => {
  it("puts a single result's figures at the top, and they follow from the predictions", async () => {
    const { evaluation, predictions } = await judge(
      [{ node: "train", value: model }],
      [{ node: "split", rows }],
    )
    const [result] = evaluation.results
    expect([result.model, result.set, result.n, result.generated]).toEqual(["train", "shapes.test", 9, true])
    expect(evaluation["accuracy"]).toBe(result.accuracy)
    expect(evaluation["macroF1"]).toBe(result.macroF1)
    expect(evaluation["perClass"]).toEqual(result.perClass)
    expect(evaluation["confusion"]).toEqual(result.confusion)
    check(result, predictions)
    expect(result.accuracy).toBeGreaterThan(0.6)
  })
  it("puts the figures of several results under model × set", async () => {
    const others = rows
      .filter((row) => row.split === "test")
      .map(({ split: _split, ...row }) => ({ ...row, set: "mmi" }))
    const { evaluation, predictions } = await judge(
      [
        { node: "train[m=1]", value: model },
        { node: "train[m=2]", value: model },
      ],
      [
        { node: "split", rows },
        { node: "mmi", rows: others },
      ],
      { split: "all" },
    )
    expect(Object.keys(evaluation).toSorted()).toEqual([
      "results",
      "train[m=1] × mmi",
      "train[m=1] × shapes",
      "train[m=2] × mmi",
      "train[m=2] × shapes",
    ])
    for (const result of evaluation.results) {
      check(result, predictions)
      const { accuracy, macroF1, perClass, confusion } = result
      expect(evaluation[`${result.model} × ${result.set}`]).toEqual({
        accuracy,
        macroF1,
        perClass,
        confusion,
      })
    }
    expect(new Set(predictions.map(({ id }) => id)).size).toBe(predictions.length)
  })
  it("gives the same probabilities whatever the batch", async () => {
    const [one, two] = await Promise.all(
      [3, 64].map((batch) => judge([{ node: "m", value: model }], [{ node: "s", rows }], { batch })),
    )
    for (const [i, p] of one.predictions.entries())
      for (const [c, v] of p.probabilities.entries())
        expect(v).toBeCloseTo(two.predictions[i].probabilities[c], 5)
  })
  it("names the sample whose label the model does not know", async () => {
    const strange = rows.map((row) => (row.id === "b4" ? { ...row, label: "contempt" } : row))
    await expect(judge([{ node: "m", value: model }], [{ node: "s", rows: strange }])).rejects.toThrow(
      /sample b4 is labelled "contempt"/,
    )
  })
  it("says when there is nothing to judge", async () => {
    const training = rows.filter((row) => row.split === "train")
    await expect(judge([{ node: "m", value: model }], [{ node: "s", rows: training }])).rejects.toThrow(
      /no rows to judge.*split/,
    )
  })
})

describe("model.visualize", () => {
  it("makes feature pictures and Grad-CAM pictures that can be read, the same again", async () => {
    const params = { threads: 1, steps: 3, perLayer: 2, attention: 1, size: 32, layers: ["block1_out"] }
    const inputs = {
      models: [{ node: "train", value: model }],
      samples: [{ node: "", value: tableOf(rows) }],
    }
    const { pictures } = await rig.run(visualize, params, inputs)
    const { features, attention } = Schema.decodeUnknownSync(VisualizationValue)(pictures)
    expect(features.map(({ layer, channel, label }) => [layer, channel, label])).toEqual([
      ["block1_out", 5, undefined],
      ["block1_out", 15, undefined],
      ["logits", 0, "a"],
      ["logits", 1, "b"],
      ["logits", 2, "c"],
    ])
    const picture = await decodeImage(rig.bytes(features[4].image))
    expect([picture.width, picture.height]).toEqual([64, 64])
    expect(attention.length).toBeGreaterThan(0)
    for (const one of attention) {
      expect(one.overlays.map(({ method }) => method)).toEqual(["gradcam", "gradcam++"])
      const shown = await Promise.all(
        [one.input, ...one.overlays.map(({ image }) => image)].map((ref) => decodeImage(rig.bytes(ref))),
      )
      expect(shown.map(({ width }) => width)).toEqual([32, 32, 32])
    }
    expect((await rig.run(visualize, params, inputs))["pictures"]).toEqual(pictures)
  })
})
