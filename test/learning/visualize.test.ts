import * as tf from "@tensorflow/tfjs"
import * as fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import { execute, outputOf } from "../../src/learning/executor.ts"
import { imageAt, imagesOf, ImagesError } from "../../src/learning/images.ts"
import { buildNetwork, LAYERS } from "../../src/learning/networks/index.ts"
import { predict } from "../../src/learning/predict.ts"
import { fitPreprocessing, normalise, perPicture } from "../../src/learning/preprocess.ts"
import { randomOf } from "../../src/learning/random.ts"
import { trainClassifier } from "../../src/learning/train.ts"
import { ascent, type Climb } from "../../src/learning/visualize/climb.ts"
import { visualizeFeatures } from "../../src/learning/visualize/feature.ts"
import { spectralPictures } from "../../src/learning/visualize/fourier.ts"
import { enlarge, gradCam, heatOf } from "../../src/learning/visualize/gradcam.ts"
import {
  FeatureError,
  measureObjectives,
  networkInput,
  type Objective,
} from "../../src/learning/visualize/objective.ts"
import { heatColour, overlayHeat } from "../../src/learning/visualize/overlay.ts"
import { similarity, totalVariation } from "../../src/learning/visualize/regularise.ts"
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
    expect(() => execute({ feeds: [], fetch: [model.outputs[0]] })).toThrow(/"input\w*" was not fed/)
  })
})

describe("the spectral basis", () => {
  it.each([
    [6, 6, 1],
    [5, 7, 3],
    [8, 6, 3],
  ] as const)("%i×%i×%i: one frequency gives its wave, in proportion", (height, width, channels) => {
    const pictures = spectralPictures({ height, width, channels }, [["a"], ["b"]])
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
    // In print the same wave, between the pixels too: three for one, centres where they were.
    const fine = pictures.print(3).dataSync()
    const at = (i: number): number => (i + 0.5) / 3 - 0.5
    for (let y = 0; y < height * 3; y++)
      for (let x = 0; x < width * 3; x++) {
        const v = fine[((height * 3 + y) * width * 3 + x) * channels]
        const angle = 2 * Math.PI * ((ky * at(y)) / height + (kx * at(x)) / width)
        expect(Math.log(v / (1 - v))).toBeCloseTo(amplitude * Math.cos(angle), 4)
      }
    pictures.dispose()
  })

  it.each([1, 1.5])("starts as grey noise whose amplitudes fall off as 1/f^%d", (power) => {
    const size = 32
    const pictures = spectralPictures(
      { height: size, width: size, channels: 1, power },
      Array.from({ length: 12 }, (_, i) => ["noise", i]),
    )
    const values = pictures.pixels().dataSync()
    const area = size * size
    // Mean power of the waves (k, 0) and (0, k) over the pictures, by direct transform.
    const power2 = (k: number): number => {
      let sum = 0
      for (let n = 0; n < 12; n++)
        for (const across of [true, false]) {
          let [re, im] = [0, 0]
          for (let p = 0; p < area; p++) {
            const angle = (2 * Math.PI * k * (across ? p % size : Math.floor(p / size))) / size
            re += values[n * area + p] * Math.cos(angle)
            im += values[n * area + p] * Math.sin(angle)
          }
          sum += re * re + im * im
        }
      return sum
    }
    // Amplitudes of one octave: 48 numbers at each end, so the slope is known to about 0.2.
    const slope = (a: number, b: number): number => Math.log(power2(a) / power2(b)) / 2 / Math.log(b / a)
    expect(Math.abs(slope(2, 12) - power)).toBeLessThan(0.3)
    const mean = [...values].reduce((a, b) => a + b, 0) / values.length
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.02)
    // Each key its own noise, equal keys equal noise.
    expect(values.slice(0, area)).not.toEqual(values.slice(area, 2 * area))
    const again = spectralPictures({ height: size, width: size, channels: 1, power }, [["noise", 1]])
    expect(again.pixels().dataSync()).toEqual(values.slice(area, 2 * area))
    again.dispose()
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

/** Noise; in class 1 a patch of stripes in one of the four corners decides. */
const planted = (count: number) => {
  const [size, patch] = [12, 5]
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
  return { images: imagesOf(data, { height: size, width: size, channels: 1 }), labels, corners }
}

const learnt = async () => {
  const { images, labels, corners } = planted(48)
  const preprocessing = fitPreprocessing(images)
  const model = buildNetwork({ ...tiny, name: "resnet", size: 12, width: 0.0625, blocks: [1, 1] })
  await trainClassifier({
    model,
    training: { images, labels },
    classNames: ["plain", "planted"],
    preprocessing,
    epochs: 4,
    batchSize: 12,
  })
  return { images, labels, corners, preprocessing, model }
}
let trained: Awaited<ReturnType<typeof learnt>> | undefined
beforeAll(async () => {
  trained = await learnt()
})

describe("the climb", () => {
  /** A small net without kinks, so that differences tell derivatives. */
  const smooth = (channels: number): tf.LayersModel => {
    const input = tf.input({ shape: [10, 10, channels], name: "input" })
    const layer = (name: string, filters: number, seed: number, strides: number) =>
      tf.layers.conv2d({
        name,
        filters,
        kernelSize: 3,
        strides,
        padding: "same",
        activation: "tanh",
        kernelInitializer: tf.initializers.glorotUniform({ seed }),
      })
    const one = layer("first", 5, 1, 1).apply(input)
    const two = layer("second", 4, 2, 2).apply(one)
    if (!(two instanceof tf.SymbolicTensor)) throw new TypeError("one output expected")
    return tf.model({ inputs: input, outputs: two })
  }
  const view = { degrees: 7, scale: 1.06, shiftX: 0.7, shiftY: -0.4 }

  it.each([
    ["a channel, grey, each picture by its own statistics", 1, true, "channel"],
    ["a channel, colour", 3, false, "channel"],
    ["a whole layer, colour, each picture by its own statistics", 3, true, "layer"],
  ] as const)(
    "has the gradient of finite differences through all of it: %s",
    (_, channels, perPicture, kind) => {
      const model = smooth(channels)
      const statistics = Array.from({ length: channels }, () => 0.5)
      const climb: Climb = {
        model,
        preprocessing: { mean: statistics, std: statistics, perPicture },
        objectives: [1, 3].map((index) =>
          kind === "layer" ? { kind, layer: "second" } : { kind, layer: "second", index },
        ),
        groups: [0, 1],
        variation: 0,
        diversity: 0,
      }
      const pictures = spectralPictures({ height: 10, width: 10, channels }, [["x"], ["y"]])
      const random = randomOf("directions", channels)
      // Away from the start, where pictures are flat.
      for (const v of pictures.variables)
        v.assign(
          tf.tensor(
            Float32Array.from({ length: v.size }, () => 0.5 * random.normal()),
            v.shape,
          ),
        )
      const value = (): tf.Scalar => ascent(climb, pictures.pixels(), view)
      const { grads } = tf.variableGrads(value, [...pictures.variables])
      for (const variable of pictures.variables) {
        const gradient = grads[variable.name].dataSync()
        const before = variable.dataSync().slice()
        for (let trial = 0; trial < 3; trial++) {
          const direction = Float32Array.from({ length: variable.size }, () => random.normal())
          const at = (step: number): number => {
            variable.assign(
              tf.tensor(
                before.map((v, i) => v + step * direction[i]),
                variable.shape,
              ),
            )
            return value().dataSync()[0]
          }
          const difference = (at(0.02) - at(-0.02)) / 0.04
          variable.assign(tf.tensor(before, variable.shape))
          const slope = [...gradient].reduce((sum, g, i) => sum + g * direction[i], 0)
          const size = Math.hypot(...gradient)
          expect(size).toBeGreaterThan(1e-3)
          expect(Math.abs(difference - slope)).toBeLessThan(0.02 * size)
        }
      }
    },
  )

  it("penalties: total variation by hand, likeness of equal and of unlike activations", () => {
    // A step of 0.6 between two columns of 3×3 pixels: at 2 of the 4 places that have a lower and a right neighbour.
    const step = tf.tensor4d([0, 0.6, 0.6, 0, 0.6, 0.6, 0, 0.6, 0.6], [1, 3, 3, 1])
    expect(totalVariation(step).dataSync()[0]).toBeCloseTo(0.3, 3)
    const [a, b] = [
      [1, 0, 1, 0],
      [0, 2, 0, 2],
    ]
    // Channels 2, places 2: pictures 0 and 1 use the same channel, picture 2 the other one.
    const activations = tf.tensor4d([...a, ...a.map((v) => 3 * v), ...b, ...b], [4, 2, 1, 2])
    expect(
      [...similarity(activations, [0, 0, 0, 7]).dataSync()].map((v) => Math.round(v * 1e3) / 1e3),
    ).toEqual([0.5, 0.5, 0, 0])
  })

  it("each picture by its own statistics: what the network is given is what it is trained on", () => {
    const random = randomOf("own")
    const data = Uint8Array.from({ length: 2 * 6 * 6 * 3 }, () => random.below(256))
    const images = imagesOf(data, { height: 6, width: 6, channels: 3 })
    for (const preprocessing of [perPicture(3), { mean: [0.1, 0.2, 0.3], std: [0.5, 1, 2] }]) {
      const pixels = tf.tensor4d(
        Float32Array.from(data, (v) => v / 255),
        [2, 6, 6, 3],
      )
      const given = networkInput(pixels, preprocessing).dataSync()
      for (const [i, v] of normalise(images, preprocessing).entries()) expect(given[i]).toBeCloseTo(v, 4)
    }
  })
})

describe("feature pictures", () => {
  it("excite what they are made for far more than noise and than any picture learnt from", async () => {
    if (trained === undefined) throw new Error("not trained")
    const { model, preprocessing, images } = trained
    const objectives = [
      { kind: "class", index: 0 },
      { kind: "class", index: 1 },
      { kind: "channel", layer: LAYERS.features, index: 3 },
      { kind: "channel", layer: "stem_conv", index: 1 },
      { kind: "layer", layer: "stem_relu" },
    ] as const
    const { pictures } = await visualizeFeatures({ model, preprocessing, objectives, steps: 96, seed: 2 })
    const natural = measureObjectives(model, preprocessing, images, objectives)
    for (const [m, { value, start, objective }] of pictures.entries()) {
      expect(objective).toEqual(objectives[m])
      const own = Array.from({ length: images.count }, (_, i) => natural[i * objectives.length + m])
      const [low, high] = [Math.min(...own), Math.max(...own)]
      expect(value).toBeGreaterThan(start)
      // Class 0 is the absence of stripes: pictures of plain noise already have all there is of it.
      expect(value).toBeGreaterThan(m === 0 ? start : high + 0.25 * (high - low))
    }
    // What a class's pictures give is its logit.
    const { logits } = predict(model, preprocessing, images)
    for (let i = 0; i < images.count; i++)
      for (const m of [0, 1]) expect(natural[i * objectives.length + m]).toBeCloseTo(logits[i * 2 + m], 3)
  })

  it("are the same each time, whatever else is asked for, and leave nothing behind", async () => {
    const model = buildNetwork(tiny)
    const preprocessing = { mean: [0.5], std: [0.25] }
    const objectives = [
      { kind: "class", index: 0 },
      { kind: "channel", layer: "block1_out", index: 18 },
      { kind: "class", index: 1 },
    ] as const
    const options = { model, preprocessing, objectives, steps: 12, seed: 2, print: 2 }
    const before = tf.memory().numTensors
    const { images, pictures, cpuSeconds } = await visualizeFeatures(options)
    expect(tf.memory().numTensors).toBe(before)
    expect(cpuSeconds).toBeGreaterThan(0)
    expect([images.count, images.height, images.channels]).toEqual([3, 16, 1])
    const again = await visualizeFeatures(options)
    expect(again.images.data).toEqual(images.data)
    expect(again.pictures).toEqual(pictures)
    const alone = await visualizeFeatures({ ...options, objectives: [objectives[2]] })
    expect(alone.pictures[0].value).toBeCloseTo(pictures[2].value, 3)
    expect((await visualizeFeatures({ ...options, seed: 3 })).images.data).not.toEqual(images.data)
  })

  it("several of one channel differ more where they are told to", async () => {
    const model = buildNetwork(tiny)
    const preprocessing = perPicture(1)
    const objectives = [{ kind: "channel", layer: "block1_out", index: 18 }] as const
    const options = { model, preprocessing, objectives, steps: 48, copies: 3 }
    const likeness = async (diversity: number): Promise<number> => {
      const { images, pictures } = await visualizeFeatures({ ...options, diversity })
      expect(pictures.map(({ copy }) => copy)).toEqual([0, 1, 2])
      const input = tf.tensor4d(normalise(images, preprocessing), [3, 8, 8, 1])
      const [activations] = execute({
        feeds: [[model.inputs[0], input]],
        fetch: [outputOf(model, "block1_out")],
      })
      return similarity(activations, [0, 0, 0]).dataSync()[0]
    }
    expect(await likeness(4)).toBeLessThan(await likeness(0))
  })

  it("come in colour for colour models, and larger than the input where the layer allows", async () => {
    const model = buildNetwork({ ...tiny, channels: 3 })
    const preprocessing = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
    const heard: Array<string> = []
    const { images } = await visualizeFeatures({
      model,
      preprocessing,
      objectives: [
        { kind: "class", index: 0 },
        { kind: "channel", layer: "stem_conv", index: 0 },
      ],
      steps: 6,
      size: 20,
      onProgress: ({ done, total, layer }) => {
        heard.push(`${layer} ${done}/${total}`)
      },
    })
    expect([images.channels, images.height]).toEqual([3, 20])
    expect(images.data.some((v, i) => i % 3 === 0 && v !== images.data[i + 1])).toBe(true)
    expect(heard).toEqual(["logits 6/12", "stem_conv 12/12"])
  })

  it("say which layer or channel isn't there, and which takes no other size", async () => {
    const options = { model: buildNetwork(tiny), preprocessing: { mean: [0], std: [1] } }
    const of = (objective: Objective) => visualizeFeatures({ ...options, objectives: [objective] })
    await expect(of({ kind: "class", index: 2 })).rejects.toThrow(/"logits" has 2 channels, there is no 2/)
    await expect(of({ kind: "channel", layer: "nose", index: 0 })).rejects.toThrow(
      /no layer "nose"; it has input, stem_conv/,
    )
    await expect(visualizeFeatures({ ...options, objectives: [] })).rejects.toThrow(FeatureError)
    const tied = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [8, 8, 1] }),
        tf.layers.dense({ name: LAYERS.logits, units: 2 }),
      ],
    })
    const objectives = [{ kind: "class", index: 0 }] as const
    const given = { ...options, model: tied, objectives, steps: 1 }
    await expect(visualizeFeatures({ ...given, size: 12 })).rejects.toThrow(
      /"logits" takes no pictures of 12×12 pixels/,
    )
    expect((await visualizeFeatures(given)).images.height).toBe(8)
  })

  it("stop when told, and say where", async () => {
    await expect(
      visualizeFeatures({
        model: buildNetwork(tiny),
        preprocessing: perPicture(1),
        objectives: [{ kind: "class", index: 0 }],
        signal: AbortSignal.abort(),
      }),
    ).rejects.toThrow(/stopped at step 1 of 512/)
  })
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
