import * as tf from "@tensorflow/tfjs"
import * as ort from "onnxruntime-node"
import { type Images, imagesOf } from "../../../src/learning/images.ts"
import { randomOf } from "../../../src/learning/random.ts"

/** Pictures with structure and contrast of their own: noise around a level, each another. */
export const pictures = (
  count: number,
  { height, width, channels }: { readonly height: number; readonly width: number; readonly channels: 1 | 3 },
  seed = 0,
): Images => {
  const random = randomOf("pictures", seed)
  const size = height * width * channels
  const data = new Uint8Array(count * size)
  for (let i = 0; i < count; i++) {
    const level = 40 + random.below(150)
    const contrast = 1 + random.below(60)
    for (let k = 0; k < size; k++)
      data[i * size + k] = Math.max(
        0,
        Math.min(255, level + (((k >> 2) % 7) - 3) * 8 + random.below(contrast)),
      )
  }
  return imagesOf(data, { height, width, channels })
}

/** Numbers in [0, 1) by a linear congruence (Numerical Recipes): quick, for millions of weights. */
const quick = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 0x1_0000_0000
  }
}

/** Random weights in place of all, running averages too, so that no layer is the identity. */
export const shuffleWeights = (model: tf.LayersModel, seed: number): void => {
  const next = quick(seed)
  for (const layer of model.layers) {
    const weights = layer.getWeights()
    if (weights.length === 0) continue
    tf.tidy(() =>
      layer.setWeights(
        weights.map((weight, k) => {
          const role = layer.weights[k].originalName.split("/").at(-1) ?? ""
          const fanIn = weight.rank < 2 ? 1 : weight.size / (weight.shape.at(-1) ?? 1)
          const scale = weight.rank < 2 ? 0.2 : Math.sqrt(4 / fanIn)
          const positive = role === "moving_variance" || role === "gamma"
          const data = new Float32Array(weight.size)
          for (let i = 0; i < data.length; i++)
            data[i] = positive ? 0.3 + 0.6 * next() : scale * (2 * next() - 1)
          return tf.tensor(data, weight.shape)
        }),
      ),
    )
  }
}

/** Runs an ONNX file as anyone would, by onnxruntime-node's public interface. */
export const runOnnx = async (
  bytes: Uint8Array,
  input: {
    readonly type: "uint8" | "float32"
    readonly data: Uint8Array
    readonly dims: ReadonlyArray<number>
  },
): Promise<Readonly<Record<string, Float32Array>>> => {
  const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  const pixels =
    input.type === "uint8"
      ? new ort.Tensor("uint8", input.data, input.dims)
      : new ort.Tensor("float32", Float32Array.from(input.data), input.dims)
  const results = await session.run({ pixels })
  await session.release()
  return Object.fromEntries(
    Object.entries(results).map(([name, tensor]) => [name, tensor.data as Float32Array]),
  )
}

/** The largest difference, relative to the largest value where that is above 1. */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) return Infinity
  let most = 0
  let scale = 1
  for (let i = 0; i < a.length; i++) {
    if (!Number.isFinite(a[i]) || !Number.isFinite(b[i])) return Infinity
    most = Math.max(most, Math.abs(a[i] - b[i]))
    scale = Math.max(scale, Math.abs(b[i]))
  }
  return most / scale
}
