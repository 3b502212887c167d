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
  /**
   * The same pictures with `factor` times the pixels a side: the waves they are made of, drawn on a finer grid. No
   * frequency is added that the network could not have seen.
   */
  readonly print: (factor: number) => tf.Tensor
  readonly dispose: () => void
}

export interface SpectralShape {
  readonly height: number
  readonly width: number
  readonly channels: 1 | 3
  /** The spectrum falls off as 1 / f^power; 1 as published, more = smoother. */
  readonly power?: number | undefined
}

/** Standard deviation of the start spectrum, and what the transform is divided by; both as published. */
const START_DEVIATION = 0.01
const OUTPUT_SCALE = 4

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

/** What one unit of luminance adds to a grey value: the mean of the basis' first column, so that grey pictures change as fast as the brightness of coloured ones. */
const LUMINANCE = colourMatrix()[0].reduce((sum, v) => sum + v / 3, 0)

/** [rows, columns] filled by a function. */
const matrix = (rows: number, columns: number, value: (r: number, c: number) => number): tf.Tensor2D => {
  const values = new Float32Array(rows * columns)
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) values[r * columns + c] = value(r, c)
  return tf.tensor2d(values, [rows, columns])
}

interface Waves {
  readonly cosX: tf.Tensor2D
  readonly sinX: tf.Tensor2D
  readonly cosY: tf.Tensor2D
  readonly sinY: tf.Tensor2D
}

/** Sines and cosines of all frequencies at the pixels' centres, with `factor` pixels for one. */
const wavesOf = (height: number, width: number, factor: number): Waves => {
  const half = Math.floor(width / 2) + 1
  const at = (i: number): number => (i + 0.5) / factor - 0.5
  // Frequencies above the middle are the negative ones; the one in the middle is both, hence has no sine.
  const signed = (k: number): number => (2 * k > height ? k - height : k)
  // A real picture's spectrum is symmetric: the inner columns stand for two frequencies each.
  const weight = (kx: number): number => (kx === 0 || 2 * kx === width ? 1 : 2)
  const phaseX = (kx: number, x: number): number => (2 * Math.PI * kx * at(x)) / width
  const phaseY = (ky: number, y: number): number => (2 * Math.PI * signed(ky) * at(y)) / height
  return {
    cosX: matrix(half, width * factor, (kx, x) => weight(kx) * Math.cos(phaseX(kx, x))),
    sinX: matrix(half, width * factor, (kx, x) =>
      2 * kx === width ? 0 : weight(kx) * Math.sin(phaseX(kx, x)),
    ),
    cosY: matrix(height, height * factor, (ky, y) => Math.cos(phaseY(ky, y))),
    sinY: matrix(height, height * factor, (ky, y) => (2 * ky === height ? 0 : Math.sin(phaseY(ky, y)))),
  }
}

/**
 * Fresh grey noise in the spectral basis, one picture for each key: which noise it is follows from the key alone.
 * The transform is four matrix products with constant sines and cosines: any backend has those, and few have a
 * differentiable FFT.
 */
export const spectralPictures = (
  shape: SpectralShape,
  keys: ReadonlyArray<ReadonlyArray<string | number>>,
): SpectralPictures => {
  const { height, width, channels, power = 1 } = shape
  const count = keys.length
  const half = Math.floor(width / 2) + 1
  const rows = count * channels * height
  const start = (part: string): tf.Variable =>
    tf.tidy(() => {
      const each = channels * height * half
      const values = new Float32Array(count * each)
      for (const [i, key] of keys.entries()) {
        const random = randomOf("spectrum", part, ...key)
        for (let k = 0; k < each; k++) values[i * each + k] = START_DEVIATION * random.normal()
      }
      return tf.variable(tf.tensor2d(values, [rows, half]))
    })
  const variables = [start("real"), start("imaginary")]
  // Cycles per pixel of row ky and column kx.
  const frequency = (ky: number, kx: number): number =>
    Math.hypot(Math.min(ky, height - ky) / height, kx / width)
  const lowest = 1 / Math.max(width, height)
  const constants = tf.tidy(() => ({
    // 1 / f^power, as large as 1 / f at the lowest; the inverse transform's 1 / (h·w) is part of it.
    scale: matrix(rows, half, (r, kx) => {
      const f = Math.max(frequency(r % height, kx), lowest)
      return (lowest / f) ** (power - 1) / f / Math.sqrt(width * height)
    }),
    ...wavesOf(height, width, 1),
    colours: tf.tensor2d(colourMatrix()),
  }))
  const draw = ({ cosX, sinX, cosY, sinY }: Waves, factor: number): tf.Tensor => {
    const [h, w] = [height * factor, width * factor]
    const [real, imaginary] = variables.map((v) => tf.mul(v, constants.scale))
    // Re(S·e^{i(a+b)}) = cos b·(R cos a − I sin a) − sin b·(R sin a + I cos a), a along rows, b along columns.
    const even = tf.sub(tf.matMul(real, cosX), tf.matMul(imaginary, sinX))
    const odd = tf.add(tf.matMul(real, sinX), tf.matMul(imaginary, cosX))
    const alongY = (t: tf.Tensor, basis: tf.Tensor2D): tf.Tensor => {
      const columns = tf.transpose(tf.reshape(t, [count * channels, height, w]), [0, 2, 1])
      return tf.matMul(tf.reshape(columns, [count * channels * w, height]), basis)
    }
    const planes = tf.mul(tf.sub(alongY(even, cosY), alongY(odd, sinY)), 1 / OUTPUT_SCALE)
    const image = tf.transpose(tf.reshape(planes, [count, channels, w, h]), [0, 3, 2, 1])
    if (channels === 1) return tf.sigmoid(tf.mul(image, LUMINANCE))
    const mixed = tf.matMul(tf.reshape(image, [count * h * w, 3]), constants.colours)
    return tf.sigmoid(tf.reshape(mixed, [count, h, w, 3]))
  }
  return {
    variables,
    pixels: () => draw(constants, 1),
    print: (factor) => tf.tidy(() => draw(wavesOf(height, width, factor), factor)),
    dispose: () => tf.dispose([variables, Object.values(constants)]),
  }
}
