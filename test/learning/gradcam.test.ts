import * as tf from "@tensorflow/tfjs"
import * as fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import { imageAt, imagesOf, ImagesError } from "../../src/learning/images.ts"
import { buildNetwork, LAYERS } from "../../src/learning/networks/index.ts"
import { fitPreprocessing } from "../../src/learning/preprocess.ts"
import { enlarge, gradCam, heatOf } from "../../src/learning/visualize/gradcam.ts"
import { heatColour, overlayHeat } from "../../src/learning/visualize/overlay.ts"
import { stripes } from "./kit/stripes.ts"
import { learnPlanted } from "./kit/planted.ts"
beforeAll(() => useBackend("onnx"))

const tiny = { name: "densenet", size: 8, channels: 1, classes: 2, depth: 7, growth: 4, seed: 1 } as const

let trained: Awaited<ReturnType<typeof learnPlanted>> | undefined
beforeAll(async () => {
  trained = await learnPlanted()
})

describe("Grad-CAM", () => {
  it("finds a planted pattern, either method", async () => {
    if (trained === undefined) throw new Error("not trained")
    const { model, preprocessing, images, labels, corners } = trained
    const [size, count] = [images.width, images.count]
    const area = size * size
    for (const method of ["gradcam", "gradcam++"] as const) {
      const heat = gradCam({ model, preprocessing, images, classes: labels.map(() => 1), method })
      let found = 0
      for (let i = 1; i < count; i += 2) {
        const map = heat.values.subarray(i * area, (i + 1) * area)
        const quarters = [0, 0, 0, 0]
        for (const [p, v] of map.entries())
          quarters[(p >= area / 2 ? 1 : 0) + (p % size >= size / 2 ? 2 : 0)] += v
        if (quarters.indexOf(Math.max(...quarters)) === corners[i]) found++
        expect(Math.max(...map)).toBeCloseTo(1)
      }
      expect(found).toBeGreaterThanOrEqual(22)
      const shown = overlayHeat(images, heat)
      expect([shown.channels, shown.data.length]).toEqual([3, count * area * 3])
    }
  })

  it("weighs maps as the formulas say, by hand", () => {
    // Two places, two channels: A = [1, 2], [3, 0]; gradients of channel 0: 0.5 and 0, of channel 1: -1 and 1.
    const [a, g] = [
      [1, 2, 3, 0],
      [0.5, -1, 0, 1],
    ]
    // Grad-CAM: weights 0.25 and 0: maps 0.25·1 and 0.25·3.
    expect([...heatOf(a, g, 2, "gradcam")]).toEqual([0.25, 0.75])
    // Grad-CAM++, channel 0 (ΣA = 4): α = 0.25 / (0.5 + 4 · 0.125) = 0.25, weight 0.125. Channel 1 (ΣA = 2), only the
    // place with a positive gradient: α = 1 / (2 + 2) = 0.25, weight 0.25.
    const expected = [0.125 * 1 + 0.25 * 2, 0.125 * 3]
    for (const [i, v] of heatOf(a, g, 2, "gradcam++").entries()) expect(v).toBeCloseTo(expected[i], 6)
    // What speaks against the class is cut off, and no gradient is no weight.
    expect([...heatOf([1, 2], [-1, -1], 1, "gradcam")]).toEqual([0, 0])
    expect([...heatOf([1, 2], [0, 0], 1, "gradcam++")]).toEqual([0, 0])
    // Two places that look alike: Grad-CAM++ finds both the same, though one has far less of the gradient.
    const [one, two] = heatOf([1, 1], [1, 0.01], 1, "gradcam++")
    expect(one).toBe(two)
  })

  it("through a model, by hand: 1×1 convolution, mean, one dense layer", () => {
    const input = tf.input({ shape: [1, 2, 1], name: "input" })
    const features = tf.layers
      .conv2d({ name: LAYERS.features, filters: 2, kernelSize: 1, activation: "relu", useBias: false })
      .apply(input)
    if (!(features instanceof tf.SymbolicTensor)) throw new TypeError("one output expected")
    const mean = tf.layers.globalAveragePooling2d({ name: LAYERS.embedding }).apply(features)
    const logits = tf.layers.dense({ name: LAYERS.logits, units: 2, useBias: false }).apply(mean)
    if (!(logits instanceof tf.SymbolicTensor)) throw new TypeError("one output expected")
    const model = tf.model({ inputs: input, outputs: logits })
    model.getLayer(LAYERS.features).setWeights([tf.tensor4d([1, 2], [1, 1, 1, 2])])
    // Class 0 likes channel 0 by 4 and dislikes channel 1 by 1.
    model.getLayer(LAYERS.logits).setWeights([tf.tensor2d([4, 0, -1, 0], [2, 2])])
    const images = imagesOf(Uint8Array.of(51, 102), { height: 1, width: 2, channels: 1 })
    const heat = (method: "gradcam" | "gradcam++") => [
      ...gradCam({ model, preprocessing: { mean: [0], std: [1] }, images, classes: [0], method }).values,
    ]
    // A = [0.2, 0.4] and [0.4, 0.8], g = 4 / 2 and −1 / 2: Grad-CAM 2·A₀ − 0.5·A₁ = [0.2, 0.4]; Grad-CAM++ only of A₀.
    for (const method of ["gradcam", "gradcam++"] as const) {
      const [left, right] = heat(method)
      expect(left).toBeCloseTo(0.5, 5)
      expect(right).toBe(1)
    }
  })

  it("needs a class for each picture", () => {
    const model = buildNetwork(tiny)
    const { images } = stripes(2, 1)
    const preprocessing = fitPreprocessing(images)
    expect(() => gradCam({ model, preprocessing, images, classes: [0] })).toThrow(ImagesError)
    expect(() => gradCam({ model, preprocessing, images, classes: [0, 2] })).toThrow(/class 2 of picture 1/)
  })

  it("enlarging keeps constants and stays within the values", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }),
        (values) => {
          const out = enlarge(values, 2, 3, 9, 8)
          expect(Math.max(...out)).toBeLessThanOrEqual(Math.max(...values) + 1e-6)
          expect(Math.min(...out)).toBeGreaterThanOrEqual(Math.min(...values) - 1e-6)
          expect(new Set(enlarge([0.5, 0.5], 1, 2, 3, 4))).toEqual(new Set([0.5]))
        },
      ),
    )
    expect([...enlarge([1, 2, 3, 4], 2, 2, 2, 2)]).toEqual([1, 2, 3, 4])
  })

  it("overlay: cold places show the picture, the scale gets lighter throughout", () => {
    const images = imagesOf(Uint8Array.of(10, 200), { height: 1, width: 2, channels: 1 })
    const shown = overlayHeat(images, { count: 1, height: 1, width: 2, values: Float32Array.of(0, 1) }, 1)
    expect([...imageAt(shown, 0)]).toEqual([10, 10, 10, 252, 255, 200])
    const luminance = Array.from({ length: 50 }, (_, i) => {
      const [r, g, b] = heatColour(i / 49)
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    })
    expect(luminance).toEqual(luminance.toSorted((a, b) => a - b))
  })
})
