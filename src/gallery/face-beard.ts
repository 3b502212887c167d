import { lighten, mix, scale } from "./colour.ts"
import { mouthShape } from "./face-mouth.ts"
import type { FacePoint, Head, Point } from "./head.ts"
import type { Random } from "./random.ts"
import { type Drawing, smooth, Strands } from "./svg.ts"

/** Beard, moustache or stubble; follows the jaw and the lips. */
export const drawBeard = (d: Drawing, head: Head, random: Random): void => {
  const { beard, hair, skin } = head.identity
  if (beard === "none") return
  const u = head.place.unit
  const m = mouthShape(head)
  const colour = scale(mix(hair, [40, 30, 26], 0.2), 0.95)
  const jaw = head.jawline(0.3)
  const lipTop = m.outerTop[3][1]
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
      const hairs = new Strands()
      for (let i = 0; i < 60; i++) {
        const x = random.range(-0.95, 0.95)
        const y = random.range(0.55, head.chinY + head.jawDrop)
        hairs.add(i % 2, [head.at([x, y]), head.at([x * 0.96 + random.normal(0, 0.015), y + 0.11])])
      }
      hairs.paint(d, [scale(colour, 0.6), lighten(colour, 0.22)], [0.016 * u, 0.014 * u], 0.5)
      d.close()
    }
  }
  const under = [m.outerTop[1], m.outerTop[2], m.outerTop[3], m.outerTop[4], m.outerTop[5]]
  const reach = 0.04
  const bottom: FacePoint[] = [
    [m.left[0] - reach, m.left[1] + 0.02],
    ...under.map((p): FacePoint => [p[0], p[1] + 0.01]),
    [m.right[0] + reach, m.right[1] + 0.02],
  ]
  const top: FacePoint[] = bottom.map((p, i): FacePoint => [
    p[0] * 0.97,
    p[1] - [0, 0.09, 0.12, 0.09, 0.12, 0.09, 0][i],
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
  const under = m.outerBottom[3][1] + 0.05
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
