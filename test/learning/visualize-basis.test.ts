import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import { execute, outputOf } from "../../src/learning/executor.ts"
import { imagesOf } from "../../src/learning/images.ts"
import { buildNetwork, LAYERS } from "../../src/learning/networks/index.ts"
import { normalise, perPicture } from "../../src/learning/preprocess.ts"
import { randomOf } from "../../src/learning/random.ts"
import { ascent, type Climb } from "../../src/learning/visualize/climb.ts"
import { spectralPictures } from "../../src/learning/visualize/fourier.ts"
import { networkInput } from "../../src/learning/visualize/objective.ts"
import { similarity, totalVariation } from "../../src/learning/visualize/regularise.ts"
import { warp } from "../../src/learning/visualize/warp.ts"
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
