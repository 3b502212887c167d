import { lighten, mix, scale, shadow } from "./colour.ts"
import type { FacePoint, Head } from "./head.ts"
import { between, type Drawing, smooth } from "./svg.ts"

export interface MouthShape {
  readonly left: FacePoint
  readonly right: FacePoint
  readonly innerTop: readonly FacePoint[]
  readonly innerBottom: readonly FacePoint[]
  readonly outerTop: readonly FacePoint[]
  readonly outerBottom: readonly FacePoint[]
  readonly opening: number
}

/** Corners and lip curves of the mouth in face space, image-left to image-right. */
export const mouthShape = (head: Head): MouthShape => {
  const { mouthWidth, lipFullness, mouthCurve } = head.identity
  const au = (unit: Parameters<Head["au"]>[0]): number => head.au(unit)
  const y = head.mouthY - 0.025 * au(17) - 0.02 * au(9)
  const jaw = head.jawDrop
  const corner = (side: number): FacePoint => {
    const a = (unit: Parameters<Head["au"]>[0]): number => head.au(unit, side)
    const x =
      0.365 * mouthWidth +
      0.17 * a(12) +
      0.16 * a(20) +
      0.03 * a(14) +
      0.02 * a(15) -
      0.035 * a(23) -
      0.13 * a(18) -
      0.1 * au(27) -
      0.04 * au(26)
    const dy =
      -mouthCurve -
      0.26 * a(12) -
      0.05 * a(14) +
      0.22 * a(15) +
      0.04 * a(20) +
      0.05 * a(16) -
      0.02 * a(10) +
      jaw * 0.42
    return [side * x, y + dy, -0.03]
  }
  const [left, right] = [corner(-1), corner(1)]
  const parted = Math.min(1, 3 * au(25))
  const opening = Math.max(
    0,
    0.13 * au(25) + jaw * 0.95 + parted * (0.05 * au(16) + 0.06 * au(10) + 0.075 * au(12)) - 0.05 * au(24),
  )
  const lift = 0.035 * au(12) + 0.11 * au(10) + 0.07 * au(9) - 0.02 * au(18)
  const top = y - lift * (opening > 0.02 ? 1 : 0.45) + 0.01 * au(15)
  const bottom = top + opening + 0.001
  const press = Math.max(
    0.2,
    1 - 0.35 * au(12) - 0.55 * au(24) - 0.35 * au(23) - 0.12 * au(20) - 0.2 * au(27) + 0.25 * au(18),
  )
  const upperLip = 0.088 * lipFullness * press
  const lowerLip = 0.128 * lipFullness * Math.max(0.2, press + 0.1 * au(16) + 0.15 * au(17) * (1 - au(24)))
  const square = 0.075 * au(10) + 0.05 * au(9)
  const at = (t: number, height: number, lip: number): FacePoint => {
    const c = t < 0 ? left : right
    const share = Math.abs(t)
    return [c[0] * share, height + (c[1] - height) * share ** 2.2, lip]
  }
  const curve = (height: number, bulge: number, lip: number): FacePoint[] => [
    left,
    ...[-0.66, -0.34, 0, 0.34, 0.66].map((t): FacePoint => {
      const p = at(t, height, lip)
      return [p[0], p[1] + bulge * (1 - t * t), p[2] ?? 0]
    }),
    right,
  ]
  const relief = 0.06
  const innerTop = curve(top, 0, relief).map((p, i): FacePoint =>
    i === 3 ? [p[0], p[1] + 0.012 * (1 - au(27)), relief] : p,
  )
  const innerBottom = curve(bottom, 0, relief).map((p, i): FacePoint => {
    const round = [0, 0.35, 0.12, 0, 0.12, 0.35, 0][i] * opening
    return [p[0], p[1] + round * (0.35 + 0.5 * (au(26) + au(27))), p[2] ?? 0]
  })
  const bow = [0, 0.62, 1.02, 0.84, 1.02, 0.62, 0]
  const outerTop = innerTop.map((p, i): FacePoint => [
    p[0],
    p[1] - upperLip * bow[i] - square * [0, 0.75, 0.6, 0.2, 0.6, 0.75, 0][i],
    0.05,
  ])
  const belly = [0, 0.52, 0.92, 1, 0.92, 0.52, 0]
  const outerBottom = innerBottom.map((p, i): FacePoint => [p[0] * 0.98, p[1] + lowerLip * belly[i], 0.05])
  return { left, right, innerTop, innerBottom, outerTop, outerBottom, opening }
}

const drawInside = (d: Drawing, head: Head, m: MouthShape): void => {
  const u = head.place.unit
  const au = (unit: Parameters<Head["au"]>[0]): number => head.au(unit)
  const inside = between(
    m.innerTop.map((p) => head.at(p)),
    m.innerBottom.map((p) => head.at(p)),
  )
  d.fill(inside, [58, 16, 20])
  d.open(`clip-path="${d.clip(inside)}"`)
  if (m.opening > 0.15) {
    const [tx, ty] = head.at([0, m.innerBottom[3][1] - 0.02])
    d.ellipse(
      tx,
      ty,
      0.24 * u,
      Math.min(0.16, m.opening * 0.42) * u,
      d.radial([
        [0, [196, 96, 98], 1],
        [0.7, [158, 62, 66], 1],
        [1, [110, 36, 40], 1],
      ]),
      0.95,
      head.pose.roll,
    )
  }
  const show = Math.min(1, 0.25 + 0.95 * au(12) + 0.8 * au(10) + 0.5 * au(20) + 0.25 * au(26) + 0.4 * au(9))
  const height = Math.min(m.opening * 0.86, 0.15) * show
  if (height > 0.012) {
    const edge = m.innerTop.map((p): FacePoint => [
      p[0] * 0.93,
      p[1] + height * (1 - 0.5 * (Math.abs(p[0]) / 0.5) ** 2),
      0,
    ])
    const shape = between(
      m.innerTop.map((p) => head.at([p[0], p[1] - 0.03, 0])),
      edge.map((p) => head.at(p)),
    )
    d.fill(shape, [240, 234, 222])
    if (u > 30) {
      for (const x of [-0.29, -0.21, -0.125, 0, 0.125, 0.21, 0.29]) {
        d.stroke(
          smooth([
            head.at([x, m.innerTop[3][1] - 0.1, 0]),
            head.at([x * 0.97, m.innerTop[3][1] + height * 0.97, 0]),
          ]),
          [170, 150, 138],
          0.011 * u,
          0.55,
        )
      }
    }
  }
  const lowerTeeth = Math.min(m.opening * 0.4, 0.085) * Math.min(1, au(16) + 0.75 * au(20) * (1 - au(12)))
  if (lowerTeeth > 0.012) {
    const edge = m.innerBottom.map((p): FacePoint => [p[0] * 0.8, p[1] - lowerTeeth, 0])
    d.fill(
      between(
        edge.map((p) => head.at(p)),
        m.innerBottom.map((p) => head.at([p[0], p[1] + 0.02, 0])),
      ),
      [222, 214, 200],
    )
  }
  d.softStroke(smooth(m.innerTop.map((p) => head.at(p))), [40, 10, 14], 0.05 * u, 0.5)
  for (const c of [m.left, m.right]) {
    const [x, y] = head.at(c)
    d.blob(x, y, 0.13 * u, 0.1 * u, [40, 10, 14], 0.8)
  }
  d.close()
}

/** Lips, what is between them, and the shade around them. */
export const drawMouth = (d: Drawing, head: Head): void => {
  const u = head.place.unit
  const { skin, lip, makeup, feminine } = head.identity
  const m = mouthShape(head)
  const project = (points: readonly FacePoint[]) => points.map((p) => head.at(p))
  const under = m.outerBottom[3][1]
  const [sx, sy] = head.at([0, under + 0.075])
  d.blob(sx, sy, 0.3 * u, 0.085 * u, shadow(skin, 0.42), 0.6, head.pose.roll)
  const upper = between(project(m.outerTop), project(m.innerTop))
  const lower = between(project(m.innerBottom), project(m.outerBottom))
  const edge = mix(lip, skin, feminine ? 0.5 - 0.3 * Math.min(1, makeup) : 0.6)
  d.stroke(upper, edge, 0.028 * u, 0.55)
  d.stroke(lower, edge, 0.03 * u, 0.5)
  d.fill(
    upper,
    d.linear([
      [0, mix(lip, skin, feminine ? 0.1 : 0.3), 1],
      [1, shadow(lip, 0.28), 1],
    ]),
  )
  d.fill(
    lower,
    d.linear([
      [0, shadow(lip, 0.1), 1],
      [0.45, lighten(lip, 0.12), 1],
      [1, shadow(lip, 0.18), 1],
    ]),
  )
  const [gx, gy] = head.at([0.02, m.innerBottom[3][1] + (under - m.innerBottom[3][1]) * 0.45, 0.06])
  d.blob(gx, gy, 0.17 * u, 0.05 * u, [255, 244, 238], 0.22 + 0.25 * Math.min(1, makeup), head.pose.roll)
  if (m.opening > 0.018) drawInside(d, head, m)
  const line = smooth(project(m.innerTop))
  d.stroke(line, scale(shadow(lip, 0.6), 0.75), (m.opening > 0.018 ? 0.018 : 0.026) * u, 0.85)
  for (const side of [-1, 1]) {
    const c = side < 0 ? m.left : m.right
    const pull = Math.min(
      1,
      head.au(12, side) + head.au(14, side) + 0.6 * head.au(15, side) + 0.5 * head.au(20, side),
    )
    const [x, y] = head.at([c[0] + side * 0.015, c[1]])
    d.blob(x, y, 0.075 * u, 0.07 * u, shadow(skin, 0.62), 0.45 + 0.4 * pull)
    const droop = head.au(15, side) + 0.3 * Math.max(0, (head.identity.age - 45) / 30)
    if (droop > 0.12) {
      d.softStroke(
        smooth([
          head.at([c[0], c[1]]),
          head.at([c[0] + side * 0.035, c[1] + 0.09]),
          head.at([c[0] + side * 0.02, c[1] + 0.19]),
        ]),
        shadow(skin, 0.55),
        0.03 * u,
        0.5 * Math.min(1, droop),
      )
    }
  }
}
