import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../../src/learning/backend.ts"
import { imagesOf } from "../../../src/learning/images.ts"
import { adam } from "../../../src/learning/mtcnn/adam.ts"
import { foldNormalisation } from "../../../src/learning/mtcnn/fold.ts"
import { buildMtcnnNet, MTCNN_SIZE } from "../../../src/learning/mtcnn/nets.ts"
import { taughtRows, type MtcnnPools, type MtcnnSamples } from "../../../src/learning/mtcnn/samples.ts"
import { trainMtcnnNet } from "../../../src/learning/mtcnn/train.ts"
import { decodeWindows, encodeWindows } from "../../../src/learning/mtcnn/window-file.ts"
import { randomOf } from "../../../src/learning/random.ts"

beforeAll(() => useBackend("onnx", { threads: 1 }))

const outputs = (model: tf.LayersModel, x: tf.Tensor): Array<number> => {
  const out = model.apply(x, { training: false })
  return (Array.isArray(out) ? out : [out]).flatMap((t) => (t instanceof tf.Tensor ? [...t.dataSync()] : []))
}

describe("batch normalisation for training only", () => {
  it.each(["pnet", "rnet", "onet"] as const)("folds into %s without changing what it says", (net) => {
    const model = buildMtcnnNet(net, 1, undefined, true)
    const random = randomOf("fold", net)
    // Every weight somewhere else than where it starts; variances above 0.
    for (const layer of model.layers) {
      const weights = layer.getWeights()
      if (weights.length === 0) continue
      layer.setWeights(
        weights.map((w, i) => {
          const variance = layer.name.startsWith("norm") && i === 3
          return tf.tensor(
            Float32Array.from({ length: w.size }, () =>
              variance ? 0.2 + random.uniform() : 0.2 * random.normal(),
            ),
            w.shape,
          )
        }),
      )
    }
    const side = MTCNN_SIZE[net]
    const x = tf.tensor4d(
      Float32Array.from({ length: 2 * side * side * 3 }, () => random.normal()),
      [2, side, side, 3],
    )
    const wanted = outputs(model, x)
    const got = outputs(foldNormalisation(net, model), x)
    const scale = Math.max(...wanted.map(Math.abs))
    expect(scale).toBeGreaterThan(0.01)
    expect(Math.max(...got.map((v, i) => Math.abs(v - wanted[i])))).toBeLessThan(1e-4 * scale)
  })
})

describe("adam", () => {
  it("moves as its first two steps say", () => {
    const layer = tf.layers.dense({ units: 1, useBias: false, inputShape: [1], kernelInitializer: "ones" })
    const model = tf.sequential({ layers: [layer] })
    const optimizer = adam(model, { decay: 0 })
    const value = (): number => layer.getWeights()[0].dataSync()[0]
    const gradient = (factor: number) => () => tf.mul(tf.sum(optimizer.variables[0]), factor).asScalar()
    // The first step is the rate itself, against the sign of the gradient, whatever its size.
    optimizer.step(gradient(5), 0.1)
    expect(value()).toBeCloseTo(0.9, 5)
    // By hand: m = (0.9·0.5 − 0.1·5) = −0.05, v = 0.999·0.025 + 0.001·25 = 0.049975; corrected −0.05/0.19 and
    // 0.049975/0.001999, so that the step is 0.1 · 0.26316 / 5.
    optimizer.step(gradient(-5), 0.1)
    expect(value()).toBeCloseTo(0.9 + (0.1 * (0.05 / 0.19)) / 5, 5)
    optimizer.dispose()
  })
})

/** Faces are a bright square whose place is the box to find. */
const pool = (count: number, face: boolean, side: number): MtcnnSamples => {
  const random = randomOf("pool", count, String(face))
  const data = new Uint8Array(count * side * side * 3)
  const boxes = new Float32Array(count * 4)
  for (let k = 0; k < count; k++) {
    const [dx, dy] = [random.below(5) - 2, random.below(5) - 2]
    boxes.set([dx / side, dy / side, dx / side, dy / side], k * 4)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const inside = Math.abs(x - side / 2 - dx) < 4 && Math.abs(y - side / 2 - dy) < 4
        const o = ((k * side + y) * side + x) * 3
        data.fill((face && inside ? 180 : 60) + random.below(60), o, o + 3)
      }
  }
  return { images: imagesOf(data, { height: side, width: side, channels: 3 }), ...(face ? { boxes } : {}) }
}
const pools: MtcnnPools = {
  positive: pool(40, true, 12),
  part: pool(40, true, 12),
  negative: pool(80, false, 12),
}

describe("training with normalisation and adam", () => {
  it("learns class and box within few steps and gives the plain network", async () => {
    const { model, history } = await trainMtcnnNet({
      net: "pnet",
      pools,
      steps: 60,
      batchSize: 40,
      learningRate: 0.005,
      optimizer: "adam",
      normalised: true,
      allTargets: true,
      augmentation: { flip: 0, saturation: [1, 1], brightness: [1, 1] },
      seed: 1,
      reportEvery: 10,
    })
    expect(model.layers.some(({ name }) => name.startsWith("norm"))).toBe(false)
    const [first, last] = [history[0], history[history.length - 1]]
    expect(last.classLoss).toBeLessThan(0.5 * first.classLoss)
    expect(last.boxLoss).toBeLessThan(0.7 * first.boxLoss)
  })
})

describe("what windows teach", () => {
  it("is counted per batch: boxes of positives and parts, with allTargets everything known", () => {
    expect(taughtRows("pnet", pools, 60)).toEqual({ boxes: 24, landmarks: 0 })
    const face = { ...pool(8, true, 48), landmarks: new Float32Array(80) }
    const all: MtcnnPools = { positive: face, part: face, landmark: face, negative: pool(8, false, 48) }
    expect(taughtRows("onet", all, 60)).toEqual({ boxes: 20, landmarks: 10 })
    expect(taughtRows("onet", all, 60, true)).toEqual({ boxes: 30, landmarks: 20 })
  })

  it("comes back from its file, and not as another network's", () => {
    const bytes = encodeWindows("pnet", pools)
    const back = decodeWindows("pnet", bytes)
    expect(back.positive.images.count).toBe(40)
    expect(Buffer.compare(Buffer.from(back.part.images.data), Buffer.from(pools.part.images.data))).toBe(0)
    expect([...back.part.boxes!]).toEqual([...pools.part.boxes!])
    expect(back.landmark).toBeUndefined()
    expect(() => decodeWindows("rnet", bytes)).toThrow(/windows of pnet, wanted are rnet's/)
  })
})
