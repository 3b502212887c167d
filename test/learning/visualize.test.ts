import * as tf from "@tensorflow/tfjs"
import * as fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import { execute, outputOf } from "../../src/learning/executor.ts"
import { imageAt, imagesOf, ImagesError } from "../../src/learning/images.ts"
import { buildNetwork, LAYERS } from "../../src/learning/networks/index.ts"
import { predict } from "../../src/learning/predict.ts"
import { fitPreprocessing } from "../../src/learning/preprocess.ts"
import { randomOf } from "../../src/learning/random.ts"
import { trainClassifier } from "../../src/learning/train.ts"
import { FeatureError, visualizeFeatures } from "../../src/learning/visualize/feature.ts"
import { spectralPictures } from "../../src/learning/visualize/fourier.ts"
import { enlarge, gradCam } from "../../src/learning/visualize/gradcam.ts"
import { heatColour, overlayHeat } from "../../src/learning/visualize/overlay.ts"
import { warp } from "../../src/learning/visualize/warp.ts"
import { stripes } from "./kit/stripes.ts"

beforeAll(() => useBackend("onnx"))

const tiny = { name: "densenet", size: 8, channels: 1, classes: 2, depth: 7, growth: 4, seed: 1 } as const

describe("executor", () => {
  it("gives what the model gives, from the start and from the middle", () => {
    const model = buildNetwork(tiny)
    const x = tf.randomNormal([3, 8, 8, 1], 0, 1, "float32", 4)
    const whole = model.apply(x)
    const [features, logits] = execute({
      feeds: [[model.inputs[0], x]],
      fetch: [outputOf(model, LAYERS.features), model.outputs[0]],
    })
    const [again] = execute({
      feeds: [[outputOf(model, LAYERS.features), features]],
      fetch: [model.outputs[0]],
    })
    const values = whole instanceof tf.Tensor ? whole.dataSync() : []
    expect(logits.dataSync()).toEqual(values)
    expect(again.dataSync()).toEqual(values)
    const [zero] = execute({
      feeds: [[model.inputs[0], x]],
      fetch: [model.outputs[0]],
      hooks: { [LAYERS.embedding]: (t) => tf.zerosLike(t) },
    })
    expect([...zero.dataSync()].every((v) => v === 0)).toBe(true)
    expect(() => execute({ feeds: [], fetch: [model.outputs[0]] })).toThrow(/"input" was not fed/)
  })
})

describe("the spectral basis", () => {
  it.each([
    [6, 6, 1],
    [5, 7, 3],
    [8, 6, 3],
  ] as const)("%i×%i×%i: one frequency gives its wave, in proportion", (height, width, channels) => {
    const pictures = spectralPictures({ count: 2, height, width, channels }, 1)
    const [real, imaginary] = pictures.variables
    const half = Math.floor(width / 2) + 1
    const [ky, kx] = [1, 2]
    const spectrum = new Float32Array(real.size)
    // Second picture, first channel.
    spectrum[(channels * height + ky) * half + kx] = 1
    real.assign(tf.tensor2d(spectrum, [real.shape[0], half]))
    imaginary.assign(tf.zerosLike(imaginary))
    const values = pictures.pixels().dataSync()
    const logit = (y: number, x: number): number => {
      const v = values[((height + y) * width + x) * channels]
      return Math.log(v / (1 - v))
    }
    const amplitude = logit(0, 0)
    expect(amplitude).toBeGreaterThan(0)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        expect(logit(y, x)).toBeCloseTo(
          amplitude * Math.cos(2 * Math.PI * ((ky * y) / height + (kx * x) / width)),
          4,
        )
    // The other picture stays grey.
    expect(values[0]).toBeCloseTo(0.5)
    pictures.dispose()
  })
})

describe("warping", () => {
  const still = { degrees: 0, scale: 1, shiftX: 0, shiftY: 0 }
  const random = randomOf("warp")
  const source = Float32Array.from({ length: 2 * 7 * 9 * 3 }, () => random.uniform())
  const picture = (): tf.Tensor4D => tf.tensor4d(source, [2, 7, 9, 3])

  it("no change of view = identity; whole shifts move pixels and let grey in", () => {
    expect([...warp(picture(), still, 0.5).dataSync()].every((v, i) => Math.abs(v - source[i]) < 1e-6)).toBe(
      true,
    )
    const moved = warp(picture(), { ...still, shiftX: 2, shiftY: -1 }, 0.5).arraySync()
    const before = picture().arraySync()
    if (!Array.isArray(moved)) throw new TypeError("four axes expected")
    expect(moved).toHaveLength(2)
    const at = (t: unknown, ...index: Array<number>): unknown =>
      index.reduce((value: unknown, i) => (Array.isArray(value) ? value[i] : undefined), t)
    expect(at(moved, 1, 3, 4, 2)).toBeCloseTo(Number(at(before, 1, 2, 6, 2)), 5)
    expect(at(moved, 0, 0, 0, 0)).toBeCloseTo(0.5)
    expect(at(moved, 0, 5, 8, 0)).toBeCloseTo(0.5)
  })

  it("turns a linear ramp exactly, inside", () => {
    const view = { degrees: 8, scale: 1.05, shiftX: 0.3, shiftY: -0.2 }
    const [h, w] = [15, 15]
    const ramp = tf.tensor4d(
      Float32Array.from({ length: h * w }, (_, i) => (i % w) + 2 * Math.floor(i / w)),
      [1, h, w, 1],
    )
    const out = warp(ramp, view, 0).dataSync()
    const angle = (view.degrees * Math.PI) / 180
    for (let y = 4; y < 11; y++)
      for (let x = 4; x < 11; x++) {
        const [dx, dy] = [x - 7, y - 7]
        const u = 7 + 0.3 + (Math.cos(angle) * dx - Math.sin(angle) * dy) / 1.05
        const v = 7 - 0.2 + (Math.sin(angle) * dx + Math.cos(angle) * dy) / 1.05
        expect(out[y * w + x]).toBeCloseTo(u + 2 * v, 3)
      }
  })
})

describe("feature pictures", () => {
  it("excite what they are made for more than noise does, the same way each time", async () => {
    const model = buildNetwork(tiny)
    const preprocessing = { mean: [0.5], std: [0.25] }
    const options = {
      model,
      preprocessing,
      objectives: [
        { kind: "class", index: 0 },
        { kind: "class", index: 1 },
        { kind: "channel", layer: "block1_out", index: 18 },
      ],
      steps: 48,
      seed: 2,
    } as const
    const before = tf.memory().numTensors
    const { images, values } = await visualizeFeatures(options)
    expect(tf.memory().numTensors).toBe(before)
    const start = await visualizeFeatures({ ...options, steps: 1 })
    for (const [i, value] of values.entries()) expect(value).toBeGreaterThan(start.values[i])
    // Each picture excites its own class more than the other class's picture does.
    const { logits } = predict(model, preprocessing, images)
    expect(logits[0] - logits[1]).toBeGreaterThan(logits[2] - logits[3])
    expect((await visualizeFeatures(options)).images.data).toEqual(images.data)
    expect([images.count, images.height, images.channels]).toEqual([3, 8, 1])
  })

  it("come in colour for colour models", async () => {
    const model = buildNetwork({ ...tiny, channels: 3 })
    const preprocessing = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
    const { images } = await visualizeFeatures({
      model,
      preprocessing,
      objectives: [{ kind: "class", index: 0 }],
      steps: 6,
    })
    expect(images.channels).toBe(3)
    expect(images.data.some((v, i) => i % 3 === 0 && v !== images.data[i + 1])).toBe(true)
  })

  it("say which layer or channel isn't there", async () => {
    const options = { model: buildNetwork(tiny), preprocessing: { mean: [0], std: [1] } }
    const of = (objective: Parameters<typeof visualizeFeatures>[0]["objectives"][number]) =>
      visualizeFeatures({ ...options, objectives: [objective] })
    await expect(of({ kind: "class", index: 2 })).rejects.toThrow(/"logits" has 2 channels, there is no 2/)
    await expect(of({ kind: "channel", layer: "nose", index: 0 })).rejects.toThrow(
      /no layer "nose"; it has input, stem_conv/,
    )
    await expect(visualizeFeatures({ ...options, objectives: [] })).rejects.toThrow(FeatureError)
  })
})

describe("Grad-CAM", () => {
  it("finds a planted pattern, either method", async () => {
    // Noise; in class 1 a patch of stripes in one of the four corners decides.
    const [size, patch, count] = [12, 5, 48]
    const area = size * size
    const random = randomOf("planted")
    const labels = Int32Array.from({ length: count }, (_, i) => i % 2)
    const corners = labels.map((_, i) => (i >> 1) % 4)
    const data = Uint8Array.from({ length: count * area }, () => 90 + random.below(50))
    for (let i = 1; i < count; i += 2)
      for (let y = 0; y < patch; y++)
        for (let x = 0; x < patch; x++) {
          const [top, left] = [corners[i] & 1 ? 6 : 1, corners[i] & 2 ? 6 : 1]
          data[i * area + (top + y) * size + left + x] = x % 2 === 0 ? 230 : 20
        }
    const images = imagesOf(data, { height: size, width: size, channels: 1 })
    const preprocessing = fitPreprocessing(images)
    const model = buildNetwork({ ...tiny, name: "resnet", size, width: 0.0625, blocks: [1, 1] })
    const classNames = ["plain", "planted"]
    await trainClassifier({
      model,
      training: { images, labels },
      classNames,
      preprocessing,
      epochs: 4,
      batchSize: 12,
    })
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
