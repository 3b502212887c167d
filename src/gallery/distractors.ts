import { building } from "./background.ts"
import { hsl, lighten, mix, type Rgb, scale } from "./colour.ts"
import { Random } from "./random.ts"
import type { Drawing } from "./svg.ts"

/** Things in focus that are round, paired or striped as faces are, for a detector to refuse. */
export const distractors = [
  "ball",
  "fruit",
  "plate",
  "clock",
  "flower",
  "facade",
  "sign",
  "car",
  "socket",
  "button",
  "lamp",
  "stones",
] as const
export type Distractor = (typeof distractors)[number]

/** Draws one thing centred at (x, y) that is about `size` pixels across. */
export const drawDistractor = (
  d: Drawing,
  kind: Distractor,
  seed: string,
  x: number,
  y: number,
  size: number,
): void => {
  const r = new Random(`thing/${seed}`)
  const s = size / 2
  const hue = r.range(0, 360)
  const ball = (cx: number, cy: number, radius: number, c: Rgb, squash = 1): void =>
    d.ellipse(
      cx,
      cy,
      radius,
      radius * squash,
      d.radial(
        [
          [0, lighten(c, 0.5), 1],
          [0.5, c, 1],
          [1, scale(c, 0.4), 1],
        ],
        0.36,
        0.32,
        0.72,
      ),
    )
  d.blob(x + s * 0.1, y + s * 0.9, s * 1.1, s * 0.25, [0, 0, 0], 0.35)
  switch (kind) {
    case "ball": {
      const skin: Rgb = r.pick<Rgb>([
        [236, 232, 226],
        [206, 110, 52],
        [196, 206, 60],
        hsl(hue, 0.6, 0.5),
        [222, 178, 142],
      ])
      ball(x, y, s, skin)
      const spots = r.int(3, 6)
      for (let i = 0; i < spots; i++) {
        const [a, q] = [r.range(0, 6.28), r.range(0.1, 0.75) * s]
        d.ellipse(x + Math.cos(a) * q, y + Math.sin(a) * q, s * 0.17, s * 0.15, [30, 30, 34], 0.85)
      }
      d.stroke(`M${x - s} ${y}Q${x} ${y + s * r.range(-0.5, 0.5)} ${x + s} ${y}`, [40, 30, 30], s * 0.05, 0.7)
      return
    }
    case "fruit": {
      const n = r.int(1, 3)
      for (let i = 0; i < n; i++)
        ball(
          x + (i - (n - 1) / 2) * s * 0.8,
          y + r.range(-0.1, 0.1) * s,
          s * (n === 1 ? 0.95 : 0.62),
          r.pick<Rgb>([
            [206, 46, 40],
            [230, 140, 40],
            [122, 172, 60],
            [236, 190, 130],
            [214, 160, 120],
          ]),
          r.range(0.85, 1.2),
        )
      d.stroke(`M${x} ${y - s * 0.8}q${s * 0.1} ${-s * 0.3} ${s * 0.3} ${-s * 0.35}`, [80, 56, 30], s * 0.08)
      return
    }
    case "plate":
      ball(x, y, s, [238, 236, 232], 0.95)
      d.ellipse(x, y, s * 0.68, s * 0.66, [222, 220, 216])
      for (let i = 0; i < r.int(2, 5); i++)
        ball(
          x + r.range(-0.35, 0.35) * s,
          y + r.range(-0.35, 0.35) * s,
          s * r.range(0.12, 0.25),
          hsl(r.range(0, 130), 0.6, 0.42),
        )
      d.fill(`M${x - s * 0.3} ${y + s * 0.25}q${s * 0.3} ${s * 0.3} ${s * 0.6} 0Z`, [150, 60, 40])
      return
    case "clock": {
      d.ellipse(x, y, s, s, hsl(hue, 0.3, 0.3))
      d.ellipse(x, y, s * 0.88, s * 0.88, [244, 240, 230])
      for (let i = 0; i < 12; i++) {
        const a = (i / 12) * Math.PI * 2
        d.stroke(
          `M${x + Math.cos(a) * s * 0.72} ${y + Math.sin(a) * s * 0.72}L${x + Math.cos(a) * s * 0.82} ${y + Math.sin(a) * s * 0.82}`,
          [30, 30, 30],
          s * 0.05,
        )
      }
      for (const [l, w] of [
        [0.45, 0.08],
        [0.65, 0.05],
      ] as const) {
        const a = r.range(0, 6.28)
        d.stroke(`M${x} ${y}L${x + Math.cos(a) * s * l} ${y + Math.sin(a) * s * l}`, [20, 20, 20], s * w)
      }
      return
    }
    case "flower": {
      const petals = r.int(5, 11)
      const c = hsl(hue, 0.6, 0.62)
      for (let i = 0; i < petals; i++) {
        const a = (i / petals) * Math.PI * 2
        d.ellipse(
          x + Math.cos(a) * s * 0.6,
          y + Math.sin(a) * s * 0.6,
          s * 0.4,
          s * 0.24,
          mix(c, scale(c, 0.6), r.next()),
          1,
          (a * 180) / Math.PI,
        )
      }
      ball(x, y, s * 0.33, [150, 100, 40])
      return
    }
    case "facade":
      building(d, r, x - s, y - s, size, y + s)
      return
    case "sign": {
      const c = hsl(hue, 0.5, 0.4)
      d.fill(`M${x - s} ${y - s * 0.6}h${size}v${s * 1.2}h${-size}Z`, c)
      for (let row = 0; row < 3; row++) {
        for (let i = 0; i < 7; i++) {
          const [gx, gy, g] = [x - s * 0.85 + i * s * 0.25, y - s * 0.45 + row * s * 0.35, s * 0.18]
          if (r.chance(0.2)) continue
          let path = ""
          for (let k = 0; k < 3; k++)
            path += `M${gx + r.int(0, 1) * g} ${gy + r.int(0, 2) * g * 0.5}L${gx + r.int(0, 1) * g} ${gy + r.int(0, 2) * g * 0.5}`
          d.stroke(path, [244, 244, 240], s * 0.05)
        }
      }
      return
    }
    case "car": {
      const c = hsl(hue, 0.5, 0.45)
      d.fill(
        `M${x - s} ${y + s * 0.6}L${x - s * 0.95} ${y - s * 0.05}L${x - s * 0.6} ${y - s * 0.65}H${x + s * 0.6}L${x + s * 0.95} ${y - s * 0.05}L${x + s} ${y + s * 0.6}Z`,
        d.linear([
          [0, lighten(c, 0.3), 1],
          [1, scale(c, 0.6), 1],
        ]),
      )
      d.fill(
        `M${x - s * 0.75} ${y - s * 0.1}L${x - s * 0.52} ${y - s * 0.55}H${x + s * 0.52}L${x + s * 0.75} ${y - s * 0.1}Z`,
        [60, 72, 84],
      )
      for (const k of [-1, 1]) ball(x + k * s * 0.66, y + s * 0.15, s * 0.19, [244, 240, 214])
      d.fill(`M${x - s * 0.4} ${y + s * 0.1}h${s * 0.8}v${s * 0.3}h${-s * 0.8}Z`, [30, 30, 32])
      return
    }
    case "socket":
      d.fill(
        `M${x - s} ${y - s}h${size}v${size}h${-size}Z`,
        d.linear([
          [0, [246, 244, 240], 1],
          [1, [206, 204, 200], 1],
        ]),
      )
      for (const k of [-1, 1])
        d.ellipse(x + k * s * 0.36, y - s * 0.1, s * 0.1, s * r.range(0.1, 0.2), [50, 46, 44])
      d.ellipse(x, y + s * 0.45, s * 0.12, s * 0.14, [50, 46, 44])
      return
    case "button": {
      ball(x, y, s, r.pick<Rgb>([hsl(hue, 0.5, 0.5), [222, 184, 150]]))
      d.ellipse(x, y, s * 0.7, s * 0.7, [0, 0, 0], 0.12)
      for (const [a, b] of [
        [-1, -1],
        [1, -1],
        [-1, 1],
        [1, 1],
      ] as const)
        d.ellipse(x + a * s * 0.24, y + b * s * 0.24, s * 0.11, s * 0.11, [30, 26, 26])
      return
    }
    case "lamp":
      d.blob(x, y, s * 1.6, s * 1.6, [255, 236, 180], 0.6)
      d.fill(
        `M${x - s * 0.4} ${y - s}H${x + s * 0.4}L${x + s * 0.85} ${y + s * 0.2}H${x - s * 0.85}Z`,
        d.linear([
          [0, [250, 232, 190], 1],
          [1, [220, 170, 110], 1],
        ]),
      )
      d.stroke(`M${x} ${y + s * 0.2}V${y + s}`, [70, 60, 54], s * 0.12)
      return
    case "stones":
      for (let i = 0; i < 9; i++)
        ball(
          x + r.range(-0.8, 0.8) * s,
          y + r.range(-0.6, 0.8) * s,
          s * r.range(0.2, 0.45),
          mix([170, 150, 130], [90, 86, 84], r.next()),
          r.range(0.6, 1),
        )
  }
}
