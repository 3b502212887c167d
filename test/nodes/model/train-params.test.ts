import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import train from "../../../src/nodes/model/train.ts"
import { ModelValue } from "../../../src/nodes/model/types.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"
import { type LabelledSample, shapeRows } from "./shapes.ts"

const rig = nodeRig({ seed: 3 })
/** Rates are plain, and nothing is changed but what a test changes. */
const base = {
  threads: 1,
  size: 16,
  batch: 9,
  depth: 7,
  growth: 4,
  epochs: 4,
  lr: 0.1,
  schedule: "constant",
  warmup: 0,
  augment: "none",
  checkpoint: 0,
}
let rows: ReadonlyArray<LabelledSample> = []
const fit = async (
  params: Readonly<Record<string, unknown>>,
  given: ReadonlyArray<LabelledSample> = rows,
): Promise<ModelValue> =>
  Schema.decodeUnknownSync(ModelValue)(
    (await rig.run(train, { ...base, ...params }, { dataset: tableOf(given) }))["model"],
  )
const losses = ({ history }: ModelValue): ReadonlyArray<number> => history.map(({ train }) => train.loss)

let plain: ModelValue
beforeAll(async () => {
  rows = await shapeRows(rig, 15)
  plain = await fit({})
})
afterAll(() => rig.close())

describe("parameters of model.train, in a training of their own", () => {
  it("milestones: the rate falls after each of them", async () => {
    const { history, training } = await fit({ schedule: "step", milestones: [1, 3], factor: 0.5, lr: 0.08 })
    expect(history.map(({ lr }) => lr)).toEqual([0.08, 0.04, 0.04, 0.02])
    expect(training).toMatchObject({ schedule: "step", milestones: [1, 3], factor: 0.5 })
  })

  it("plateau: the rate falls whenever so many epochs in a row bring nothing better", async () => {
    const { history } = await fit({
      schedule: "plateau",
      plateau: 2,
      factor: 0.5,
      monitor: "loss",
      lr: 0.4,
      epochs: 12,
    })
    let [best, waited, rate] = [Infinity, 0, 0.4]
    for (const { lr, val } of history) {
      expect(lr).toBe(rate)
      waited = val!.loss < best ? 0 : waited + 1
      best = Math.min(best, val!.loss)
      if (waited === 2) [waited, rate] = [0, rate * 0.5]
    }
    expect(rate).toBeLessThan(0.4)
  })

  it("patience: stops when nothing was better for so long, and is the beginning of a training that does not", async () => {
    const from = rig.logs.length
    const params = { monitor: "loss", lr: 0.4, epochs: 12 }
    const [stopped, whole] = [await fit({ ...params, patience: 2 }), await fit(params)]
    const { length } = stopped.history
    expect(length).toBeLessThan(12)
    expect(stopped.history).toEqual(whole.history.slice(0, length))
    expect(stopped.bestEpoch).toBe(length - 2)
    expect(rig.logs.slice(from).join("\n")).toMatch(
      new RegExp(
        `stopped after epoch ${length} of 12: 2 epochs in a row brought nothing better; the best was epoch ${length - 2}`,
        "u",
      ),
    )
  })

  it("focal: what is known already weighs less, from the first step on", async () => {
    // So low a rate that nothing moves: the losses are those of the same outputs.
    const still = { lr: 1e-9, epochs: 1 }
    const [[plainLoss], [focalLoss]] = [losses(await fit(still)), losses(await fit({ ...still, focal: 2 }))]
    // (1 − p)² of probabilities around a third.
    expect(focalLoss / plainLoss).toBeGreaterThan(0.2)
    expect(focalLoss / plainLoss).toBeLessThan(0.75)
    const { training, history } = await fit({ focal: 2 })
    expect(training).toMatchObject({ focal: 2 })
    expect(history.at(-1)!.train.accuracy).toBeGreaterThan(0.5)
  })

  it("label smoothing: the loss cannot fall below the entropy of its targets, and falls below it without", async () => {
    // Targets 0.4, 0.3, 0.3.
    const entropy = -(0.4 * Math.log(0.4) + 0.6 * Math.log(0.3))
    const smooth = await fit({ labelSmoothing: 0.9, epochs: 6 })
    expect(Math.min(...losses(smooth))).toBeGreaterThan(entropy)
    expect(Math.min(...losses(plain))).toBeLessThan(entropy)
    expect(smooth.training).toMatchObject({ labelSmoothing: 0.9 })
  })

  it("clip: with a tiny limit nothing is learnt, with a huge one it is the training without", async () => {
    const none = { l2: 0 }
    const [tiny, huge, free] = [
      await fit({ ...none, clip: 1e-7 }),
      await fit({ ...none, clip: 1e6 }),
      await fit(none),
    ]
    const fall = (model: ModelValue): number => losses(model)[0] - losses(model).at(-1)!
    expect(Math.abs(fall(tiny))).toBeLessThan(0.02)
    expect(fall(free)).toBeGreaterThan(0.1)
    for (const [i, loss] of losses(huge).entries()) expect(loss).toBeCloseTo(losses(free)[i], 4)
    expect(huge.training).toMatchObject({ clip: 1e6 })
  })

  it("class weights: the numbers they should be, and they move the training", async () => {
    // 9, 6 and 3 pictures to train on.
    const uneven = rows.filter(
      ({ label, split, id }) =>
        split !== "train" || label === "a" || Number(id.slice(1)) < (label === "b" ? 10 : 5),
    )
    const short = { epochs: 1 }
    const of = (classWeights: string, extra: object = {}) => fit({ ...short, classWeights, ...extra }, uneven)
    const none = await of("none")
    expect(none.trainedOn).toMatchObject({ a: { original: 9 }, b: { original: 6 }, c: { original: 3 } })
    expect(none.classWeights).toEqual([1, 1, 1])
    const inverse = await of("inverse")
    expect(inverse.classWeights).toEqual([18 / 27, 18 / 18, 18 / 9])
    const effective = await of("effective-number", { beta: 0.9 })
    const raw = [9, 6, 3].map((n) => (1 - 0.9) / (1 - 0.9 ** n))
    const sum = raw.reduce((a, b) => a + b, 0)
    for (const [c, weight] of effective.classWeights.entries())
      expect(weight).toBeCloseTo((raw[c] * 3) / sum, 12)
    const weighted = uneven.map((row) => ({ ...row, weight: row.label === "c" ? 4 : 0.5 }))
    const given = await fit({ ...short, classWeights: "from-dataset" }, weighted)
    expect(given.classWeights).toEqual([0.5, 0.5, 4])
    const all = [none, inverse, effective, given].map((model) => model.weights.$blob)
    expect(new Set(all).size).toBe(4)
  })

  it("workers: any number of threads gives the same model, and is no part of what a training is known by", async () => {
    const params = { augment: "all", epochs: 2 }
    const none = await fit({ ...params, workers: 0, checkpoint: 1 })
    for (const workers of [1, 3]) expect(await fit({ ...params, workers })).toEqual(none)
    expect(none.training).not.toHaveProperty("workers")
    const from = rig.logs.length
    await fit({ ...params, workers: 2, checkpoint: 1, epochs: 3 })
    expect(rig.logs.slice(from).join("\n")).toMatch(/goes on after epoch 2/)
  })
})

describe("a training that cannot go on says why", () => {
  it("the loss is no number: epoch, batch, step, rate, and what to try", async () => {
    // Weight decay that multiplies every kernel by −99 a step.
    await expect(fit({ lr: 100, l2: 1, epochs: 20 })).rejects.toThrow(
      /loss is not a number any more \(epoch \d+, batch \d of 3, step \d+, learning rate 100\): try a learning rate of 10,/,
    )
  })

  it(
    "memory cannot be had: the size of the batch, where, and what takes less",
    { timeout: 120_000 },
    async (context) => {
      if (!existsSync("/usr/bin/prlimit"))
        return context.skip("no prlimit here to limit a process's memory with")
      const program = join(import.meta.dirname, "out-of-memory.ts")
      const { stdout } = await promisify(execFile)(process.execPath, [program])
      const { name, message } = JSON.parse(stdout) as { readonly name: string; readonly message: string }
      expect(name).toBe("TrainingMemoryError")
      expect(message).toMatch(
        /^not enough memory \(epoch 1, batch 0 of 1, step 0, learning rate [\d.]+; batches of 2048 × 64 × 64 × 1\): try a smaller batch, smaller pictures or a smaller network/,
      )
    },
  )
})

it("a training stopped in epoch 7 of 20 goes on when asked for 30, as if it had never stopped", async () => {
  const other = nodeRig({ seed: 3 })
  try {
    const dataset = tableOf(await shapeRows(other, 10))
    const params = { ...base, checkpoint: 1, batch: 18 }
    const { default: implementation } = await train.impl!()
    const run = implementation as (call: unknown) => Promise<{ readonly model: ModelValue }>
    const decode = (given: object) => Schema.decodeUnknownSync(train.params as never)({ ...params, ...given })
    const controller = new AbortController()
    const context = {
      ...other.context,
      signal: controller.signal,
      progress: (done: number) => done === 7 && controller.abort(),
    }
    await expect(run({ inputs: { dataset }, params: decode({ epochs: 20 }), context })).rejects.toThrow(
      /training stopped in epoch 8/,
    )
    const { model } = await run({
      inputs: { dataset },
      params: decode({ epochs: 30 }),
      context: other.context,
    })
    expect(other.logs.join("\n")).toMatch(/goes on after epoch 7 of an earlier training that was to have 20/)
    const whole = await run({
      inputs: { dataset },
      params: decode({ epochs: 30, checkpoint: 0 }),
      context: other.context,
    })
    expect(model).toEqual(whole.model)
    expect(model.history).toHaveLength(30)
  } finally {
    await other.close()
  }
})
