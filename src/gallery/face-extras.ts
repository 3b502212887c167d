import { lighten, mix, scale, shadow } from "./colour.ts"
import type { Head, Point } from "./head.ts"
import { type Drawing, smooth } from "./svg.ts"

/** Spectacles or sunglasses. */
export const drawGlasses = (d: Drawing, head: Head): void => {
  const { glasses, glassesColour: colour, eyeSpacing } = head.identity
  if (glasses === "none") return
  const u = head.place.unit
  const width = { thin: 0.02, thick: 0.05, round: 0.024, dark: 0.035 }[glasses] * u
  for (const side of [-1, 1]) {
    const points: Point[] = []
    const [rx, ry] = glasses === "round" ? [0.29, 0.27] : [0.335, 0.235]
    const power = glasses === "round" ? 1 : 0.55
    for (let i = 0; i < 16; i++) {
      const a = (i / 16) * Math.PI * 2
      const [c, s] = [Math.cos(a), Math.sin(a)]
      points.push(
        head.at([
          side * (eyeSpacing + 0.01) + rx * Math.sign(c) * Math.abs(c) ** power,
          0.035 + ry * Math.sign(s) * Math.abs(s) ** power,
          0.16,
        ]),
      )
    }
    const shape = smooth(points, true)
    if (glasses === "dark")
      d.fill(
        shape,
        d.linear([
          [0, [20, 20, 24], 0.96],
          [1, [60, 56, 58], 0.85],
        ]),
      )
    else
      d.fill(
        shape,
        d.linear(
          [
            [0, [255, 255, 255], 0.22],
            [0.5, [255, 255, 255], 0.03],
            [1, [210, 230, 255], 0.12],
          ],
          0,
          0,
          1,
          1,
        ),
      )
    d.stroke(shape, colour, width, 0.95)
    if (u > 20) d.stroke(shape, lighten(colour, 0.5), width * 0.25, 0.5)
    if (side * head.sinYaw < 0.3)
      d.stroke(
        smooth([head.at([side * (eyeSpacing + rx), -0.04, 0.16]), head.rim(side, -0.06)]),
        colour,
        width,
        0.9,
      )
  }
  const inner = eyeSpacing - (glasses === "round" ? 0.29 : 0.33)
  d.stroke(
    smooth([head.at([-inner, -0.02, 0.18]), head.at([0, -0.06, 0.26]), head.at([inner, -0.02, 0.18])]),
    colour,
    width,
    0.95,
  )
}

/** What covers part of a face now and then. */
export type Occlusion = "none" | "hand" | "cup" | "strand"

/** A hand at the cheek or chin, a cup before the mouth's lower edge, a strand of hair over one eye. */
export const drawOcclusion = (
  d: Drawing,
  head: Head,
  kind: Occlusion,
  side: number,
  height: number,
): void => {
  if (kind === "none") return
  const u = head.place.unit
  const { skin, hair, chin } = head.identity
  if (kind === "strand") {
    const lock = [
      head.at([side * 0.15, -1.1]),
      head.at([side * 0.55, -0.55]),
      head.at([side * 0.72, 0.05]),
      head.at([side * 0.78, 0.6]),
    ]
    d.stroke(smooth(lock), scale(hair, 0.8), 0.16 * u, 0.95)
    d.stroke(smooth(lock), lighten(hair, 0.2), 0.05 * u, 0.6)
    return
  }
  if (kind === "cup") {
    const [x, y] = head.at([side * 0.22, head.mouthY + 0.3, 0.3])
    const [w, h] = [0.42 * u, 0.72 * u]
    d.ellipse(x + side * w, y + h * 0.45, 0.2 * u, 0.24 * u, "none")
    d.fill(
      `M${x - w} ${y}L${x + w} ${y}L${x + w * 0.85} ${y + h}L${x - w * 0.85} ${y + h}Z`,
      d.linear(
        [
          [0, [246, 244, 238], 1],
          [1, [176, 172, 164], 1],
        ],
        0,
        0,
        1,
        0,
      ),
    )
    d.ellipse(x, y, w, 0.09 * u, [112, 76, 52])
    d.stroke(
      `M${x - w} ${y}a${w} ${0.09 * u} 0 1 0 ${2 * w} 0a${w} ${0.09 * u} 0 1 0 ${-2 * w} 0`,
      [250, 248, 244],
      0.04 * u,
    )
    return
  }
  const fingers = 4
  const floor = Math.max(height, head.place.y + 3 * u)
  const [bx, by] = head.at([side * 0.86, head.mouthY + 0.35])
  d.fill(
    `M${bx - side * 0.3 * u} ${by + 0.05 * u}L${bx + side * 0.32 * u} ${by - 0.15 * u}L${bx + side * 0.5 * u} ${floor}L${bx - side * 0.2 * u} ${floor}Z`,
    d.linear(
      [
        [0, skin, 1],
        [1, shadow(skin, 0.35), 1],
      ],
      0,
      0,
      1,
      0,
    ),
  )
  for (let i = 0; i < fingers; i++) {
    const root = head.at([side * (0.95 - i * 0.1 * chin), head.mouthY + 0.42 + i * 0.02])
    const tip = head.at([side * (0.93 - i * 0.15), 0.32 + i * 0.15])
    d.stroke(smooth([root, tip]), shadow(skin, 0.5), 0.205 * u)
    d.stroke(smooth([root, tip]), shadow(skin, 0.08 + 0.05 * i), 0.17 * u)
    d.ellipse(
      tip[0],
      tip[1] - 0.02 * u,
      0.045 * u,
      0.05 * u,
      lighten(mix(skin, [230, 150, 140], 0.3), 0.2),
      0.8,
    )
  }
}
