import { lighten, mix, scale, shadow, type Rgb } from "./colour.ts"
import { type FacePoint, type Head, type Point, vertexY } from "./head.ts"
import { mouthShape } from "./face-mouth.ts"
import type { Random } from "./random.ts"
import { type Drawing, smooth } from "./svg.ts"

/** One ear; it hides behind the head when the face turns towards its side. */
export const drawEar = (d: Drawing, head: Head, side: number): void => {
  const turned = side * head.sinYaw
  if (turned > 0.3) return
  const u = head.place.unit
  const { skin } = head.identity
  const [x, y] = head.rim(side, 0.17)
  const grow = 1 - Math.max(0, turned) * 2.2 + Math.max(0, -turned) * 0.5
  const out = side * 0.06 * u * grow
  const [cx, cy] = [x + out * head_cos(head), y + out * head_sin(head)]
  const tilt = head.pose.roll + side * 10
  d.ellipse(
    cx,
    cy,
    0.135 * u * grow,
    0.27 * u,
    d.radial([
      [0, shadow(skin, 0.32), 1],
      [0.55, shadow(skin, 0.16), 1],
      [1, shadow(skin, 0.08), 1],
    ]),
    1,
    tilt,
  )
  d.ellipse(cx - side * 0.01 * u, cy, 0.06 * u * grow, 0.15 * u, shadow(skin, 0.5), 0.4, tilt)
  if (head.identity.earrings) {
    const [ex, ey] = head.rim(side, 0.44)
    d.ellipse(ex + out, ey + 0.02 * u, 0.035 * u, 0.045 * u, [226, 196, 120])
    d.ellipse(ex + out - 0.01 * u, ey, 0.012 * u, 0.015 * u, [255, 250, 230])
  }
}
const head_cos = (head: Head): number => Math.cos((head.pose.roll * Math.PI) / 180)
const head_sin = (head: Head): number => Math.sin((head.pose.roll * Math.PI) / 180)

/** Skin of the face with its broad tones: cheeks, forehead, temples. */
export const drawSkin = (d: Drawing, head: Head, random: Random): void => {
  const u = head.place.unit
  const { skin, age, freckles, feminine } = head.identity
  const skull = head.outline(vertexY, -0.12, 0, 7)
  // Down the left side, around the chin, up the right side, over the vertex.
  const contour: Point[] = [...head.jawline(0), ...skull.slice(8), ...skull.slice(1, 8)]
  const shape = smooth(contour, true)
  d.fill(
    shape,
    d.radial(
      [
        [0, lighten(skin, 0.1), 1],
        [0.55, skin, 1],
        [0.85, shadow(skin, 0.14), 1],
        [1, shadow(skin, 0.3), 1],
      ],
      0.5 + 0.12 * head.sinYaw,
      0.48,
      0.62,
    ),
  )
  d.open(`clip-path="${d.clip(shape)}"`)
  const [fx, fy] = head.at([0, -0.62])
  d.blob(fx, fy, 0.62 * u, 0.36 * u, lighten(skin, 0.4), 0.4, head.pose.roll)
  const blush: Rgb = mix(skin, [206, 74, 66], 0.5)
  for (const side of [-1, 1]) {
    const raise = head.au(6, side) * 0.07 + head.au(12, side) * 0.06
    const [cx, cy] = head.at([side * 0.56, 0.5 - raise])
    d.blob(cx, cy, 0.36 * u, 0.28 * u, blush, 0.24 + (feminine ? 0.06 : 0) + 0.1 * head.au(12, side))
    const [hx, hy] = head.at([side * 0.55, 0.3 - raise])
    d.blob(
      hx,
      hy,
      0.27 * u,
      0.16 * u,
      lighten(skin, 0.55),
      0.35 + 0.25 * head.au(12, side),
      head.pose.roll + side * -18,
    )
    const [tx, ty] = head.at([side * 0.9, -0.4])
    d.blob(tx, ty, 0.25 * u, 0.5 * u, shadow(skin, 0.35), 0.4)
    const [jx, jy] = head.at([side * 0.72, 0.95])
    d.blob(jx, jy, 0.28 * u, 0.36 * u, shadow(skin, 0.35), 0.32 + Math.max(0, (age - 40) / 160))
  }
  const [kx, ky] = head.at([0, head.chinY - 0.14 + head.jawDrop])
  d.blob(kx, ky, 0.22 * u, 0.14 * u, lighten(skin, 0.45), 0.38)
  if (head.au(17) > 0.15) {
    for (let i = 0; i < 7; i++) {
      const [px, py] = head.at([random.range(-0.17, 0.17), head.chinY - random.range(0.1, 0.3)])
      d.blob(px, py, 0.045 * u, 0.04 * u, shadow(skin, 0.5), 0.5 * head.au(17))
    }
  }
  if (freckles && u > 24) {
    for (let i = 0; i < 26; i++) {
      const [px, py] = head.at([random.normal(0, 0.38), random.range(0.1, 0.62)])
      d.ellipse(px, py, 0.016 * u, 0.014 * u, mix(skin, [130, 70, 40], 0.6), 0.5)
    }
  }
  d.close()
}

/** Bridge, tip, wings and nostrils. */
export const drawNose = (d: Drawing, head: Head): void => {
  const u = head.place.unit
  const { skin, noseWidth } = head.identity
  const w = 0.2 * noseWidth * (1 + 0.14 * head.au(9) + 0.06 * head.au(12) + 0.05 * head.au(10))
  const y = head.noseY - 0.075 * head.au(9) - 0.03 * head.au(10)
  const dark = shadow(skin, 0.5)
  for (const side of [-1, 1]) {
    const shade = 0.32 + 0.3 * Math.max(0, side * head.sinYaw) * 2
    const flank = [
      [side * 0.13, -0.12, 0.06],
      [side * 0.1, 0.12, 0.14],
      [side * 0.12, y - 0.12, 0.2],
      [side * w, y + 0.03, 0.1],
    ] as const
    d.softStroke(smooth(flank.map((p) => head.at(p))), dark, 0.07 * u, shade * 0.62)
    const wing: FacePoint[] = [
      [side * (w - 0.01), y - 0.07, 0.12],
      [side * (w + 0.045), y + 0.02, 0.08],
      [side * (w + 0.005), y + 0.105, 0.07],
      [side * (w - 0.07), y + 0.115, 0.1],
    ]
    d.softStroke(smooth(wing.map((p) => head.at(p))), shadow(skin, 0.6), 0.025 * u, 0.75)
    const [nx, ny] = head.at([side * 0.105 * noseWidth, y + 0.105 - 0.01 * head.au(9), 0.16])
    d.ellipse(nx, ny, 0.062 * u, 0.032 * u, scale(shadow(skin, 0.8), 0.8), 0.85, head.pose.roll - side * 18)
  }
  const [ux, uy] = head.at([0, y + 0.15, 0.08])
  d.blob(ux, uy, 0.24 * u, 0.07 * u, dark, 0.6, head.pose.roll)
  const [bx, by] = head.at([0, y * 0.4, 0.2])
  d.blob(bx, by, 0.07 * u, 0.3 * u, lighten(skin, 0.65), 0.42, head.pose.roll)
  const [tx, ty] = head.at([0, y, 0.3])
  d.blob(tx, ty, 0.17 * u, 0.14 * u, mix(skin, [200, 80, 70], 0.25), 0.5)
  d.blob(tx - 0.02 * u, ty - 0.03 * u, 0.08 * u, 0.07 * u, lighten(skin, 0.8), 0.55)
}

/** Folds and wrinkles that muscles and years draw. */
export const drawFolds = (d: Drawing, head: Head): void => {
  const u = head.place.unit
  const { skin, age, noseWidth } = head.identity
  const dark = shadow(skin, 0.58)
  const old = Math.max(0, Math.min(1, (age - 34) / 45))
  const mouth = mouthShape(head)
  for (const side of [-1, 1]) {
    const corner = side < 0 ? mouth.left : mouth.right
    const fold = Math.min(
      1,
      0.1 +
        0.55 * old +
        0.75 * head.au(12, side) +
        0.8 * head.au(10, side) +
        0.65 * head.au(9, side) +
        0.3 * head.au(20, side),
    )
    const lift = 0.05 * head.au(9, side) + 0.03 * head.au(10, side)
    const start: FacePoint = [side * (0.235 * noseWidth + 0.02), head.noseY - 0.03 - lift]
    const bulge = 0.05 + 0.07 * head.au(12, side) + 0.04 * head.au(10, side)
    const middle: FacePoint = [(start[0] + corner[0]) / 2 + side * bulge, (start[1] + corner[1]) / 2 - 0.05]
    const end: FacePoint = [corner[0] + side * (0.07 + 0.02 * head.au(12, side)), corner[1] + 0.03]
    d.softStroke(smooth([start, middle, end].map((p) => head.at(p))), dark, 0.042 * u, 0.72 * fold)
    const crow = Math.min(1, head.au(6, side) * (0.45 + 0.55 * old) + 0.3 * old)
    if (crow > 0.1 && u > 18) {
      const x = head.identity.eyeSpacing + head.identity.eyeWidth + 0.04
      for (const [dy, slope] of [
        [-0.05, -0.07],
        [0, 0.0],
        [0.05, 0.07],
      ] as const) {
        d.softStroke(
          smooth([head.at([side * x, dy * 0.7]), head.at([side * (x + 0.12), dy + slope])]),
          dark,
          0.016 * u,
          0.6 * crow,
        )
      }
    }
    const wrinkle = head.au(9, side)
    if (wrinkle > 0.08) {
      for (const [dy, reach] of [
        [0.0, 0.13],
        [0.08, 0.15],
        [0.16, 0.15],
      ] as const) {
        d.softStroke(
          smooth([head.at([side * 0.035, dy - 0.02, 0.18]), head.at([side * reach, dy + 0.05, 0.06])]),
          dark,
          0.024 * u,
          0.95 * wrinkle,
        )
      }
      d.softStroke(
        smooth([head.at([side * 0.2, 0.13]), head.at([side * 0.34, 0.24]), head.at([side * 0.52, 0.24])]),
        dark,
        0.03 * u,
        0.5 * wrinkle,
      )
    }
    const knit = Math.max(0, head.au(4, side) + 0.2 * old * 0.8)
    if (knit > 0.12) {
      const raise = -0.1 * head.au(1, side)
      d.softStroke(
        smooth([
          head.at([side * 0.075, -0.16 + raise]),
          head.at([side * 0.065, -0.27 + raise]),
          head.at([side * 0.085, -0.38 + raise]),
        ]),
        dark,
        0.028 * u,
        0.85 * Math.min(1, knit),
      )
    }
  }
  const inner = head.au(1)
  const outer = head.au(2)
  const lines = Math.min(1, 0.75 * Math.max(inner, outer) * (0.55 + 0.45 * old) + 0.3 * old)
  if (lines > 0.1) {
    const reach = 0.25 + 0.38 * outer
    for (let i = 0; i < 3; i++) {
      const y = -0.52 - 0.115 * i - 0.05 * Math.max(inner, outer)
      const bend = inner > outer + 0.2 ? 0.05 : -0.03
      d.softStroke(
        smooth([
          head.at([-reach, y + bend]),
          head.at([-reach * 0.4, y]),
          head.at([reach * 0.4, y]),
          head.at([reach, y + bend]),
        ]),
        dark,
        0.022 * u,
        0.5 * lines * (i === 2 ? 0.6 : 1),
      )
    }
  }
}
