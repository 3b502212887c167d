import { lighten, mix, scale, shadow } from "./colour.ts"
import type { FacePoint, Head, Point } from "./head.ts"
import type { Random } from "./random.ts"
import { between, type Drawing, smooth, Strands } from "./svg.ts"

/** Where the eyes look, −1..1 of the free way in each direction. */
export interface Gaze {
  readonly x: number
  readonly y: number
}

interface EyeShape {
  readonly upper: readonly FacePoint[]
  readonly lower: readonly FacePoint[]
  readonly centre: FacePoint
  readonly opening: number
}

/** The lids of one eye in face space; side −1 is the image's left eye. */
export const eyeShape = (head: Head, side: number): EyeShape => {
  const { eyeSpacing, eyeWidth, eyeOpen, eyeTilt } = head.identity
  const au = (unit: Parameters<Head["au"]>[0]): number => head.au(unit, side)
  const closed = Math.min(1, au(43))
  const up =
    0.096 *
    eyeOpen *
    Math.max(0.12, 1 + 1.05 * au(5) - 0.4 * au(7) - 0.14 * au(6) - 0.22 * au(9) - 0.2 * au(4))
  const down = 0.078 * eyeOpen * Math.max(0.1, 1 + 0.18 * au(5) - 0.48 * au(7) - 0.48 * au(6) - 0.3 * au(9))
  const top = up * (1 - closed) - 0.045 * closed
  const bottom = down * (1 - 0.3 * closed)
  const inward = 1 + 0.3 * au(1) - 0.3 * au(4)
  const outward = 1 - 0.22 * au(1) + 0.12 * au(2)
  const line = (t: number, y: number): FacePoint => [
    side * (eyeSpacing + eyeWidth * t),
    y - eyeTilt * t,
    -0.03 + 0.03 * (1 - t * t),
  ]
  return {
    upper: [
      line(-1, 0.022),
      line(-0.62, -top * 0.66 * inward),
      line(-0.1, -top * 1.02),
      line(0.45, -top * 0.88 * outward),
      line(1, 0),
    ],
    lower: [
      line(-1, 0.022),
      line(-0.5, bottom * 0.62),
      line(0.05, bottom),
      line(0.6, bottom * 0.74),
      line(1, 0),
    ],
    centre: line(0, 0.002),
    opening: top + bottom,
  }
}

const drawIris = (d: Drawing, head: Head, shape: EyeShape, gaze: Gaze): void => {
  const u = head.place.unit
  const { iris } = head.identity
  const radius = 0.097 * u
  const [x, y] = head.at([shape.centre[0] + gaze.x * 0.06, shape.centre[1] + gaze.y * 0.03 - 0.004])
  const narrow = Math.max(0.7, Math.cos((head.pose.yaw * 0.8 * Math.PI) / 180))
  d.ellipse(
    x,
    y,
    radius * narrow,
    radius,
    d.radial([
      [0, lighten(iris, 0.25), 1],
      [0.55, iris, 1],
      [0.85, scale(iris, 0.7), 1],
      [1, scale(iris, 0.35), 1],
    ]),
  )
  d.ellipse(x, y, radius * 0.46 * narrow, radius * 0.46, [12, 10, 12])
  if (u > 20) {
    d.ellipse(x - radius * 0.34, y - radius * 0.36, radius * 0.25, radius * 0.25, [255, 255, 255], 0.9)
    d.ellipse(x + radius * 0.35, y + radius * 0.4, radius * 0.16, radius * 0.16, [255, 255, 255], 0.3)
  }
}

/** Socket, eyeball, lids, crease and lashes of one eye. */
export const drawEye = (d: Drawing, head: Head, side: number, gaze: Gaze): void => {
  const u = head.place.unit
  const { identity } = head
  const { skin, makeup, hooded, age } = identity
  const shape = eyeShape(head, side)
  const upper = shape.upper.map((p) => head.at(p))
  const lower = shape.lower.map((p) => head.at(p))
  const dark = shadow(skin, 0.55)
  const [ex, ey] = head.at([shape.centre[0], shape.centre[1] - 0.05])
  d.blob(ex, ey, 0.36 * u, 0.24 * u, shadow(skin, 0.4), 0.5, head.pose.roll)
  const [ix, iy] = head.at([side * (identity.eyeSpacing - identity.eyeWidth * 1.15), -0.02])
  d.blob(ix, iy, 0.13 * u, 0.2 * u, shadow(skin, 0.55), 0.42, head.pose.roll)
  const bag = 0.12 + Math.max(0, (age - 35) / 110) + 0.25 * head.au(6, side) + 0.15 * head.au(7, side)
  const bags = shape.lower.slice(1, 4).map((p, i): FacePoint => [p[0], p[1] + 0.085 + (i === 1 ? 0.02 : 0)])
  d.softStroke(
    smooth([head.at([shape.lower[0][0], shape.lower[0][1] + 0.05]), ...bags.map((p) => head.at(p))]),
    dark,
    0.035 * u,
    bag,
  )
  if (makeup > 0.35) {
    const shade = mix(shadow(skin, 0.5), identity.garmentColour, 0.25)
    const lid = shape.upper.map((p, i): FacePoint => [p[0], p[1] - (i === 0 || i === 4 ? 0 : 0.085)])
    d.fill(
      between(
        lid.map((p) => head.at(p)),
        upper,
      ),
      shade,
      0.5 * makeup,
    )
  }
  const opening = between(upper, lower)
  if (shape.opening > 0.02) {
    d.fill(opening, [238, 234, 230])
    d.open(`clip-path="${d.clip(opening)}"`)
    const [cx, cy] = head.at(shape.centre)
    d.ellipse(
      cx,
      cy,
      0.26 * u,
      0.2 * u,
      d.radial([
        [0, [252, 250, 248], 0],
        [0.55, [250, 246, 244], 0],
        [1, [150, 110, 105], 0.75],
      ]),
    )
    drawIris(d, head, shape, gaze)
    d.softStroke(smooth(upper.map((p): Point => [p[0], p[1] + 0.012 * u])), [40, 26, 26], 0.05 * u, 0.55)
    d.close()
  }
  const lash = mix([30, 22, 22], dark, identity.feminine ? 0.1 : 0.45)
  const lashWidth = (0.024 + 0.02 * Math.min(1, makeup + (identity.feminine ? 0.3 : 0))) * u
  d.stroke(smooth(lower), mix(dark, lash, 0.2), 0.016 * u, 0.65)
  d.stroke(smooth(upper), lash, lashWidth, 0.95)
  const raise = 0.075 * (1 - 0.75 * hooded) + 0.03 * head.au(5, side) - 0.02 * head.au(7, side)
  const crease = shape.upper.map((p, i): FacePoint => [p[0], p[1] - raise * [0.35, 0.95, 1.05, 1, 0.35][i]])
  d.softStroke(smooth(crease.map((p) => head.at(p))), dark, 0.026 * u, 0.75)
  if (identity.feminine && u > 22) {
    const lashes = new Strands()
    for (let i = 0; i < 6; i++) {
      const t = 0.4 + i * 0.12
      const at = t * (shape.upper.length - 1)
      const k = Math.min(shape.upper.length - 2, Math.floor(at))
      const [a, b] = [shape.upper[k], shape.upper[k + 1]]
      const p: FacePoint = [a[0] + (b[0] - a[0]) * (at - k), a[1] + (b[1] - a[1]) * (at - k)]
      const tip: FacePoint = [
        p[0] + side * (0.01 + 0.035 * t),
        p[1] - 0.03 - 0.008 * i * (makeup + 0.3),
        0.05,
      ]
      lashes.add(0, [head.at(p), head.at(tip)])
    }
    lashes.paint(d, [lash], [0.013 * u], 0.8)
  }
}

/** Brow line in face space from the inner end to the tail. */
export const browLine = (head: Head, side: number): FacePoint[] => {
  const { browHeight, browArch, eyeSpacing } = head.identity
  const au = (unit: Parameters<Head["au"]>[0]): number => head.au(unit, side)
  const base = -0.315 - browHeight
  const shift = eyeSpacing - 0.445
  const inner = base - 0.235 * au(1) + 0.21 * au(4) + 0.07 * au(9) - 0.02 * au(5)
  const early = base - 0.035 - 0.17 * au(1) - 0.12 * au(2) + 0.19 * au(4) + 0.06 * au(9)
  const middle = base - 0.045 - browArch * 0.8 - 0.05 * au(1) - 0.23 * au(2) + 0.09 * au(4) + 0.03 * au(9)
  const tail = base + 0.05 - 0.13 * au(2) + 0.06 * au(1) * (1 - au(2)) + 0.01 * au(4)
  return [
    [side * (0.155 + shift - 0.05 * au(4)), inner, 0.02],
    [side * (0.32 + shift - 0.04 * au(4)), early, 0.03],
    [side * (0.56 + shift), middle, 0.02],
    [side * (0.77 + shift), tail, 0],
  ]
}

/** One brow: a tapered body under separate hairs. */
export const drawBrow = (d: Drawing, head: Head, side: number, random: Random): void => {
  const u = head.place.unit
  const { browThickness, brow, skin } = head.identity
  const line = browLine(head, side)
  const widths = [0.85, 1, 0.85, 0.15]
  const offset = (sign: number): Point[] =>
    line.map((p, i) => head.at([p[0], p[1] + sign * widths[i] * browThickness * 0.62, p[2] ?? 0]))
  const body = between(offset(-1), offset(1))
  d.stroke(body, mix(brow, skin, 0.5), 0.05 * u, 0.35)
  d.fill(body, mix(brow, skin, 0.12), 0.78)
  if (u < 26) return
  const strands = new Strands()
  const count = Math.min(32, Math.round(10 + u / 5))
  for (let i = 0; i < count; i++) {
    const t = (i + random.next()) / count
    const at = t * 2.999
    const k = Math.floor(at)
    const [a, b] = [line[k], line[k + 1]]
    const w = browThickness * (widths[k] + (widths[k + 1] - widths[k]) * (at - k))
    const x = a[0] + (b[0] - a[0]) * (at - k)
    const y = a[1] + (b[1] - a[1]) * (at - k) + random.range(-0.35, 0.65) * w
    const slope = (b[1] - a[1]) / Math.max(0.05, Math.abs(b[0] - a[0]))
    const reach = (0.06 + 0.04 * t) * (1 - 0.65 * t)
    const tip: FacePoint = [x + side * reach, y + slope * reach - w * 0.55 * (1 - t), 0.03]
    strands.add(random.int(0, 2), [head.at([x, y, 0.03]), head.at(tip)])
  }
  const tones = [scale(brow, 0.6), scale(brow, 0.85), scale(brow, 1.15)]
  strands.paint(d, tones, [0.016 * u, 0.016 * u, 0.014 * u], 0.7)
}
