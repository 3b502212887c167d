import * as tf from "@tensorflow/tfjs"
import type { Random } from "../random.ts"

/** A small change of view: rotation and scale about the centre, then a shift. */
export interface View {
  readonly degrees: number
  readonly scale: number
  readonly shiftX: number
  readonly shiftY: number
}

/** Sizes up to this one get shifts in proportion; the published amounts are for pictures of about this size. */
const FULL_SIZE = 128

/**
 * A random view as published (jitter 8, scale 0.9 … 1.1, rotation ±10°, jitter 4), the two jitters in pixels shrunk
 * in proportion below 128 pixels: 8 of 48 pixels would move a face half out of the picture.
 */
export const randomView = (size: number, random: Random): View => {
  const share = Math.min(1, size / FULL_SIZE)
  const either = (amount: number): number => (2 * random.uniform() - 1) * amount
  return {
    shiftX: (either(8) + either(4)) * share,
    shiftY: (either(8) + either(4)) * share,
    scale: 1 + either(0.1),
    degrees: either(10),
  }
}

/**
 * Weights of a one-dimensional linear interpolation, [lines, from, to]: `position(line, to)` is where a value of the
 * result lies in its line of the source; outside of the source nothing is picked up.
 */
const interpolation = (
  lines: number,
  from: number,
  to: number,
  position: (line: number, to: number) => number,
): tf.Tensor3D => {
  const weights = new Float32Array(lines * from * to)
  for (let line = 0; line < lines; line++)
    for (let k = 0; k < to; k++) {
      const p = position(line, k)
      const low = Math.floor(p)
      const put = (i: number, w: number): void => {
        if (i >= 0 && i < from) weights[(line * from + i) * to + k] += w
      }
      put(low, low + 1 - p)
      put(low + 1, p - low)
    }
  return tf.tensor3d(weights, [lines, from, to])
}

/**
 * See pictures [N, H, W, C] under a view; what comes in from outside is `outside`. Differentiable on any backend:
 * the rotation is done in two passes of one-dimensional interpolation (Catmull & Smith 1980), along rows and then
 * along columns, each one batched matrix product.
 */
export const warp = (pictures: tf.Tensor, view: View, outside: number): tf.Tensor => {
  const [n, h, w, c] = pictures.shape
  const [cx, cy] = [(w - 1) / 2, (h - 1) / 2]
  const angle = (view.degrees * Math.PI) / 180
  // Source of result (x, y): u = a·x + b·y + e, v = −b·x + a·y + f.
  const [a, b] = [Math.cos(angle) / view.scale, -Math.sin(angle) / view.scale]
  const e = cx + view.shiftX - a * cx - b * cy
  const f = cy + view.shiftY + b * cx - a * cy
  // Row v of the source and column x of the result meet where y = (v + b·x − f) / a.
  const alongX = interpolation(h, w, w, (v, x) => a * x + (b * (v + b * x - f)) / a + e)
  const alongY = interpolation(w, h, h, (x, y) => -b * x + a * y + f)
  const rows = tf.reshape(tf.transpose(tf.sub(pictures, outside), [1, 0, 3, 2]), [h, n * c, w])
  const columns = tf.transpose(tf.matMul(rows, alongX), [2, 1, 0])
  const result = tf.reshape(tf.matMul(columns, alongY), [w, n, c, h])
  return tf.add(tf.transpose(result, [1, 3, 0, 2]), outside)
}
