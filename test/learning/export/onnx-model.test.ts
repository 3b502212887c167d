import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../../src/learning/backend.ts"
import { exportOnnx } from "../../../src/learning/export/onnx-model.ts"
import { addPixels } from "../../../src/learning/export/onnx-pixels.ts"
import { imagesOf } from "../../../src/learning/images.ts"
import { type NetworkOptions, buildNetwork } from "../../../src/learning/networks/index.ts"
import { OnnxGraph } from "../../../src/learning/onnx/graph.ts"
import { createSession, float32Data, onnxTensor } from "../../../src/learning/onnx/session.ts"
import { predict } from "../../../src/learning/predict.ts"
import { fitPreprocessing, perPicture } from "../../../src/learning/preprocess.ts"
import { toGray } from "../../../src/vision/raster.ts"
import { resize } from "../../../src/vision/resize.ts"
import { distance, pictures, runOnnx, shuffleWeights } from "./kit.ts"
import { readOnnx } from "./onnx-reader.ts"

beforeAll(() => useBackend("onnx", { threads: 1 }))

const small: NetworkOptions = { name: "densenet", size: 12, channels: 1, classes: 3, depth: 7, growth: 3 }
const networks: ReadonlyArray<readonly [string, NetworkOptions]> = [
  ["densenet, grey", small],
  ["densenet, RGB", { ...small, channels: 3 }],
  ["resnet", { ...small, name: "resnet", width: 0.0625, blocks: [1, 2], channels: 3 }],
  ["resnet with max-pool, odd sizes", { ...small, name: "resnet", size: 75, width: 0.0625, blocks: [2, 1] }],
]
const classNames = ["anger", "joy, great", 'neutral "0"']

describe.each(networks)("%s", (_name, options) => {
  const build = (): tf.LayersModel => {
    const model = buildNetwork(options)
    shuffleWeights(model, 3)
    return model
  }
  it.each(["picture", "set"] as const)("gives what predict gives, normalised by %s", async (by) => {
    const model = build()
    const { size, channels } = options
    const images = pictures(5, { height: size, width: size, channels })
    const preprocessing = by === "picture" ? perPicture(channels) : fitPreprocessing(images)
    const expected = predict(model, preprocessing, images, { embeddings: true })
    const bytes = exportOnnx(model, { classNames, preprocessing })
    const dims = [5, size, size, channels]
    const given = await runOnnx(bytes, { type: "uint8", data: images.data, dims })
    expect(distance(given["logits"], expected.logits)).toBeLessThan(1e-5)
    expect(distance(given["probabilities"], expected.probabilities)).toBeLessThan(1e-5)
    expect(distance(given["embedding"], expected.embeddings ?? [])).toBeLessThan(1e-5)
    const one = await runOnnx(bytes, {
      type: "uint8",
      data: images.data.slice(0, size * size * channels),
      dims: [1, size, size, channels],
    })
    expect(distance(one["logits"], expected.logits.slice(0, 3))).toBeLessThan(1e-5)
    model.dispose()
  })
})

describe("pixels", () => {
  const model = (channels: 1 | 3): tf.LayersModel => {
    const built = buildNetwork({ ...small, channels })
    shuffleWeights(built, 4)
    return built
  }
  it("come as bytes or floats, channels last or first", async () => {
    const net = model(3)
    const preprocessing = perPicture(3)
    const images = pictures(2, { height: 12, width: 12, channels: 3 })
    const expected = predict(net, preprocessing, images).logits
    const planes = new Uint8Array(images.data.length)
    for (let i = 0; i < 2; i++)
      for (let p = 0; p < 144; p++)
        for (let c = 0; c < 3; c++) planes[(i * 3 + c) * 144 + p] = images.data[(i * 144 + p) * 3 + c]
    for (const type of ["uint8", "float32"] as const)
      for (const layout of ["nhwc", "nchw"] as const) {
        const bytes = exportOnnx(net, { classNames, preprocessing }, { pixels: { type, layout } })
        const given = await runOnnx(bytes, {
          type,
          data: layout === "nhwc" ? images.data : planes,
          dims: layout === "nhwc" ? [2, 12, 12, 3] : [2, 3, 12, 12],
        })
        expect(distance(given["logits"], expected)).toBeLessThan(1e-5)
      }
  })

  // Sizes whose areas have no ties at one half, so that a last bit of rounding decides nothing.
  it.each([
    [12, 12],
    [24, 31],
    [48, 48],
    [17, 29],
    [15, 9],
    [13, 40],
  ])(
    "of RGB pictures of %i × %i for a grey model are cut, made grey and resized as in training",
    async (height, width) => {
      const net = model(1)
      const preprocessing = perPicture(1)
      const images = pictures(1, { height, width, channels: 3 }, height)
      const side = Math.min(height, width)
      const [top, left] = [Math.floor((height - side) / 2), Math.floor((width - side) / 2)]
      const square = new Uint8Array(side * side * 3)
      for (let y = 0; y < side; y++) {
        const from = ((y + top) * width + left) * 3
        square.set(images.data.subarray(from, from + side * 3), y * side * 3)
      }
      const grey = resize(toGray({ width: side, height: side, channels: 3, data: square }), 12, 12)
      const expected = predict(
        net,
        preprocessing,
        imagesOf(grey.data, { height: 12, width: 12, channels: 1 }),
      )
      const bytes = exportOnnx(net, { classNames, preprocessing })
      const given = await runOnnx(bytes, { type: "uint8", data: images.data, dims: [1, height, width, 3] })
      expect(distance(given["logits"], expected.logits)).toBeLessThan(1e-5)
    },
  )
  it("of any size differ from training's by a grey level at most, and that rarely", async () => {
    // Mean 0 and deviation 1/255 leave the values as they are.
    const asTheyAre = { mean: [0], std: [1 / 255] }
    const graph = new OnnxGraph()
    const pixels = { type: "uint8", layout: "nhwc" } as const
    graph.output(addPixels(graph, pixels, asTheyAre, { size: 10, channels: 1 }), "float32")
    const session = createSession(graph.toBytes())
    let [all, off] = [0, 0]
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.nat(1000), (side, seed) => {
        const { data } = pictures(1, { height: side, width: side, channels: 1 }, seed)
        const { data: expected } = resize({ width: side, height: side, channels: 1, data }, 10, 10)
        const feeds = { pixels: onnxTensor("uint8", data, [1, side, side, 1]) }
        const given = float32Data(Object.values(session.run(feeds))[0])
        for (const [i, value] of expected.entries()) {
          const apart = Math.abs(given[i] - value)
          expect(apart).toBeLessThan(1.001)
          if (apart > 0.001) off++
        }
        all += expected.length
      }),
      { numRuns: 60 },
    )
    session.dispose()
    expect(off / all).toBeLessThan(0.02)
  })
  it("of grey pictures suit a model of RGB", async () => {
    const net = model(3)
    const grey = pictures(1, { height: 12, width: 12, channels: 1 })
    const rgb = imagesOf(
      Uint8Array.from({ length: 432 }, (_, i) => grey.data[Math.floor(i / 3)]),
      { height: 12, width: 12, channels: 3 },
    )
    const preprocessing = perPicture(3)
    const given = await runOnnx(exportOnnx(net, { classNames, preprocessing }), {
      type: "uint8",
      data: grey.data,
      dims: [1, 12, 12, 1],
    })
    expect(distance(given["logits"], predict(net, preprocessing, rgb).logits)).toBeLessThan(1e-5)
  })
  it("may all be equal", async () => {
    const net = model(1)
    const flat = imagesOf(new Uint8Array(288).fill(77, 144), { height: 12, width: 12, channels: 1 })
    const preprocessing = perPicture(1)
    const given = await runOnnx(exportOnnx(net, { classNames, preprocessing }), {
      type: "uint8",
      data: flat.data,
      dims: [2, 12, 12, 1],
    })
    expect(distance(given["logits"], predict(net, preprocessing, flat).logits)).toBeLessThan(1e-5)
  })
})

describe("the file", () => {
  const write = () => {
    const model = buildNetwork(small)
    const bytes = exportOnnx(
      model,
      { classNames, preprocessing: perPicture(1) },
      { producerVersion: "9.8.7", metadata: { dataset: "abc" } },
    )
    model.dispose()
    return bytes
  }
  it("follows the schema of ONNX, states its opset and uses standard operators only", () => {
    const file = readOnnx(write())
    expect([file.irVersion, file.opsets]).toEqual([8, { "": 17 }])
    expect(file.nodes.filter(({ domain }) => domain !== "")).toEqual([])
    expect(file.inputs).toEqual({ pixels: ["batch", "height", "width", "channels"] })
    expect(file.outputs).toMatchObject({ logits: ["batch", 3], probabilities: ["batch", 3] })
    expect(file.outputs["embedding"]?.[0]).toBe("batch")
  })
  it("holds class names, preprocessing and what else was said", () => {
    const { metadata, docs } = readOnnx(write())
    expect(JSON.parse(metadata["classes"])).toEqual(classNames)
    expect(JSON.parse(metadata["preprocessing"])).toMatchObject({ size: 12, channels: 1, perPicture: true })
    expect(metadata["dataset"]).toBe("abc")
    for (const output of ["logits", "probabilities"])
      for (const name of classNames) expect(docs[output]).toContain(name)
    expect(docs["pixels"]).toContain("0 to 255")
  })
  it("has the same bytes again", () => {
    expect(Buffer.from(write()).equals(Buffer.from(write()))).toBe(true)
  })
  it("names nodes after layers", () => {
    expect(readOnnx(write()).nodes.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["stem_conv", "block1_layer1_norm", "features_norm", "transition1_pool"]),
    )
  })
})
