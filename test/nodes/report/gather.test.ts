import { afterAll, describe, expect, it } from "vitest"
import { gatherCredits, pictureOf } from "../../../src/nodes/report/gather/credits.ts"
import { gatherDuplicates } from "../../../src/nodes/report/gather/duplicates.ts"
import { nameModels } from "../../../src/nodes/report/gather/models.ts"
import { weightedImbalance, imbalance } from "../../../src/nodes/report/sections/balance.ts"
import { layerTitle } from "../../../src/nodes/report/sections/learnt.ts"
import type { ModelValue } from "../../../src/nodes/model/types.ts"
import type { BlobRef } from "../../../src/schema/blob.ts"
import type { Sample } from "../../../src/schema/sample.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"

const rig = nodeRig()
afterAll(() => rig.close())
const image = rig.blob(new Uint8Array([1]))
const row = (id: string, more: Partial<Sample> = {}): Sample => ({
  id,
  image,
  set: "crawl",
  source: { kind: "crawl", url: `https://x.test/${id}`, page: `https://x.test/page/${id}` },
  ...more,
})

describe("gatherCredits", () => {
  const licence = (author: string, name = "CC0") => ({ licence: { name, author } })
  it("finds the picture of a face and of a copy", () => {
    expect(["a", "a#0", "a~3", "a#1~2", "a#b"].map(pictureOf)).toEqual(["a", "a", "a", "a", "a#b"])
  })
  it("counts each picture once, by licence and author, and only what is shown", async () => {
    const found = tableOf([
      row("a", licence("Ann")),
      row("b", licence("Ann")),
      row("c", licence("Bob", "CC BY 4.0")),
      row("d", licence("Eve")),
    ])
    const credits = await gatherCredits(["a#0", "a#1", "b", "c~2"], [found, undefined])
    expect(credits.map(({ licence: name, author, count }) => [name, author, count])).toEqual([
      ["CC BY 4.0", "Bob", 1],
      ["CC0", "Ann", 2],
    ])
    expect(credits[1].pages).toEqual(["https://x.test/page/a", "https://x.test/page/b"])
  })
})

describe("gatherDuplicates", () => {
  it("groups what was taken out by cluster, largest first, with the one kept", async () => {
    const shown: Array<string> = []
    const thumb = async (ref: BlobRef) => {
      shown.push(ref.$blob)
      return { src: "data:,", width: 1, height: 1 }
    }
    const duplicates = tableOf([
      row("b", { cluster: "a", label: "fear" }),
      row("c", { cluster: "a", label: "fear" }),
      row("e", { cluster: "d", label: "fear" }),
      row("d", { cluster: "d", label: "anger" }),
      row("g", { cluster: "f", label: "anger" }),
    ])
    const clusters = tableOf([
      {
        id: "a",
        members: ["a", "b", "c"],
        kind: "near" as const,
        labels: ["fear"],
        outcome: "kept" as const,
      },
      {
        id: "d",
        members: ["d", "e"],
        kind: "exact" as const,
        labels: ["anger", "fear"],
        outcome: "conflict" as const,
      },
    ])
    const pictures = tableOf([row("a", { label: "fear" }), row("f", { label: "anger" })])
    const result = await gatherDuplicates(duplicates, clusters, { pictures, faces: undefined }, 2, thumb)
    expect(result.dropped).toBe(5)
    expect(result.byOutcome).toEqual({ kept: 1, conflict: 1 })
    expect(
      result.shown.map(({ kept, dropped, size, outcome }) => [
        kept?.id,
        dropped.map(({ id }) => id),
        size,
        outcome,
      ]),
    ).toEqual([
      ["a", ["b", "c"], 3, "kept"],
      [undefined, ["d", "e"], 2, "conflict"],
    ])
    expect(shown.length).toBe(5)
  })
})

describe("nameModels", () => {
  const model = (name: string, network: Record<string, unknown>): ModelValue =>
    ({ name, network }) as unknown as ModelValue
  const dense = { depth: 40, growth: 12 }
  const resnet = { blocks: [3, 4, 6, 3], width: 1 }
  const titles = (models: ReadonlyArray<readonly [string, ModelValue]>) =>
    nameModels(models.map(([node, value]) => ({ node, value }))).map(({ title, published }) => [
      title,
      published,
    ])
  it("calls the published networks by their names", () => {
    expect(
      titles([
        ["train[model=densenet40]", model("densenet40", dense)],
        ["train[model=resnet50]", model("resnet50", resnet)],
      ]),
    ).toEqual([
      ["DenseNet-40", true],
      ["ResNet-50", true],
    ])
  })
  it("does not call a smaller relative by the published name", () => {
    expect(
      titles([
        ["a", model("densenet40", { depth: 16, growth: 8 })],
        ["b", model("resnet50", { ...resnet, width: 0.25 })],
        ["c", model("resnet50", { ...resnet, blocks: [2, 2, 2, 2] })],
      ]),
    ).toEqual([
      ["DenseNet-16 (growth 8)", false],
      ["ResNet-50 (width ×0.25)", false],
      ["ResNet-26", false],
    ])
  })
  it("tells those of one architecture apart by what varies, or by their nodes", () => {
    expect(
      titles([
        ["train[lr=0.1,model=resnet50]", model("resnet50", resnet)],
        ["train[lr=0.01,model=resnet50]", model("resnet50", resnet)],
      ]).map(([title]) => title),
    ).toEqual(["ResNet-50, lr 0.1", "ResNet-50, lr 0.01"])
    expect(
      titles([
        ["one", model("resnet50", resnet)],
        ["two", model("resnet50", resnet)],
      ]).map(([title]) => title),
    ).toEqual(["ResNet-50 (one)", "ResNet-50 (two)"])
  })
})

describe("balance", () => {
  it("says how uneven classes are, as counted and as the loss weighs them", () => {
    const only = (original: number) => ({ original, resampled: 0, augmented: 0 })
    const counts = {
      rows: 50,
      faces: 50,
      train: { a: only(40), b: only(10), c: only(0) },
      other: {},
      weight: { a: 0.5, b: 2 },
    }
    expect(imbalance(counts)).toBe(4)
    expect(weightedImbalance(counts)).toBe(1)
  })
})

describe("layerTitle", () => {
  it("says layers in words", () => {
    expect(["block1_out", "stage2_block4_out", "features", "stem_conv", "my_layer"].map(layerTitle)).toEqual([
      "end of block 1",
      "end of stage 2",
      "last layer",
      "first layer",
      "my layer",
    ])
  })
})
