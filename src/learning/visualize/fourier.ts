import * as tf from "@tensorflow/tfjs"
import { randomOf } from "../random.ts"

/**
 * Pictures as the inverse Fourier transform of their spectrum, each frequency scaled by its own size, so that
 * gradient steps change all scales alike (Olah et al. 2017, "Feature Visualization", preconditioning).
 */
export interface SpectralPictures {
  /** What is optimized: real and imaginary parts, [count · channels · height, width / 2 + 1] each. */
  readonly variables: ReadonlyArray<tf.Variable>
  /** The pictures, [count, height, width, channels] in (0, 1). */
  readonly pixels: () => tf.Tensor
  readonly dispose: () => void
}

/** Standard deviation of the start spectrum, and what the transform is divided by; both as published. */
const START_DEVIATION = 0.01
const OUTPUT_SCALE = 4

/**
 * The published spectrum falls off as 1 / f. On pictures of a few dozen pixels all frequencies that there are reach
 * the network, and grain wins over shapes: there the spectrum falls off as 1 / f^1.5.
 */
const SMALL_PICTURE = 96
const SMALL_POWER = 1.5

/** How colours vary together in photographs (columns: luminance and two chroma directions), as published. */
const COLOUR_BASIS = [
  [0.26, 0.09, 0.02],
  [0.27, 0, -0.05],
  [0.27, -0.09, 0.03],
]

/** The basis over its largest column norm, transposed for row vectors. */
const colourMatrix = (): Array<Array<number>> => {
  const norm = Math.max(...[0, 1, 2].map((c) => Math.hypot(...COLOUR_BASIS.map((row) => row[c]))))
  return [0, 1, 2].map((c) => COLOUR_BASIS.map((row) => row[c] / norm))
}

/** [rows, columns] filled by a function. */
const matrix = (rows: number, columns: number, value: (r: number, c: number) => number): tf.Tensor2D => {
  const values = new Float32Array(rows * columns)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) values[r * columns + c] = value(r, c)
  return tf.tensor2d(values, [rows, columns])
}

/**
 * Fresh grey noise in the spectral basis. The transform is four matrix products with constant sines and cosines:
 * any backend has those, and few have a differentiable FFT.
 */
export const spectralPictures = (
  shape: {
    readonly count: number
    readonly height: number
    readonly width: number
    readonly channels: 1 | 3
  },
  seed: number,
): SpectralPictures => {
  const { count, height, width, channels } = shape
  const half = Math.floor(width / 2) + 1
  const rows = count * channels * height
  const random = randomOf("spectrum", seed)
  const start = (): tf.Variable =>
    tf.tidy(() => tf.variable(matrix(rows, half, () => START_DEVIATION * random.normal())))
  const variables = [start(), start()]
  // Cycles per pixel of row ky and column kx.
  const frequency = (ky: number, kx: number): number =>
    Math.hypot(Math.min(ky, height - ky) / height, kx / width)
  const lowest = 1 / Math.max(width, height)
  const power = Math.min(width, height) < SMALL_PICTURE ? SMALL_POWER : 1
  const constants = tf.tidy(() => ({
    // 1 / f^power, as large as 1 / f at the lowest; the inverse transform's 1 / (h·w) is part of it.
    scale: matrix(rows, half, (r, kx) => {
      const f = Math.max(frequency(r % height, kx), lowest)
      return (lowest / f) ** (power - 1) / f / Math.sqrt(width * height)
    }),
    // A real picture's spectrum is symmetric: the inner columns stand for two frequencies each.
    cosX: matrix(
      half,
      width,
      (kx, x) => (kx === 0 || 2 * kx === width ? 1 : 2) * Math.cos((2 * Math.PI * kx * x) / width),
    ),
    sinX: matrix(
      half,
      width,
      (kx, x) => (kx === 0 || 2 * kx === width ? 1 : 2) * Math.sin((2 * Math.PI * kx * x) / width),
    ),
    cosY: matrix(height, height, (ky, y) => Math.cos((2 * Math.PI * ky * y) / height)),
    sinY: matrix(height, height, (ky, y) => Math.sin((2 * Math.PI * ky * y) / height)),
    colours: tf.tensor2d(colourMatrix()),
  }))
  const pixels = (): tf.Tensor => {
    const { scale, cosX, sinX, cosY, sinY, colours } = constants
    const [real, imaginary] = variables.map((v) => tf.mul(v, scale))
    // Re(S·e^{i(a+b)}) = cos b·(R cos a − I sin a) − sin b·(R sin a + I cos a), a along rows, b along columns.
    const even = tf.sub(tf.matMul(real, cosX), tf.matMul(imaginary, sinX))
    const odd = tf.add(tf.matMul(real, sinX), tf.matMul(imaginary, cosX))
    const alongY = (t: tf.Tensor, basis: tf.Tensor2D): tf.Tensor => {
      const columns = tf.transpose(tf.reshape(t, [count * channels, height, width]), [0, 2, 1])
      return tf.matMul(tf.reshape(columns, [count * channels * width, height]), basis)
    }
    const planes = tf.mul(tf.sub(alongY(even, cosY), alongY(odd, sinY)), 1 / OUTPUT_SCALE)
    const image = tf.transpose(tf.reshape(planes, [count, channels, width, height]), [0, 3, 2, 1])
    if (channels === 1) return tf.sigmoid(image)
    const mixed = tf.matMul(tf.reshape(image, [count * height * width, 3]), colours)
    return tf.sigmoid(tf.reshape(mixed, [count, height, width, 3]))
  }
  return {
    variables,
    pixels,
    dispose: () => tf.dispose([variables, Object.values(constants)]),
  }
}
