import * as tf from "@tensorflow/tfjs"
import { flush } from "../backend.ts"
import { execute, outputOf } from "../executor.ts"
import { type Images, ImagesError } from "../images.ts"
import { LAYERS } from "../networks/spec.ts"
import { normalise, type Preprocessing } from "../preprocess.ts"

export interface HeatMaps {
  readonly count: number
  readonly height: number
  readonly width: number
  /** [count, height, width] in [0, 1]; each map's largest value is 1, or all are 0 where nothing speaks for the class. */
  readonly values: Float32Array
}

/** How activation maps are weighed. */
export type CamMethod = "gradcam" | "gradcam++"

export interface GradCamOptions {
  readonly model: tf.LayersModel
  readonly preprocessing: Preprocessing
  readonly images: Images
  /** The class to be explained, for each picture. */
  readonly classes: ArrayLike<number>
  /** Default "gradcam++". */
  readonly method?: CamMethod | undefined
  /** Which activations are weighed. Default: the last ones. Earlier layers give finer, noisier maps. */
  readonly layer?: string | undefined
}

/**
 * Where a classifier looks for a class. Grad-CAM (Selvaraju et al. 2017): activation maps weighed by the mean
 * gradient of the class's logit, positive part. Grad-CAM++ (Chattopadhay et al. 2018): weights Σ α·relu(g) with
 * α = g² / (2g² + ΣA·g³), which finds all of several places. Maps are enlarged to the pictures' size.
 * @throws ImagesError when there isn't one class index for each picture.
 */
export const gradCam = (options: GradCamOptions): HeatMaps => {
  const { model, preprocessing, images, classes, method = "gradcam++", layer = LAYERS.features } = options
  const { count, height, width, channels } = images
  const outputs = model.outputs[0].shape[1] ?? 0
  if (classes.length !== count)
    throw new ImagesError(`${count} pictures but ${classes.length} classes to explain`)
  const mask = new Float32Array(count * outputs)
  for (let i = 0; i < count; i++) {
    if (!(classes[i] >= 0 && classes[i] < outputs))
      throw new ImagesError(`class ${classes[i]} of picture ${i}: the model has ${outputs}`)
    mask[i * outputs + classes[i]] = 1
  }
  const result = new Float32Array(count * height * width)
  if (count === 0) return { count, height, width, values: result }
  const symbol = outputOf(model, layer)
  const [, h, w, c] = symbol.shape
  if (h === null || w === null || c === null)
    throw new ImagesError(`layer "${layer}" has no maps of fixed size`)
  tf.tidy(() => {
    const x = tf.tensor4d(normalise(images, preprocessing), [count, height, width, channels])
    const [activations] = execute({ feeds: [[model.inputs[0], x]], fetch: [symbol] })
    const gradients = tf.grad((a) => {
      const [logits] = execute({
        feeds: [
          [model.inputs[0], x],
          [symbol, a],
        ],
        fetch: [model.outputs[0]],
      })
      return tf.sum(tf.mul(logits, tf.tensor2d(mask, [count, outputs])))
    })(activations)
    flush()
    const a = activations.dataSync()
    const g = gradients.dataSync()
    for (let i = 0; i < count; i++) {
      const from = i * h * w * c
      const small = heatOf(a.subarray(from, from + h * w * c), g.subarray(from, from + h * w * c), c, method)
      result.set(enlarge(small, h, w, height, width), i * height * width)
    }
  })
  for (let i = 0; i < count; i++) scaleToOne(result.subarray(i * height * width, (i + 1) * height * width))
  return { count, height, width, values: result }
}

/**
 * One map [h·w] from activations and gradients of a logit [h·w, c]: Σ_c w_c·A_c, positive part. Grad-CAM++ has the
 * class's exponential as its score: then second and third derivatives are g² and g³ times it, and its factor falls
 * out when the map is scaled. Where a network ends in a mean over places and one dense layer, g is the same at all
 * places: Grad-CAM is then CAM (Zhou et al. 2016), and Grad-CAM++ leaves out what speaks against the class.
 */
export const heatOf = (
  a: ArrayLike<number>,
  g: ArrayLike<number>,
  c: number,
  method: CamMethod,
): Float32Array => {
  const places = a.length / c
  const heat = new Float32Array(places)
  for (let k = 0; k < c; k++) {
    let total = 0
    for (let p = 0; p < places; p++) total += a[p * c + k]
    let weight = 0
    for (let p = 0; p < places; p++) {
      const gradient = g[p * c + k]
      if (method === "gradcam") {
        weight += gradient / places
        continue
      }
      const square = gradient * gradient
      const below = 2 * square + total * square * gradient
      // α is a share: a vanishing denominator means no gradient, a negative one no evidence for the class.
      if (gradient > 0 && below > 0) weight += (square / below) * gradient
    }
    for (let p = 0; p < places; p++) heat[p] += weight * a[p * c + k]
  }
  return heat.map((v) => Math.max(0, v))
}

const scaleToOne = (values: Float32Array): void => {
  const top = values.reduce((m, v) => Math.max(m, v), 0)
  if (top > 0) for (let i = 0; i < values.length; i++) values[i] /= top
}

/** Bilinear enlargement with pixel centres at half-integers; the edge is repeated. */
export const enlarge = (
  source: ArrayLike<number>,
  h: number,
  w: number,
  height: number,
  width: number,
): Float32Array<ArrayBuffer> => {
  const out = new Float32Array(height * width)
  const place = (i: number, from: number, to: number): readonly [number, number, number] => {
    const p = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
    const low = Math.floor(p)
    return [low, Math.min(low + 1, from - 1), p - low]
  }
  for (let y = 0; y < height; y++) {
    const [y0, y1, fy] = place(y, h, height)
    for (let x = 0; x < width; x++) {
      const [x0, x1, fx] = place(x, w, width)
      const top = source[y0 * w + x0] * (1 - fx) + source[y0 * w + x1] * fx
      const bottom = source[y1 * w + x0] * (1 - fx) + source[y1 * w + x1] * fx
      out[y * width + x] = top * (1 - fy) + bottom * fy
    }
  }
  return out
}
