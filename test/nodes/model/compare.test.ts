import * as Schema from "effect/Schema"
import { parse } from "csv-parse/sync"
import { afterAll, describe, expect, it } from "vitest"
import compareNode from "../../../src/nodes/model/compare.ts"
import { ComparisonValue } from "../../../src/nodes/model/comparison.ts"
import { parseInstance } from "../../../src/nodes/model/instance.ts"
import type { ModelValue, Result } from "../../../src/nodes/model/types.ts"
import { digestOf } from "../../../src/schema/digest.ts"
import { nodeRig } from "../../kit/node-rig.ts"

const rig = nodeRig()
afterAll(() => rig.close())

const result = (model: string, accuracy: number, macroF1: number, set = "test"): Result => ({
  model,
  set,
  n: 50,
  accuracy,
  macroF1,
  perClass: {},
  confusion: [],
  interval: [0, 1],
  classes: ["a", "b"],
  generated: true,
})
/** A model of which only seed and validation count. */
const model = (node: string, macroF1: number, seed = 1): { node: string; value: ModelValue } => ({
  node,
  value: {
    name: "densenet40",
    network: {},
    classes: ["a", "b"],
    preprocessing: { size: 8, channels: 1, mean: [0], std: [1] },
    weights: { $blob: digestOf("none"), bytes: 1 },
    parameters: 1,
    history: [
      {
        epoch: 1,
        lr: 1,
        train: { loss: 1, accuracy: 0.5 },
        val: { loss: 1, accuracy: 0.1, macroF1: 0.1 },
      },
      { epoch: 2, lr: 1, train: { loss: 1, accuracy: 0.5 }, val: { loss: 1, accuracy: 0.5, macroF1 } },
    ],
    training: {},
    bestEpoch: 2,
    trainedOn: {},
    validatedOn: {},
    dataset: "0",
    seed,
    classWeights: [1, 1],
    generated: true,
  },
})

const run = async (
  results: ReadonlyArray<Result>,
  params: Readonly<Record<string, unknown>> = {},
  models: ReadonlyArray<{ node: string; value: ModelValue }> = [],
) => {
  const outputs = await rig.run(compareNode, params, {
    evaluations: results.map((one) => ({ node: "", value: { results: [one] } })),
    models,
  })
  const files = outputs["table"] as Readonly<Record<string, Uint8Array>>
  return {
    comparison: Schema.decodeUnknownSync(ComparisonValue)(outputs["comparison"]),
    csv: new TextDecoder().decode(files["comparison.csv"]),
  }
}

const sweep = [1, 2, 3].flatMap((seed) => [
  result(`grid[lr=0.1,model=densenet40,seed=${seed}]`, 0.5 + seed / 10, 0.4 + seed / 10),
  result(`grid[lr=0.01,model=densenet40,seed=${seed}]`, 0.52 + seed / 10, 0.3),
])

describe("model.compare", () => {
  it("takes the mean and the t interval over the seeds of every setting", async () => {
    const { comparison } = await run(sweep)
    expect(comparison.axes).toEqual(["lr"])
    expect(comparison.groups.map(({ settings }) => settings)).toEqual([
      { lr: "0.1", model: "densenet40" },
      { lr: "0.01", model: "densenet40" },
    ])
    const [first, second] = comparison.groups
    expect(first.repetitions).toEqual(["1", "2", "3"])
    expect(first.accuracy.mean).toBeCloseTo(0.7, 12)
    expect(first.accuracy.interval![1]).toBeCloseTo(0.7 + 0.248414, 6)
    expect(second.macroF1).toEqual({ n: 3, mean: 0.3, sd: 0, interval: [0.3, 0.3], values: [0.3, 0.3, 0.3] })
    expect(first.best || second.best).toBe(false)
  })
  it("a single seed has no interval, and the log says so", async () => {
    const from = rig.logs.length
    const { comparison, csv } = await run(sweep.slice(0, 2))
    expect(comparison.groups[0].accuracy).toEqual({ n: 1, mean: 0.6, values: [0.6] })
    expect(rig.logs.slice(from).join("\n")).toMatch(
      /lr 0\.1, model densenet40 on test: accuracy 0\.600 \(one repetition: no interval\)/,
    )
    const [row] = parse(csv, { columns: true })
    expect(row).toMatchObject({ lr: "0.1", n: "1", seed: "1", accuracy: "0.6", accuracy_low: "" })
  })
  it("pairs with the baseline by seed, within equal other settings, and states how many pairs", async () => {
    const results = ["densenet40", "resnet50"].flatMap((net, k) =>
      [1, 2, 3].flatMap((seed) => [
        result(`train[augment=none,model=${net},seed=${seed}]`, 0.2 * seed + k / 10, 0.5),
        ...(seed > 1 || k === 0
          ? [
              result(
                `train[augment=flip,model=${net},seed=${seed}]`,
                0.2 * seed + k / 10 + 0.01 * (seed + k),
                0.6,
              ),
            ]
          : []),
      ]),
    )
    const { comparison, csv } = await run(results, { baseline: { augment: "none" } })
    const of = (augment: string, net: string) =>
      comparison.groups.find(({ settings }) => settings["augment"] === augment && settings["model"] === net)!
    expect(of("none", "densenet40").difference).toBeUndefined()
    const { accuracy, macroF1 } = of("flip", "densenet40").difference!
    expect(accuracy.mean).toBeCloseTo(0.02, 12)
    expect(accuracy.interval![0]).toBeCloseTo(0.02 - 0.0248414, 6)
    expect(macroF1.mean).toBeCloseTo(0.1, 12)
    expect(of("flip", "resnet50").difference!.accuracy.n).toBe(2)
    // Seeds 2 and 3: pairs go by the seed, not by the place.
    expect(of("flip", "resnet50").difference!.accuracy.values[0]).toBeCloseTo(0.03, 12)
    expect(parse(csv, { columns: true })).toHaveLength(4)
  })
  it("names the best setting of each network by validation, never by the test set", async () => {
    const ids = ["densenet40", "resnet50"].flatMap((net) =>
      ["0.1", "0.01"].flatMap((lr) => [1, 2].map((seed) => `g[lr=${lr},model=${net},seed=${seed}]`)),
    )
    // On the test set the others are better.
    const isGood = (id: string) => id.includes("lr=0.1,") === id.includes("densenet40")
    const { comparison } = await run(
      ids.map((id) => result(id, isGood(id) ? 0.3 : 0.9, 0.5)),
      {},
      ids.map((id) => model(id, isGood(id) ? 0.8 : 0.4)),
    )
    expect(comparison.groups.filter(({ best }) => best).map(({ settings }) => settings)).toEqual([
      { lr: "0.1", model: "densenet40" },
      { lr: "0.01", model: "resnet50" },
    ])
    expect(comparison.groups[0].validation!.values).toEqual([0.8, 0.8])
  })
  it("keeps sets apart, and nodes of different names too", async () => {
    const { comparison } = await run([
      result("a[seed=1]", 0.1, 0.1, "mmi"),
      result("a[seed=1]", 0.2, 0.2, "ckplus"),
      result("b[seed=1]", 0.3, 0.3, "mmi"),
    ])
    expect(comparison.groups.map(({ set, settings }) => [set, settings["node"]])).toEqual([
      ["mmi", "a"],
      ["mmi", "b"],
      ["ckplus", "a"],
    ])
  })
  it("takes the seed from the models where the matrix has none", async () => {
    const { comparison } = await run([result("only", 0.5, 0.5)], {}, [model("only", 0.5, 42)])
    expect(comparison.groups[0].repetitions).toEqual(["42"])
  })
  it.each<[string, ReadonlyArray<Result>, Readonly<Record<string, unknown>>, RegExp]>([
    ["nothing", [], {}, /no results to compare/],
    [
      "what cannot be told apart",
      [result("a[x=1,seed=1]", 0, 0), result("a[x=1,seed=1]", 0, 0)],
      {},
      /same settings on test and the same seed \(1\).*axis "seed"/,
    ],
    [
      "a baseline that nobody has",
      sweep,
      { baseline: { lr: 0.5 } },
      /no model has lr 0\.5; there are 0\.1, 0\.01/,
    ],
    ["an axis that is none", sweep, { baseline: { l2: 0 } }, /no axis "l2"; theirs are lr, model/],
    [
      "a setting without a counterpart",
      [result("a[m=x,r=1,seed=1]", 0, 0), result("a[m=y,r=2,seed=1]", 0, 0)],
      { baseline: { m: "x" } },
      /a\[m=y,r=2,seed=1\] has no baseline/,
    ],
    [
      "repetitions without a pair",
      [result("a[m=x,seed=1]", 0, 0), result("a[m=y,seed=2]", 0, 0)],
      { baseline: { m: "x" } },
      /no seed in common/,
    ],
  ])("refuses %s", async (_, results, params, message) => {
    await expect(run(results, params)).rejects.toThrow(message)
  })
})

it("ids of instances are read as they are written", () => {
  expect(parseInstance("train")).toEqual({ node: "train", settings: {} })
  expect(parseInstance("my-node[a=x%2Cy%5D,lr=1e-7]")).toEqual({
    node: "my-node",
    settings: { a: "x,y]", lr: "1e-7" },
  })
})
