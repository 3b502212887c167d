import { lighten, mix, scale, shadow } from "./colour.ts"
import type { Head, Point } from "./head.ts"
import { vertexY } from "./head.ts"
import type { Random } from "./random.ts"
import { type Drawing, polygon, smooth, Strands } from "./svg.ts"

const flow = new Set(["long", "wavy", "bob", "fringe"])

const curlBlobs = (
  d: Drawing,
  head: Head,
  random: Random,
  from: number,
  reach: number,
  size: number,
): void => {
  const u = head.place.unit
  const { hair } = head.identity
  const count = u < 20 ? 14 : 34
  for (let i = 0; i < count; i++) {
    const side = i % 2 === 0 ? -1 : 1
    const y = vertexY + ((from - vertexY) * (i + random.next())) / count
    const [x, py] = head.rim(side, Math.max(vertexY * 0.97, y), reach * random.range(0.2, 1))
    const tone = random.range(-0.25, 0.3)
    d.ellipse(
      x,
      py,
      size * u * random.range(0.7, 1.2),
      size * u * random.range(0.7, 1.2),
      tone < 0 ? scale(hair, 1 + tone) : lighten(hair, tone * 0.4),
      0.9,
    )
  }
}

/** What of the hair lies behind the face: its volume, long strands, buns. */
export const drawBackHair = (d: Drawing, head: Head, random: Random): void => {
  const u = head.place.unit
  const { hair, hairStyle, hairVolume, headwear } = head.identity
  if (headwear === "scarf" || hairStyle === "bald" || hairStyle === "buzz" || hairStyle === "receding") return
  const volume = 0.1 * hairVolume
  const body = d.linear([
    [0, lighten(hair, 0.1), 1],
    [0.5, hair, 1],
    [1, scale(hair, 0.6), 1],
  ])
  if (hairStyle === "bun") {
    const [bx, by] = head.space(0.1, vertexY - 0.12, -0.45)
    d.ellipse(
      bx,
      by,
      0.36 * u,
      0.33 * u,
      d.radial(
        [
          [0, lighten(hair, 0.15), 1],
          [0.7, hair, 1],
          [1, scale(hair, 0.6), 1],
        ],
        0.4,
        0.35,
        0.7,
      ),
    )
  }
  if (hairStyle === "afro") {
    const reach = 0.24 + 0.16 * hairVolume
    d.fill(smooth(head.outline(vertexY, 0.3, reach, 8), true), scale(hair, 0.8))
    curlBlobs(d, head, random, 0.35, reach * 1.1, 0.13)
    return
  }
  if (hairStyle === "curly") {
    d.fill(smooth(head.outline(vertexY, 0.75, 0.16 + volume, 8), true), scale(hair, 0.75))
    curlBlobs(d, head, random, 0.95, 0.22 + volume, 0.15)
    return
  }
  if (flow.has(hairStyle)) {
    const end =
      hairStyle === "bob" || (hairStyle === "fringe" && hairVolume < 1)
        ? head.chinY * 0.82
        : head.chinY + 0.75
    const spread = 0.16 + volume
    const side = (s: number): Point[] => {
      const points: Point[] = []
      for (let i = 0; i <= 7; i++) {
        // Denser near the vertex, where the outline is round.
        const y = vertexY + (end - vertexY) * (i / 7) ** 1.6
        const [x, py] = head.rim(s, Math.min(y, 0.55), spread)
        const below = Math.max(0, y - 0.55) * u
        const wave = hairStyle === "wavy" ? Math.sin(i * 2.1) * 0.07 * u : 0
        points.push([x + s * wave, py + below])
      }
      return points
    }
    const left = side(-1)
    const right = side(1)
    d.fill(smooth([...left, ...right.toReversed()], true), body)
    if (u > 26) {
      const hairs = new Strands()
      for (const [points, s] of [
        [left, -1],
        [right, 1],
      ] as const) {
        for (let i = 0; i < 12; i++) {
          const inset = random.range(0.02, 0.32) * u
          const line = points.slice(2).map((p): Point => [p[0] - s * inset, p[1]])
          hairs.add(i % 3, line)
        }
      }
      hairs.paint(
        d,
        [scale(hair, 0.55), lighten(hair, 0.22), scale(hair, 0.75)],
        [0.035 * u, 0.02 * u, 0.02 * u],
        0.4,
      )
    }
    return
  }
  d.fill(smooth(head.hairOutline(0.15, 0.05 + volume * 0.8, 8), true), scale(hair, 0.85))
}

/** Height of the hairline over the width of the forehead, x in −1..1. */
const hairline = (head: Head, x: number): number => {
  const { hairStyle, parting } = head.identity
  const side = Math.abs(x)
  switch (hairStyle) {
    case "receding":
      return -0.98 - 0.3 * Math.exp(-((side - 0.55) ** 2) / 0.05) + (side > 0.8 ? (side - 0.8) * 2.6 : 0)
    case "fringe":
      return -0.5 + 0.06 * Math.cos(x * 9) + (side > 0.72 ? (side - 0.72) * 2.4 : 0)
    case "side":
    case "swept": {
      const gap = Math.abs(x - parting)
      return -0.99 + Math.min(0.3, gap * 0.24) + (side > 0.78 ? (side - 0.78) * 3 : 0)
    }
    case "long":
    case "wavy":
    case "bob": {
      const gap = Math.abs(x - parting)
      return -1.1 + Math.min(0.62, gap * 0.5) + (side > 0.7 ? (side - 0.7) * 2.6 : 0)
    }
    default:
      return -0.93 + 0.1 * side * side + (side > 0.76 ? (side - 0.76) * 3 : 0)
  }
}

/** Hair over the forehead and temples, cap or scarf. */
export const drawFrontHair = (d: Drawing, head: Head, random: Random): void => {
  const u = head.place.unit
  const { hair, skin, hairStyle, hairVolume, headwear } = head.identity
  if (headwear === "none" && hairStyle === "bald") {
    const [x, y] = head.space(-0.2, -1.25, 0.6)
    d.blob(x, y, 0.4 * u, 0.2 * u, lighten(skin, 0.8), 0.35)
    return
  }
  const lift =
    {
      bald: 0.01,
      buzz: 0.02,
      receding: 0.04,
      short: 0.08,
      side: 0.11,
      swept: 0.15,
      fringe: 0.12,
      bob: 0.12,
      long: 0.1,
      wavy: 0.13,
      curly: 0.15,
      afro: 0.3,
      bun: 0.05,
    }[hairStyle] *
    (0.7 + 0.3 * hairVolume)
  const ends = flow.has(hairStyle) ? 0.25 : hairStyle === "bun" || hairStyle === "swept" ? 0.0 : 0.12
  if (headwear !== "scarf" && !(headwear === "beanie" && !flow.has(hairStyle))) {
    const cap = flow.has(hairStyle) ? head.outline(vertexY, ends, lift, 9) : head.hairOutline(ends, lift, 9)
    const left = cap.slice(0, 10).toReversed()
    const right = cap.slice(10)
    const inner: Point[] = []
    for (let i = 0; i <= 14; i++) {
      const x = -0.97 + (1.94 * i) / 14
      const y = Math.min(ends, hairline(head, x))
      const [px, py] = head.at([x * 0.98, y])
      inner.push(
        i === 0 || i === 14 ? [px, py] : [px + random.normal(0, 0.012) * u, py + random.normal(0, 0.016) * u],
      )
    }
    const outer = [...left, ...right.toReversed()]
    const shape = `${smooth(outer)}${smooth(inner.toReversed(), false, "L")}Z`
    const thin = hairStyle === "buzz" || (hairStyle === "receding" && hairVolume < 0.9)
    d.stroke(smooth(inner), mix(hair, skin, 0.45), 0.07 * u, thin ? 0.3 : 0.55)
    d.fill(
      shape,
      d.radial(
        [
          [0, lighten(hair, 0.22), 1],
          [0.4, mix(hair, lighten(hair, 0.2), 0.4), 1],
          [0.75, hair, 1],
          [1, scale(hair, 0.62), 1],
        ],
        0.42,
        0.25,
        0.75,
      ),
      thin ? 0.82 : 1,
    )
    if (u > 24 && !thin) strands(d, head, random, shape, inner)
  }
  if (headwear !== "none") drawHeadwear(d, head)
}

const strands = (d: Drawing, head: Head, random: Random, shape: string, inner: readonly Point[]): void => {
  const u = head.place.unit
  const { hair, hairStyle, parting } = head.identity
  const [rx, ry] = head.space(
    hairStyle === "short" || hairStyle === "curly" ? 0 : parting,
    vertexY - 0.02,
    0.25,
  )
  d.open(`clip-path="${d.clip(shape)}"`)
  const hairs = new Strands()
  const count = Math.min(44, Math.round(10 + u / 3))
  for (let i = 0; i < count; i++) {
    const to = inner[Math.min(14, Math.floor((15 * (i + random.next())) / count))]
    const spread = random.range(-0.12, 0.12) * u
    const bow = (to[0] - rx) * 0.3
    const middle: Point = [(rx + to[0]) / 2 + bow + spread, (ry + to[1]) / 2 - 0.12 * u]
    const end: Point = [to[0] + spread * 0.5 + bow * 0.4, to[1] + random.range(0, 0.12) * u]
    hairs.add(random.int(0, 3), [[rx + spread, ry], middle, end])
  }
  const tones = [scale(hair, 0.5), scale(hair, 0.72), lighten(hair, 0.2), lighten(hair, 0.32)]
  hairs.paint(d, tones, [0.032 * u, 0.022 * u, 0.02 * u, 0.011 * u], 0.5)
  d.close()
}

const drawHeadwear = (d: Drawing, head: Head): void => {
  const u = head.place.unit
  const { headwear, headwearColour: colour } = head.identity
  const cloth = d.radial(
    [
      [0, lighten(colour, 0.25), 1],
      [0.6, colour, 1],
      [1, scale(colour, 0.6), 1],
    ],
    0.42,
    0.3,
    0.75,
  )
  if (headwear === "scarf") {
    const outer = [...head.outline(vertexY, 0.7, 0.14, 9)]
    const below: Point[] = [-1, 1].map((s): Point => {
      const [x, y] = head.rim(s, head.chinY * 0.8, 0.3)
      return [x + s * 0.25 * u, y + 0.75 * u]
    })
    const opening = [
      ...head.jawline(-0.2),
      ...[0.75, 0.35, 0, -0.35, -0.75].map((x): Point => head.at([x, -0.72 - 0.16 * (1 - x * x)])),
    ]
    d.raw(
      `<path fill-rule="evenodd" fill="${cloth}" d="${smooth([...outer.slice(0, 10), below[0], below[1], ...outer.slice(10)], true)}${smooth(opening, true)}"/>`,
    )
    d.softStroke(smooth(opening, true), scale(colour, 0.5), 0.04 * u, 0.6)
    return
  }
  const edge = (y: number, arch: number): Point[] =>
    [-1, -0.7, -0.35, 0, 0.35, 0.7, 1].map((x) =>
      Math.abs(x) === 1 ? head.rim(x, y + 0.12, 0.07) : head.at([x, y - arch * (1 - x * x), 0.04]),
    )
  const crown = head.outline(vertexY, -0.6, headwear === "cap" ? 0.1 : 0.14, 7)
  const rim = edge(-0.72, 0.06)
  d.fill(
    `${smooth([...crown.slice(0, 8).toReversed(), ...crown.slice(8).toReversed()])}${smooth(rim.toReversed(), false, "L")}Z`,
    cloth,
  )
  if (headwear === "beanie") {
    const low = edge(-0.55, 0.05)
    d.fill(polygon([...rim, ...low.toReversed()]), scale(colour, 0.8))
    for (let i = 1; i < 6; i++) d.stroke(smooth([rim[i], low[i]]), scale(colour, 0.55), 0.02 * u, 0.6)
  } else {
    const peak = [-0.8, -0.4, 0, 0.4, 0.8].map((x) => head.at([x, -0.5 + 0.14 * (1 - x * x), 0.5]))
    d.fill(
      `${smooth(rim.slice(1, 6))}${smooth(peak.toReversed(), false, "L")}Z`,
      d.linear([
        [0, colour, 1],
        [1, shadow(colour, 0.5), 1],
      ]),
    )
  }
}
