import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { readSafetensors } from "../../../src/learning/safetensors.ts"
import embed from "../../../src/nodes/model/embed.ts"
import type { Embedded, MapPoint, Neighbour } from "../../../src/nodes/model/inside-types.ts"
import map from "../../../src/nodes/model/map.ts"
import neighbours from "../../../src/nodes/model/neighbours.ts"
import { byInterest } from "../../../src/nodes/model/neighbours.impl.ts"
import train from "../../../src/nodes/model/train.ts"
import { ModelValue } from "../../../src/nodes/model/types.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"
import { type LabelledSample, shapeRows } from "./shapes.ts"

const rig = nodeRig({ seed: 3 })
let rows: ReadonlyArray<LabelledSample> = []
let models: ReadonlyArray<{ readonly node: string; readonly value: ModelValue }> = []
let embeddings: ReadonlyArray<Embedded> = []

const embedded = async (
  tables: ReadonlyArray<ReadonlyArray<LabelledSample>>,
  params: Record<string, unknown> = {},
) => {
  const sets = tables.map((table) => ({ node: "", value: tableOf(table) }))
  const outputs = await rig.run(embed, { threads: 1, ...params }, { models, sets })
  return outputs["embeddings"] as ReadonlyArray<Embedded>
}

beforeAll(async () => {
  rows = await shapeRows(rig, 15)
  const small = { threads: 1, size: 16, batch: 9, depth: 7, growth: 4, lr: 0.1, epochs: 6 }
  const { model } = await rig.run(train, small, { dataset: tableOf(rows) })
  models = [{ node: "m", value: Schema.decodeUnknownSync(ModelValue)(model) }]
  embeddings = await embedded([rows])
})
afterAll(() => rig.close())

describe("model.embed", () => {
  it("gives every sample its vector and its verdict, the same whatever the batch", async () => {
    expect(embeddings.map(({ sample }) => sample)).toEqual(rows.map(({ id }) => id).toSorted())
    const vectors = (of: ReadonlyArray<Embedded>) =>
      readSafetensors(rig.bytes(of[0].vectors)).tensors.get("embeddings")
    const tensor = vectors(embeddings)
    expect(tensor?.shape).toEqual([45, 28])
    const other = vectors(await embedded([rows], { batch: 7 }))
    for (const [i, v] of [...(tensor?.data ?? [])].entries())
      expect(Number(other?.data[i])).toBeCloseTo(Number(v), 4)
    for (const row of embeddings) {
      expect(row.split).toBe(rows.find(({ id }) => id === row.sample)?.split)
      expect(row.probability).toBeGreaterThan(1 / 3)
    }
  })

  it("leaves copies out, takes a sample once, and at most so many of each class and split", async () => {
    const copy = { ...rows[0], id: `${rows[0].id}~1`, copy: { kind: "resampled", index: 1 } } as const
    const few = await embedded([[...rows, copy], rows], { perClass: 2 })
    const counts = new Map<string, number>()
    for (const { split, label } of few)
      counts.set(`${split} ${label}`, (counts.get(`${split} ${label}`) ?? 0) + 1)
    expect([...counts.values()]).toEqual(Array.from({ length: 9 }, () => 2))
    const { split: _, ...whole } = rows[0]
    expect((await embedded([[whole]]))[0].split).toBe("test")
  })

  it("says when there is nothing to embed", async () => {
    await expect(embedded([[]])).rejects.toThrow(/no rows to embed/)
  })
})

describe("model.neighbours", () => {
  const near = async (given: ReadonlyArray<Embedded>, params: Record<string, unknown>) =>
    (await rig.run(neighbours, params, { embeddings: tableOf(given) }))[
      "neighbours"
    ] as ReadonlyArray<Neighbour>

  it("finds training pictures only, best first; a training picture's nearest is itself", async () => {
    const found = await near(embeddings, { k: 4, samples: 0 })
    expect(new Set(found.map(({ sample }) => sample)).size).toBe(9)
    const training = new Set(rows.filter(({ split }) => split === "train").map(({ id }) => id))
    for (const [i, row] of found.entries()) {
      expect(training.has(row.neighbour)).toBe(true)
      expect(row.rank).toBe((i % 4) + 1)
      expect(row.similarity).toBeLessThanOrEqual(row.rank === 1 ? 1 : found[i - 1].similarity)
    }
    const known = embeddings.find(({ split }) => split === "train")!
    const twin: Embedded = { ...known, id: "m|twins|x", sample: "x", set: "twins", split: "test" }
    const [first] = await near([...embeddings.filter(({ split }) => split === "train"), twin], { k: 1 })
    expect([first.sample, first.neighbour]).toEqual(["x", known.sample])
    expect(first.similarity).toBeCloseTo(1, 6)
    expect(first.neighbourImage).toEqual(known.image)
  })

  it("takes wrong answers first, the surest of them, then right ones, the least sure", () => {
    const of = (id: string, right: boolean, probability: number): Embedded => ({
      ...embeddings[0],
      id,
      label: "a",
      predicted: right ? "a" : "b",
      probability,
    })
    const given = [
      of("1", true, 0.9),
      of("2", false, 0.5),
      of("3", true, 0.6),
      of("4", false, 0.8),
      of("0", false, 0.5),
    ]
    expect(byInterest(given).map(({ id }) => id)).toEqual(["4", "0", "2", "3", "1"])
  })

  it("says that there is nothing to compare with", async () => {
    await expect(
      near(
        embeddings.filter(({ split }) => split === "test"),
        {},
      ),
    ).rejects.toThrow(/no training picture among the 9 of m/)
  })
})

describe("model.map", () => {
  const mapped = async (given: ReadonlyArray<Embedded>, params: Record<string, unknown>) => {
    const outputs = await rig.run(map, params, { embeddings: tableOf(given) })
    return {
      points: outputs["map"] as ReadonlyArray<MapPoint>,
      quality: outputs["quality"] as Record<string, Record<string, number>>,
    }
  }

  it("lays test and training samples out, evenly by class, the same again, and says what is lost", async () => {
    const params = { test: 6, train: 21, iterations: 200 }
    const { points, quality } = await mapped(embeddings, params)
    const count = (split: string, label: string) =>
      points.filter((p) => p.split === split && p.label === label).length
    expect(["a", "b", "c"].map((label) => [count("test", label), count("train", label)])).toEqual([
      [2, 7],
      [2, 7],
      [2, 7],
    ])
    expect(quality["m"]).toMatchObject({ points: 27, dimensions: 28, components: 27 })
    expect(quality["m"].explained).toBeCloseTo(1, 6)
    expect(quality["m"].perplexity).toBeCloseTo(26 / 3, 9)
    expect(quality["m"].trustworthiness).toBeGreaterThan(0.75)
    expect(await mapped(embeddings.toReversed(), params)).toEqual({ points, quality })
  })

  it("or on the two axes of largest variance", async () => {
    const { points, quality } = await mapped(embeddings, { method: "pca" })
    const variance = (axis: "x" | "y") => points.reduce((sum, p) => sum + p[axis] ** 2, 0)
    expect(variance("x")).toBeGreaterThan(variance("y"))
    expect(quality["m"]).not.toHaveProperty("divergence")
    expect(quality["m"].explained).toBeGreaterThan(0.3)
  })

  it("says how many a map needs", async () => {
    await expect(mapped(embeddings, { test: 3, train: 0 })).rejects.toThrow(/3 pictures of m.*a map needs 4/)
  })
})
