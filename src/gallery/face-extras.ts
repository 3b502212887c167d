import { lighten, mix, scale, shadow } from "./colour.ts"
import type { FacePoint, Head, Point } from "./head.ts"
import { mouthShape } from "./face-mouth.ts"
import type { Random } from "./random.ts"
import { type Drawing, smooth } from "./svg.ts"

/** Neck, shoulders and clothes; the body follows the head's tilt only a little. */
export const drawBody = (d: Drawing, head: Head, height: number): void => {
  const u = head.place.unit
  const { skin, garment, garmentColour: cloth, feminine } = head.identity
  const [cx, cy] = head.rim(0, head.chinY * 0.86)
  const [jx] = head.rim(0, 0.4)
  const x = cx * 0.45 + jx * 0.55
  const w = (feminine ? 0.5 : 0.62) * u
  const bottom = Math.min(height + 2 * u, cy + 4 * u)
  const shoulder = cy + 0.92 * u
  const span = (feminine ? 1.75 : 2.1) * u
  const neck = `M${x - w} ${cy - 0.6 * u}C${x - w} ${cy + 0.35 * u} ${x - w * 1.05} ${cy + 0.5 * u} ${x - w * 1.8} ${shoulder}L${x - w * 1.8} ${bottom}L${x + w * 1.8} ${bottom}L${x + w * 1.8} ${shoulder}C${x + w * 1.05} ${cy + 0.5 * u} ${x + w} ${cy + 0.35 * u} ${x + w} ${cy - 0.6 * u}Z`
  d.fill(
    neck,
    d.linear(
      [
        [0, shadow(skin, 0.5), 1],
        [0.25, shadow(skin, 0.34), 1],
        [0.5, shadow(skin, 0.12), 1],
        [1, skin, 1],
      ],
      0,
      0,
      0,
      0.6,
    ),
  )
  d.softStroke(
    smooth([
      [x - w * 0.72, cy + 0.15 * u],
      [x - w * 0.3, shoulder - 0.05 * u],
    ]),
    shadow(skin, 0.5),
    0.06 * u,
    0.35,
  )
  d.softStroke(
    smooth([
      [x + w * 0.72, cy + 0.15 * u],
      [x + w * 0.3, shoulder - 0.05 * u],
    ]),
    shadow(skin, 0.5),
    0.06 * u,
    0.35,
  )
  const dip = (garment === "vneck" || garment === "suit" ? 0.95 : garment === "crew" ? 0.28 : 0.18) * u
  const top = shoulder - 0.22 * u
  const wide = w * (garment === "crew" ? 1.25 : 1.12)
  const neckline =
    garment === "vneck" || garment === "suit"
      ? `L${x} ${top + dip}L${x + wide} ${top}`
      : `C${x - wide * 0.6} ${top + dip * 1.3} ${x + wide * 0.6} ${top + dip * 1.3} ${x + wide} ${top}`
  const body = `M${x - span} ${bottom}C${x - span} ${shoulder + 0.75 * u} ${x - span * 0.95} ${shoulder + 0.3 * u} ${x - wide * 1.6} ${top + 0.12 * u}L${x - wide} ${top}${neckline}L${x + wide * 1.6} ${top + 0.12 * u}C${x + span * 0.95} ${shoulder + 0.3 * u} ${x + span} ${shoulder + 0.75 * u} ${x + span} ${bottom}Z`
  if (garment === "suit") {
    d.fill(
      `M${x - wide} ${top}L${x} ${top + 1.3 * u}L${x + wide} ${top}L${x + wide * 1.2} ${bottom}L${x - wide * 1.2} ${bottom}Z`,
      [232, 232, 236],
    )
    d.fill(
      `M${x - 0.1 * u} ${top + 0.34 * u}L${x + 0.1 * u} ${top + 0.34 * u}L${x + 0.16 * u} ${bottom}L${x - 0.16 * u} ${bottom}Z`,
      shadow(lighten(cloth, 0.1), 0.2),
    )
    d.fill(
      `M${x - wide} ${top}L${x - w * 0.6} ${top - 0.08 * u}L${x} ${top + 0.36 * u}L${x - 0.3 * u} ${top + 0.6 * u}Z`,
      [246, 246, 248],
    )
    d.fill(
      `M${x + wide} ${top}L${x + w * 0.6} ${top - 0.08 * u}L${x} ${top + 0.36 * u}L${x + 0.3 * u} ${top + 0.6 * u}Z`,
      [236, 236, 240],
    )
  }
  const dark = garment === "suit" ? scale(cloth, 0.55) : cloth
  d.fill(
    body,
    d.linear(
      [
        [0, lighten(dark, 0.12), 1],
        [0.4, dark, 1],
        [1, scale(dark, 0.65), 1],
      ],
      0,
      0,
      0.25,
      1,
    ),
  )
  d.softStroke(
    smooth([
      [x - span * 0.62, shoulder + 0.5 * u],
      [x - span * 0.5, shoulder + 1.1 * u],
      [x - span * 0.55, bottom],
    ]),
    scale(dark, 0.5),
    0.06 * u,
    0.5,
  )
  d.softStroke(
    smooth([
      [x + span * 0.62, shoulder + 0.5 * u],
      [x + span * 0.5, shoulder + 1.1 * u],
      [x + span * 0.55, bottom],
    ]),
    scale(dark, 0.5),
    0.06 * u,
    0.5,
  )
  if (garment === "collar" || garment === "hood") {
    for (const s of [-1, 1]) {
      const grow = garment === "hood" ? 1.4 : 1
      d.fill(
        `M${x + s * wide * grow} ${top - 0.1 * u}L${x + s * 0.04 * u} ${top + 0.38 * u * grow}L${x + s * 0.42 * u} ${top + 0.62 * u}L${x + s * wide * 1.5 * grow} ${top + 0.2 * u}Z`,
        lighten(dark, s < 0 ? 0.22 : 0.08),
      )
    }
  } else if (garment === "crew") {
    d.stroke(`M${x - wide} ${top}${neckline}`, scale(dark, 0.78), 0.08 * u, 0.9)
  }
  // The head's own shadow on the neck.
  d.blob(x + 0.1 * u, cy + 0.26 * u, 0.78 * u, 0.42 * u, shadow(skin, 0.72), 0.62)
}

/** Beard, moustache or stubble; follows the jaw and the lips. */
export const drawBeard = (d: Drawing, head: Head, random: Random): void => {
  const { beard, hair, skin } = head.identity
  if (beard === "none") return
  const u = head.place.unit
  const m = mouthShape(head)
  const colour = scale(mix(hair, [40, 30, 26], 0.2), 0.95)
  const jaw = head.jawline(0.3)
  const lipTop = m.outerTop[3]![1]
  const cheek: FacePoint[] = [
    [-0.97, 0.42],
    [-0.8, 0.72],
    [-0.55, 0.86],
    [-0.4, 0.78],
    [-0.24, lipTop - 0.15],
    [0, lipTop - 0.12],
    [0.24, lipTop - 0.15],
    [0.4, 0.78],
    [0.55, 0.86],
    [0.8, 0.72],
    [0.97, 0.42],
  ]
  const whole = `${smooth(jaw)}${smooth(
    cheek.toReversed().map((p) => head.at(p)),
    false,
    "L",
  )}Z`
  if (beard === "stubble") {
    d.fill(whole, mix(colour, skin, 0.35), 0.3)
    return
  }
  if (beard === "full" || beard === "goatee") {
    const shape =
      beard === "full"
        ? `${smooth(jaw.map((p, i): Point => [p[0], p[1] + (i > 4 && i < jaw.length - 5 ? 0.06 * u : 0)]))}${smooth(
            cheek.toReversed().map((p) => head.at(p)),
            false,
            "L",
          )}Z`
        : goatee(head, m)
    d.stroke(shape, mix(colour, skin, 0.5), 0.06 * u, 0.4)
    d.fill(
      shape,
      d.linear([
        [0, mix(colour, skin, 0.15), 1],
        [0.5, colour, 1],
        [1, scale(colour, 0.75), 1],
      ]),
      0.88,
    )
    if (u > 26) {
      d.open(`clip-path="${d.clip(shape)}"`)
      for (let i = 0; i < 46; i++) {
        const x = random.range(-0.95, 0.95)
        const y = random.range(0.55, head.chinY + head.jawDrop)
        d.stroke(
          smooth([head.at([x, y]), head.at([x * 0.96 + random.normal(0, 0.015), y + 0.11])]),
          random.chance(0.5) ? lighten(colour, 0.25) : scale(colour, 0.6),
          0.016 * u,
          0.5,
        )
      }
      d.close()
    }
  }
  const under = [m.outerTop[1]!, m.outerTop[2]!, m.outerTop[3]!, m.outerTop[4]!, m.outerTop[5]!]
  const reach = 0.04
  const bottom: FacePoint[] = [
    [m.left[0] - reach, m.left[1] + 0.02],
    ...under.map((p): FacePoint => [p[0], p[1] + 0.01]),
    [m.right[0] + reach, m.right[1] + 0.02],
  ]
  const top: FacePoint[] = bottom.map((p, i): FacePoint => [
    p[0] * 0.97,
    p[1] - [0, 0.09, 0.12, 0.09, 0.12, 0.09, 0][i]!,
  ])
  const shape = `${smooth(top.map((p) => head.at(p)))}${smooth(
    bottom.toReversed().map((p) => head.at(p)),
    false,
    "L",
  )}Z`
  d.stroke(shape, mix(colour, skin, 0.4), 0.03 * u, 0.5)
  d.fill(shape, colour, 0.92)
}

const goatee = (head: Head, m: ReturnType<typeof mouthShape>): string => {
  const chin = head.chinY + head.jawDrop
  const under = m.outerBottom[3]![1] + 0.05
  const points: FacePoint[] = [
    [-0.22, under + 0.02],
    [0, under + 0.04],
    [0.22, under + 0.02],
    [0.3, (under + chin) / 2],
    [0.18, chin - 0.02],
    [0, chin + 0.02],
    [-0.18, chin - 0.02],
    [-0.3, (under + chin) / 2],
  ]
  return smooth(
    points.map((p) => head.at(p)),
    true,
  )
}

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
export const drawOcclusion = (d: Drawing, head: Head, kind: Occlusion, side: number): void => {
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
  const [bx, by] = head.at([side * 0.86, head.mouthY + 0.35])
  d.fill(
    `M${bx - side * 0.3 * u} ${by + 0.05 * u}L${bx + side * 0.32 * u} ${by - 0.15 * u}L${bx + side * 0.5 * u} ${by + 3 * u}L${bx - side * 0.2 * u} ${by + 3 * u}Z`,
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
