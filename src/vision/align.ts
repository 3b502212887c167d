import { crop, raster, type Raster } from "./raster.ts"
import { resizeArea } from "./resize.ts"

/** A point in pixels; (0, 0) is the centre of the top left pixel. */
export type Point = readonly [x: number, y: number]

/** Left eye, right eye, nose, left and right mouth corner, left and right as seen in the picture. */
export type FivePoints = readonly [Point, Point, Point, Point, Point]

/** Where the five points of a face lie in a 112 × 112 crop: the template customary since ArcFace (2019). */
export const faceTemplate: FivePoints = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
]

const templateSide = 112

/** The map (x, y) → (a·x − b·y + tx, b·x + a·y + ty): rotation, one scale √(a² + b²), translation. */
export interface Similarity {
  readonly a: number
  readonly b: number
  readonly tx: number
  readonly ty: number
}

/**
 * The similarity that takes `from` to `to` with the least sum of squared errors (Umeyama 1991). In the plane
 * and without reflections, the solution is the complex regression coefficient Σ p̄·q / Σ |p|² of the centred points.
 * @throws RangeError for lists of different length, or fewer than two different points in `from`
 */
export function similarityBetween(from: ReadonlyArray<Point>, to: ReadonlyArray<Point>): Similarity {
  if (from.length !== to.length || from.length < 2) {
    throw new RangeError(
      `A similarity needs two or more pairs of points, not ${from.length} and ${to.length}.`,
    )
  }
  const n = from.length
  const mean = (points: ReadonlyArray<Point>, axis: 0 | 1) => points.reduce((s, p) => s + p[axis], 0) / n
  const [px, py, qx, qy] = [mean(from, 0), mean(from, 1), mean(to, 0), mean(to, 1)]
  let re = 0
  let im = 0
  let norm = 0
  for (let i = 0; i < n; i++) {
    const x = from[i][0] - px
    const y = from[i][1] - py
    const u = to[i][0] - qx
    const v = to[i][1] - qy
    re += x * u + y * v
    im += x * v - y * u
    norm += x * x + y * y
  }
  if (!(norm > 0) || !Number.isFinite(re) || !Number.isFinite(im)) {
    throw new RangeError("A similarity needs finite points that do not all coincide.")
  }
  const a = re / norm
  const b = im / norm
  return { a, b, tx: qx - a * px + b * py, ty: qy - b * px - a * py }
}

/** Where a similarity takes a point. */
export function mapPoint({ a, b, tx, ty }: Similarity, [x, y]: Point): Point {
  return [a * x - b * y + tx, b * x + a * y + ty]
}

/** The similarity that undoes another. @throws RangeError when its scale is zero */
export function invertSimilarity({ a, b, tx, ty }: Similarity): Similarity {
  const norm = a * a + b * b
  if (!(norm > 0)) throw new RangeError("A similarity of scale 0 cannot be undone.")
  const ia = a / norm
  const ib = -b / norm
  return { a: ia, b: ib, tx: -ia * tx + ib * ty, ty: -ib * tx - ia * ty }
}

/**
 * Template points in a crop of `size` pixels a side, the view widened by `margin` of the template's side each
 * way (0 for the usual tight crop; 0.25 brings in hair and chin). The centre of the crop stays in place.
 */
export function templatePoints(size: number, margin: number): FivePoints {
  const scale = size / (templateSide * (1 + 2 * margin))
  const place = (v: number) => (v + 0.5 - templateSide / 2) * scale + size / 2 - 0.5
  const [e, f, n, l, r] = faceTemplate
  const point = ([x, y]: Point): Point => [place(x), place(y)]
  return [point(e), point(f), point(n), point(l), point(r)]
}

/**
 * Draws the picture through a similarity (picture → output) by inverse bilinear sampling; outside the picture
 * is zero. Where the output is less than half as fine as the picture, the picture is first shrunk by a whole
 * factor, so that no detail folds into noise.
 */
export function warp(image: Raster, forward: Similarity, width: number, height: number): Raster {
  const inverse = invertSimilarity(forward)
  const factor = Math.floor(Math.hypot(inverse.a, inverse.b))
  if (factor < 2) return sample(image, inverse, width, height)
  // Shrink only what the output can see, cut at whole blocks.
  const corners = [
    mapPoint(inverse, [-1, -1]),
    mapPoint(inverse, [width, -1]),
    mapPoint(inverse, [-1, height]),
    mapPoint(inverse, [width, height]),
  ]
  const low = (axis: 0 | 1) => Math.max(-1, Math.floor(Math.min(...corners.map((p) => p[axis])) / factor) - 1)
  const high = (axis: 0 | 1, side: number) =>
    Math.min(Math.ceil(side / factor) + 1, Math.ceil(Math.max(...corners.map((p) => p[axis])) / factor) + 1)
  const x0 = low(0)
  const y0 = low(1)
  const columns = high(0, image.width) - x0
  const rows = high(1, image.height) - y0
  if (columns < 1 || rows < 1) return raster(width, height, image.channels)
  const seen = crop(image, x0 * factor, y0 * factor, columns * factor, rows * factor)
  const small = resizeArea(seen, columns, rows)
  // Block i of the shrunk picture has its centre at factor·(x0 + i) + (factor − 1)/2.
  const middle = (factor - 1) / 2
  return sample(
    small,
    {
      a: inverse.a / factor,
      b: inverse.b / factor,
      tx: (inverse.tx - middle) / factor - x0,
      ty: (inverse.ty - middle) / factor - y0,
    },
    width,
    height,
  )
}

function sample(image: Raster, inverse: Similarity, width: number, height: number): Raster {
  const out = raster(width, height, image.channels)
  const { data, channels: c } = image
  const { a, b, tx, ty } = inverse
  const stride = image.width * c
  for (let v = 0, o = 0; v < height; v++) {
    for (let u = 0; u < width; u++, o += c) {
      const x = a * u - b * v + tx
      const y = b * u + a * v + ty
      const x0 = Math.floor(x)
      const y0 = Math.floor(y)
      if (x0 < -1 || y0 < -1 || x0 >= image.width || y0 >= image.height) continue
      const fx = x - x0
      const fy = y - y0
      const left = x0 >= 0 ? 1 - fx : 0
      const right = x0 + 1 < image.width ? fx : 0
      const top = y0 >= 0 ? 1 - fy : 0
      const bottom = y0 + 1 < image.height ? fy : 0
      const p = y0 * stride + x0 * c
      for (let k = 0; k < c; k++) {
        // Reads outside of the data give undefined; their weight is zero.
        const upper = top === 0 ? 0 : top * (left * (data[p + k] ?? 0) + right * (data[p + c + k] ?? 0))
        const lower =
          bottom === 0
            ? 0
            : bottom * (left * (data[p + stride + k] ?? 0) + right * (data[p + stride + c + k] ?? 0))
        out.data[o + k] = upper + lower + 0.5
      }
    }
  }
  return out
}

export interface AlignOptions {
  /** Side of the square crop in pixels; 112. */
  readonly size?: number
  /** How much wider than the template the view is, each way, as a part of its side; 0, more than −0.5. */
  readonly margin?: number
}

/**
 * Turns, scales and moves a face so that its five points come as near as possible to the template.
 * @returns a square raster with the channels of the picture; zero where the view leaves the picture
 * @throws RangeError for points that coincide or are not finite, or a bad size or margin
 */
export function alignFace(image: Raster, points: FivePoints, options: AlignOptions = {}): Raster {
  const size = options.size ?? templateSide
  const margin = options.margin ?? 0
  if (!Number.isInteger(size) || size < 1)
    throw new RangeError(`A crop's side is a whole number, not ${size}.`)
  if (!(margin > -0.5 && margin < 10)) throw new RangeError(`A margin is between −0.5 and 10, not ${margin}.`)
  return warp(image, similarityBetween(points, templatePoints(size, margin)), size, size)
}
