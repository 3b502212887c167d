import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterEach, describe, expect, it } from "vitest"
import { defineNode, Images, Json, Predictions, sameAs } from "../../src/api.ts"
import type { NodeDefinition, Sample } from "../../src/api.ts"
import { lineage, Store } from "../../src/runtime/engine.ts"
import { lineageMermaid, lineageTree } from "../../src/runtime/lineage/render.ts"
import { engineRig, type NodeSketch } from "../kit/engine-rig.ts"

const pictures = ["one", "two", "three"]

const definitions: ReadonlyArray<NodeDefinition> = [
  defineNode({
    type: "t.crawl",
    description: "",
    outputs: { images: Images },
    params: Schema.Struct({}),
    map: {
      items: () => [{ id: "q" }],
      run: (async ({
        context,
      }: {
        context: { blobs: { put: (bytes: Uint8Array) => Promise<unknown> } }
      }) => ({
        rows: await Promise.all(
          pictures.map(async (name) => ({
            id: name,
            image: await context.blobs.put(new TextEncoder().encode(name)),
            set: "crawl",
            source: { kind: "crawl", url: `http://example.test/${name}.jpg` },
            label: "anger",
          })),
        ),
        rejected: [{ id: "four", reason: "http-404", url: "http://example.test/four.jpg" }],
      })) as never,
    },
  }),
  defineNode({
    type: "t.faces",
    description: "",
    inputs: { images: Images },
    outputs: { faces: sameAs("images") },
    params: Schema.Struct({}),
    map: {
      over: "images",
      reads: ["image"],
      // Two faces on the first picture, none on the second, one on the third, by the length of its bytes.
      run: (({ item }: { item: { image: { bytes: number; $blob: string } } }) => {
        if (item.image.$blob.startsWith("3")) return { rows: [], rejected: [{ reason: "no-face" }] }
        return item.image.bytes === 5 ? {} : [{ quality: { n: 1 } }, { quality: { n: 2 } }]
      }) as never,
    },
  }),
  defineNode({
    type: "t.same",
    description: "",
    inputs: { images: Images },
    outputs: { images: sameAs("images") },
    params: Schema.Struct({}),
    run: async ({ inputs }) => ({ images: await inputs.images.all() }),
  }),
  defineNode({
    type: "t.train",
    description: "",
    inputs: { images: Images },
    outputs: { model: Json },
    params: Schema.Struct({}),
    run: async ({ inputs }) => ({ model: { trainedOn: inputs.images.rows } }),
  }),
  defineNode({
    type: "t.eval",
    description: "",
    inputs: { model: Json, images: Images },
    outputs: { predictions: Predictions, evaluation: Json },
    params: Schema.Struct({}),
    run: async ({ inputs }) => ({
      evaluation: { accuracy: 1 },
      predictions: (await inputs.images.all()).map((row: Sample) => ({
        id: `m/${row.id}`,
        sample: row.id,
        image: row.image,
        model: "m",
        set: "s",
        label: "anger",
        predicted: "fear",
        probabilities: [1],
      })),
    }),
  }),
]

const sketches: ReadonlyArray<NodeSketch> = [
  { id: "crawl", uses: "t.crawl" },
  { id: "faces", uses: "t.faces", in: { images: "crawl" } },
  { id: "train", uses: "t.train", in: { images: "faces" } },
  { id: "eval", uses: "t.eval", in: { model: "train", images: "faces" } },
]

const rigs: Array<{ dispose: () => void }> = []
const ran = async () => {
  const rig = engineRig(definitions)
  rigs.push(rig)
  const record = await rig.run(sketches)
  expect(record.nodes.map((node) => node.error)).toEqual([undefined, undefined, undefined, undefined])
  const trace = (ref: string, direction: "up" | "down" = "up") =>
    rig.store((store) =>
      Effect.runPromise(
        lineage({ pipeline: "test", ref, direction }).pipe(
          Effect.provideService(Store, store),
          Effect.result,
        ),
      ),
    )
  return {
    rig,
    record,
    trace: async (ref: string, direction?: "up" | "down") => {
      const result = await trace(ref, direction)
      if (result._tag === "Failure") throw new Error(result.failure.message)
      return result.success
    },
  }
}
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose()
})

describe("lineage", () => {
  it("leads from a figure up to every URL it rests on, and to no other", async () => {
    const { trace } = await ran()
    const found = await trace("eval.evaluation")
    const urls = found.nodes.filter((node) => node.kind === "source").map((node) => node.label)
    // "two" was dropped before the model saw it; its digest begins with 3.
    expect(urls.sort()).toEqual(["http://example.test/one.jpg", "http://example.test/three.jpg"].sort())
    expect(found.nodes.filter((node) => node.kind === "node").map((node) => node.attributes["node"])).toEqual(
      expect.arrayContaining(["eval", "train", "faces", "crawl"]),
    )
    const tree = lineageTree(found, "up")
    expect(tree).toContain("model: train.model")
    expect(tree).toContain("contains: http://example.test/one.jpg")
    expect(lineageMermaid(found)).toContain('[/"2 sources"/]')
  })

  it("keeps two nodes apart that gave the same", async () => {
    const rig = engineRig(definitions)
    rigs.push(rig)
    await rig.run([sketches[0], { id: "again", uses: "t.same", in: { images: "crawl" } }])
    const found = await rig.store((store) =>
      Effect.runPromise(
        lineage({ pipeline: "test", ref: "again", direction: "up" }).pipe(
          Effect.provideService(Store, store),
        ),
      ),
    )
    const tree = lineageTree(found, "up")
    expect(tree.split("\n").some((line) => /└─ images: crawl \(t\.crawl\)/u.test(line))).toBe(true)
    expect(
      found.nodes.filter((node) => node.kind === "artifact").map((node) => node.attributes["node"]),
    ).toEqual(["again", "crawl"])
    expect(tree).not.toContain("see above")
  })

  it("leads from one picture to the model that saw it and the prediction it got", async () => {
    const { trace } = await ran()
    const found = await trace("http://example.test/three.jpg")
    const labels = found.nodes.map((node) => node.label)
    expect(labels).toContain("http://example.test/three.jpg")
    expect(labels).toContain("train (t.train)")
    expect(labels.some((label) => label.includes("predicted fear by m, labelled anger"))).toBe(true)
    expect(labels.some((label) => label.includes("one"))).toBe(false)
    // The same by digest, and by the id of a face.
    const { digest } = found.nodes.find((node) => node.kind === "sample")!
    expect((await trace(digest!.slice(0, 12))).nodes).toEqual(found.nodes)
  })

  it("says why a picture went no further", async () => {
    const { trace } = await ran()
    const found = await trace("http://example.test/two.jpg")
    expect(found.nodes.map((node) => node.label)).toContain("faces.rejected two (dropped: no-face)")
    expect(found.nodes.some((node) => node.label.startsWith("train"))).toBe(false)
    expect((await trace("http://example.test/four.jpg")).nodes.map((node) => node.label)).toContain(
      "crawl.rejected four (dropped: http-404)",
    )
  })

  it("leads down from a node to all that rests on it", async () => {
    const { trace } = await ran()
    const found = await trace("train", "down")
    expect(found.nodes.map((node) => node.label.split(" ")[0])).toEqual(
      expect.arrayContaining(["train", "train.model", "eval", "eval.evaluation", "eval.predictions"]),
    )
    expect(lineageTree(found, "down").split("\n")[0]).toBe("train (t.train)")
  })

  it("says so when nothing answers to a reference", async () => {
    const { trace } = await ran()
    await expect(trace("http://nowhere.test/x.jpg")).rejects.toThrow("nothing in the store is named")
  })
})
