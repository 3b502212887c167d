import * as tf from "@tensorflow/tfjs"
import * as fc from "fast-check"
import { existsSync, readFileSync } from "node:fs"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import { imagesOf } from "../../src/learning/images.ts"
import { hardExamples, maskedSquares } from "../../src/learning/mtcnn/losses.ts"
import { buildMtcnnNet, type MtcnnNet } from "../../src/learning/mtcnn/nets.ts"
import {
  batchMix,
  batchSource,
  mirrorBox,
  mirrorLandmarks,
  type MtcnnPools,
  MtcnnSamplesError,
} from "../../src/learning/mtcnn/samples.ts"
import { scoreMtcnnNet } from "../../src/learning/mtcnn/score.ts"
import { trainMtcnnNet } from "../../src/learning/mtcnn/train.ts"
import {
  exportMtcnnWeights,
  importMtcnnWeights,
  MtcnnWeightsError,
} from "../../src/learning/mtcnn/weights.ts"
import { countParameters } from "../../src/learning/networks/index.ts"
import { randomOf } from "../../src/learning/random.ts"
import { readSafetensors, writeSafetensors } from "../../src/learning/safetensors.ts"

interface Expected {
  readonly values: ReadonlyArray<number>
}
interface Case {
  readonly input_shape: readonly [number, number, number]
  readonly class_probability: Expected
  readonly box_regression: Expected
  readonly landmarks?: Expected
}

const folder = new URL("../../../shared/data/mtcnn/", import.meta.url)
const present = existsSync(folder)
const nets: ReadonlyArray<MtcnnNet> = ["pnet", "rnet", "onet"]

/** The same bytes: value equality of typed arrays in vitest is slow for 300,000 values. */
const sameBytes = (a: ArrayBufferView, b: ArrayBufferView): boolean =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0

beforeAll(() => useBackend("onnx"))

describe("the networks", () => {
  it.each([
    ["pnet", 6632],
    ["rnet", 100_178],
    ["onet", 389_040],
  ] as const)("%s has the published number of parameters", (net, count) => {
    expect(countParameters(buildMtcnnNet(net))).toBe(count)
  })

  it("start from their seed", () => {
    const bytes = (seed: number): Uint8Array => exportMtcnnWeights("rnet", buildMtcnnNet("rnet", seed))
    expect(sameBytes(bytes(1), bytes(1))).toBe(true)
    expect(sameBytes(bytes(1), bytes(2))).toBe(false)
  })

  it.each(nets)("%s: export, import, export gives the same file, and import the same outputs", (net) => {
    const model = buildMtcnnNet(net, 5)
    const bytes = exportMtcnnWeights(net, model, { card: "test" })
    const back = importMtcnnWeights(net, bytes)
    expect(sameBytes(exportMtcnnWeights(net, back, { card: "test" }), bytes)).toBe(true)
    const side = model.inputs[0].shape[1] ?? 0
    const random = randomOf("input")
    const x = tf.tensor4d(
      Float32Array.from({ length: side * side * 3 }, () => random.normal()),
      [1, side, side, 3],
    )
    const run = (m: tf.LayersModel): Array<number> => {
      const out = m.apply(x)
      return (Array.isArray(out) ? out : [out]).flatMap((t) =>
        t instanceof tf.Tensor ? [...t.dataSync()] : [],
      )
    }
    expect(run(back)).toEqual(run(model))
  })

  it("say what is wrong with foreign weights", () => {
    const { tensors } = readSafetensors(exportMtcnnWeights("pnet", buildMtcnnNet("pnet")))
    expect(() => importMtcnnWeights("rnet", writeSafetensors(tensors))).toThrow(
      /no tensor "rnet.conv1.weight"/,
    )
    tensors.set("pnet.conv1.bias", { dtype: "F32", shape: [9], data: new Float32Array(9) })
    expect(() => importMtcnnWeights("pnet", writeSafetensors(tensors))).toThrow(MtcnnWeightsError)
  })
})

describe.skipIf(!present)("the published weights (skipped without ../shared/data)", () => {
  const cases: Record<string, Case> = present
    ? JSON.parse(readFileSync(new URL("mtcnn.json", folder), "utf8")).check.cases
    : {}
  const netOf = (name: string): MtcnnNet => nets.find((net) => name.startsWith(net)) ?? "pnet"

  it.each(Object.entries(cases))("give the published outputs: %s", (name, expected) => {
    const net = netOf(name)
    const [, height, width] = expected.input_shape
    const file = readFileSync(new URL(`${net}.safetensors`, folder))
    const model = importMtcnnWeights(net, file, net === "pnet" ? null : undefined)
    const x = tf.buffer([1, height, width, 3])
    for (let c = 0; c < 3; c++)
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++)
          x.set((((c * 29 + row * 7 + column * 13) % 256) - 127.5) / 128, 0, row, column, c)
    const outputs = model.apply(x.toTensor())
    if (!Array.isArray(outputs)) throw new TypeError("several outputs expected")
    const wanted = [expected.class_probability, expected.box_regression, expected.landmarks]
    for (const [i, output] of outputs.entries()) {
      if (!(output instanceof tf.Tensor)) throw new TypeError("no tensor")
      const last = i === 0 ? tf.softmax(output) : output
      const values = (last.rank === 4 ? tf.transpose(last, [0, 3, 1, 2]) : last).dataSync()
      const worst = wanted[i]?.values.reduce((e, v, k) => Math.max(e, Math.abs(v - values[k])), 0)
      expect(wanted[i]?.values.length).toBe(values.length)
      expect(worst).toBeLessThan(2e-6)
    }
  })

  it.each(nets)("%s: what is exported equals the published file, tensor by tensor", (net) => {
    const file = readFileSync(new URL(`${net}.safetensors`, folder))
    const published = readSafetensors(file).tensors
    const exported = readSafetensors(exportMtcnnWeights(net, importMtcnnWeights(net, file))).tensors
    expect([...exported.keys()].sort()).toEqual([...published.keys()].sort())
    for (const [name, { shape, data }] of published) {
      expect({ name, shape: exported.get(name)?.shape }).toEqual({ name, shape })
      expect([name, sameBytes(exported.get(name)?.data ?? new Float32Array(0), data)]).toEqual([name, true])
    }
  })
})

describe("losses", () => {
  it("mine the hardest of the judged rows, whatever the others lose", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 1000 }), { minLength: 4, maxLength: 20 }),
        fc.infiniteStream(fc.boolean()),
        fc.integer({ min: 1, max: 20 }),
        (losses, judge, keep) => {
          const mask = losses.map(() => (judge.next().value === true ? 1 : 0))
          const values = losses.map((v) => v / 10)
          const got = tf.tidy(() => [
            ...hardExamples(tf.tensor1d(values), tf.tensor1d(mask), keep).dataSync(),
          ])
          const hardest = values
            .filter((_, i) => mask[i] === 1)
            .toSorted((a, b) => b - a)
            .slice(0, keep)
          expect(got).toEqual(values.map((v, i) => (mask[i] === 1 && hardest.includes(v) ? 1 : 0)))
        },
      ),
      { numRuns: 50 },
    )
  })

  it("differentiate through the loss, not through the choice", () => {
    const gradient = tf.grad((x) => {
      const losses = tf.square(x)
      return tf.sum(tf.mul(losses, hardExamples(losses, tf.tensor1d([1, 1, 0]), 1)))
    })(tf.tensor1d([1, 3, 5]))
    expect([...gradient.dataSync()]).toEqual([0, 6, 0])
  })

  it("average squared errors over the rows that count", () => {
    const value = maskedSquares(
      tf.tensor2d([
        [1, 2],
        [9, 9],
      ]),
      tf.tensor2d([
        [0, 0],
        [0, 0],
      ]),
      tf.tensor2d([[1], [0]]),
      1,
    )
    expect(value.dataSync()[0]).toBe(5)
  })
})

/** Faces are a bright disc, whose place in the window is the box to find; the rest is noise. */
const pools = (side: number, seed: number): MtcnnPools => {
  const random = randomOf("pool", seed)
  const make = (n: number, face: boolean): MtcnnPools["positive"] => {
    const data = new Uint8Array(n * side * side * 3)
    const boxes = new Float32Array(n * 4)
    const landmarks = new Float32Array(n * 10)
    for (let k = 0; k < n; k++) {
      const [dx, dy] = [(random.uniform() - 0.5) * 0.3, (random.uniform() - 0.5) * 0.3]
      boxes.set([dx, dy, dx, dy], k * 4)
      for (let p = 0; p < 5; p++) {
        landmarks[k * 10 + p] = 0.5 + dx
        landmarks[k * 10 + 5 + p] = 0.5 + dy
      }
      for (let y = 0; y < side; y++)
        for (let x = 0; x < side; x++) {
          const inside = Math.hypot((x + 0.5) / side - 0.5 - dx, (y + 0.5) / side - 0.5 - dy) < 0.3
          const value = (face && inside ? 190 : 60) + random.below(40)
          data.fill(value, ((k * side + y) * side + x) * 3, ((k * side + y) * side + x) * 3 + 3)
        }
    }
    return { images: imagesOf(data, { height: side, width: side, channels: 3 }), boxes, landmarks }
  }
  return {
    positive: make(24, true),
    part: make(24, true),
    landmark: make(24, true),
    negative: make(48, false),
  }
}

describe("samples", () => {
  it("are mixed 1 : 1 : 1 : 3", () => {
    expect(batchMix("onet", 384)).toEqual({ positive: 64, part: 64, landmark: 64, negative: 192 })
    expect(batchMix("pnet", 384)).toEqual({ positive: 76, part: 76, landmark: 0, negative: 232 })
  })

  it("mirror twice to themselves, and left for right", () => {
    const points = [0.25, 0.75, 0.5, 0.375, 0.625, 0.25, 0.3125, 0.5, 0.75, 0.8125]
    expect(mirrorLandmarks(mirrorLandmarks(points))).toEqual(points)
    // The eye at the left stays the first; the higher row values follow their points.
    expect(mirrorLandmarks(points).slice(0, 2)).toEqual([0.25, 0.75])
    expect(mirrorLandmarks(points).slice(5, 7)).toEqual([0.3125, 0.25])
    expect(mirrorBox([0.1, 0.2, -0.3, 0.4])).toEqual([0.3, 0.2, -0.1, 0.4])
  })

  it("come in batches that depend on the seed alone, with targets where they belong", () => {
    const source = (seed: number): ReturnType<typeof batchSource> =>
      batchSource("onet", pools(48, 1), {
        batchSize: 12,
        seed,
        augmentation: { flip: 0.5, saturation: [0.7, 1.3], brightness: [0.7, 1.3] },
      })
    const [a, b] = [source(3)(), source(3)()]
    expect(sameBytes(a.images.data, b.images.data)).toBe(true)
    expect(sameBytes(a.images.data, source(4)().images.data)).toBe(false)
    expect([...a.classMask]).toEqual([1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    expect([...a.boxMask]).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
    expect([...a.landmarkMask]).toEqual([0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0])
    expect([...a.classes.subarray(0, 2), ...a.classes.subarray(22)]).toEqual([0, 1, 1, 0])
  })
})

describe("training", () => {
  const trainPnet = (steps: number) =>
    trainMtcnnNet({ net: "pnet", pools: pools(12, 1), steps, batchSize: 40, seed: 2, reportEvery: 10 })

  it("teaches P-Net to tell faces and to move the box", async () => {
    const { model, history } = await trainPnet(300)
    expect(history).toHaveLength(30)
    expect(history[29].classLoss).toBeLessThan(0.1 * history[0].classLoss)
    const held = pools(12, 9)
    const score = scoreMtcnnNet("pnet", model, held)
    expect(score.recall).toBeGreaterThan(0.9)
    expect(score.falseAlarms).toBeLessThan(0.1)
    expect(score.boxError).toBeLessThan(0.8 * score.boxErrorBefore)
  })

  it("goes the same way each time, and leaves no tensors behind", async () => {
    const before = tf.memory().numTensors
    const [a, b] = [await trainPnet(20), await trainPnet(20)]
    expect(b.history).toEqual(a.history)
    expect(sameBytes(exportMtcnnWeights("pnet", b.model), exportMtcnnWeights("pnet", a.model))).toBe(true)
    tf.dispose([a.model.getWeights(), b.model.getWeights()].flat())
    expect(tf.memory().numTensors).toBe(before)
  })

  it("runs O-Net with landmarks and dropout, reproducibly", async () => {
    const train = async () => {
      const { model, history } = await trainMtcnnNet({
        net: "onet",
        pools: pools(48, 1),
        steps: 2,
        batchSize: 6,
        seed: 1,
      })
      return { history, bytes: exportMtcnnWeights("onet", model) }
    }
    const a = await train()
    const b = await train()
    expect(a.history[0].landmarkLoss).toBeGreaterThan(0)
    expect(sameBytes(a.bytes, b.bytes)).toBe(true)
  })

  it("refuses windows that don't fit", async () => {
    await expect(trainMtcnnNet({ net: "rnet", pools: pools(12, 1), steps: 1 })).rejects.toThrow(
      /positive windows are 12×12×3, rnet takes 24×24×3/,
    )
    const { positive, part, negative } = pools(48, 1)
    await expect(
      trainMtcnnNet({ net: "onet", pools: { positive, part, negative }, steps: 1 }),
    ).rejects.toThrow(MtcnnSamplesError)
    await expect(
      trainMtcnnNet({ net: "onet", pools: { ...pools(48, 1), part: { images: part.images } }, steps: 1 }),
    ).rejects.toThrow(/24 part windows need 96 boxes values, there are 0/)
  })
})
