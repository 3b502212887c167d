import { hsl, lighten, type Rgb, scale } from "./colour.ts"
import { Random } from "./random.ts"
import { type Drawing, smooth } from "./svg.ts"

export const backdrops = [
  "studio",
  "bokeh",
  "room",
  "street",
  "foliage",
  "sky",
  "pattern",
  "stage",
  "lab",
] as const
export type Backdrop = (typeof backdrops)[number]

/** Draws what stands far behind; the caller renders it small and enlarges it, which puts it out of focus. */
export const drawBackdrop = (
  d: Drawing,
  kind: Backdrop,
  seed: string,
  width: number,
  height: number,
): void => {
  const r = new Random(`backdrop/${seed}`)
  const all = `M0 0H${width}V${height}H0Z`
  const m = Math.max(width, height)
  const hue = r.range(0, 360)
  switch (kind) {
    case "lab":
      d.fill(
        all,
        d.linear(
          [
            [0, [128, 128, 126], 1],
            [1, [96, 96, 96], 1],
          ],
          0,
          0,
          0.3,
          1,
        ),
      )
      return
    case "studio": {
      const base = hsl(hue, r.range(0.05, 0.4), r.range(0.3, 0.75))
      d.fill(
        all,
        d.radial(
          [
            [0, lighten(base, 0.35), 1],
            [0.6, base, 1],
            [1, scale(base, 0.5), 1],
          ],
          r.range(0.3, 0.7),
          r.range(0.2, 0.6),
          0.8,
        ),
      )
      return
    }
    case "stage": {
      d.fill(all, [18, 16, 24])
      for (let i = 0; i < 4; i++)
        d.blob(
          r.range(0, width),
          r.range(-0.2, 0.5) * height,
          m * r.range(0.2, 0.5),
          m * r.range(0.3, 0.7),
          hsl(hue + r.range(-60, 60), 0.6, 0.5),
          r.range(0.25, 0.6),
        )
      return
    }
    case "bokeh": {
      const base = hsl(hue, 0.35, r.range(0.12, 0.4))
      d.fill(
        all,
        d.linear([
          [0, scale(base, 1.2), 1],
          [1, scale(base, 0.6), 1],
        ]),
      )
      for (let i = 0; i < 26; i++) {
        const s = m * r.range(0.02, 0.08)
        d.ellipse(
          r.range(0, width),
          r.range(0, height),
          s,
          s,
          hsl(hue + r.range(-70, 70), r.range(0.3, 0.8), r.range(0.5, 0.85)),
          r.range(0.15, 0.6),
        )
      }
      return
    }
    case "sky": {
      d.fill(
        all,
        d.linear([
          [0, hsl(210 + r.range(-15, 15), 0.5, r.range(0.45, 0.7)), 1],
          [0.7, hsl(205, 0.4, 0.85), 1],
          [1, hsl(40, 0.4, 0.85), 1],
        ]),
      )
      for (let i = 0; i < 7; i++)
        d.blob(
          r.range(0, width),
          r.range(0, 0.6) * height,
          m * r.range(0.1, 0.3),
          m * r.range(0.04, 0.1),
          [255, 255, 255],
          0.7,
        )
      hills(d, r, width, height, r.chance(0.5) ? 110 : 215)
      return
    }
    case "foliage": {
      const green = r.range(70, 140)
      d.fill(all, hsl(green, 0.35, 0.22))
      for (let i = 0; i < 60; i++)
        d.blob(
          r.range(0, width),
          r.range(0, height),
          m * r.range(0.03, 0.12),
          m * r.range(0.03, 0.1),
          hsl(green + r.range(-25, 30), r.range(0.25, 0.6), r.range(0.12, 0.6)),
          r.range(0.4, 0.9),
          r.range(0, 180),
        )
      return
    }
    case "street": {
      d.fill(
        all,
        d.linear([
          [0, hsl(210, 0.25, r.range(0.6, 0.85)), 1],
          [1, [150, 140, 130], 1],
        ]),
      )
      let x = -r.range(0, 0.2) * width
      while (x < width) {
        const w = r.range(0.15, 0.35) * width
        building(d, r, x, r.range(0, 0.4) * height, w, height)
        x += w * r.range(0.9, 1.1)
      }
      d.fill(`M0 ${height * 0.86}H${width}V${height}H0Z`, [92, 90, 90])
      return
    }
    case "room": {
      const wall = hsl(hue, r.range(0.05, 0.3), r.range(0.55, 0.85))
      d.fill(
        all,
        d.linear(
          [
            [0, wall, 1],
            [1, scale(wall, 0.75), 1],
          ],
          0,
          0,
          r.next(),
          1,
        ),
      )
      const wx = r.range(-0.1, 0.7) * width
      d.fill(`M${wx} ${height * 0.05}h${width * 0.35}v${height * 0.5}h${-width * 0.35}Z`, [236, 242, 248])
      d.stroke(
        `M${wx + width * 0.175} ${height * 0.05}v${height * 0.5}M${wx} ${height * 0.3}h${width * 0.35}`,
        scale(wall, 0.8),
        m * 0.015,
      )
      const sy = r.range(0.25, 0.6) * height
      const sx = r.range(0, 0.6) * width
      d.fill(`M${sx} ${sy}h${width * 0.5}v${m * 0.025}h${-width * 0.5}Z`, [110, 78, 52])
      for (let i = 0; i < 10; i++) {
        const h = r.range(0.06, 0.14) * height
        d.fill(
          `M${sx + i * width * 0.045} ${sy - h}h${width * 0.04}v${h}h${-width * 0.04}Z`,
          hsl(r.range(0, 360), 0.4, r.range(0.25, 0.7)),
        )
      }
      d.fill(`M0 ${height * 0.8}H${width}V${height}H0Z`, scale(wall, 0.5))
      return
    }
    case "pattern": {
      const a = hsl(hue, r.range(0.2, 0.6), r.range(0.3, 0.8))
      const b = hsl(hue + r.range(20, 180), r.range(0.2, 0.6), r.range(0.3, 0.8))
      d.fill(all, a)
      const step = m * r.range(0.06, 0.16)
      const style = r.int(0, 2)
      for (let y = 0; y < height + step; y += step) {
        if (style === 0) d.fill(`M0 ${y}H${width}V${y + step / 2}H0Z`, b, 0.8)
        else
          for (let x = 0; x < width + step; x += step) {
            if (style === 1) d.ellipse(x, y, step * 0.28, step * 0.28, b, 0.9)
            else if (Math.round((x + y) / step) % 2 === 0)
              d.fill(`M${x} ${y}h${step}v${step}h${-step}Z`, b, 0.8)
          }
      }
    }
  }
}

const hills = (d: Drawing, r: Random, width: number, height: number, hue: number): void => {
  for (let k = 0; k < 3; k++) {
    const base = height * (0.6 + 0.13 * k)
    const points = [0, 0.2, 0.4, 0.6, 0.8, 1].map(
      (t) => [t * width, base + r.range(-0.09, 0.09) * height] as const,
    )
    d.fill(`${smooth(points)}L${width} ${height}L0 ${height}Z`, hsl(hue, 0.3, 0.55 - 0.13 * k))
  }
}

/** A house front with windows from (x, y) down to the ground. */
export const building = (d: Drawing, r: Random, x: number, y: number, w: number, height: number): void => {
  const wall = hsl(r.range(10, 50), r.range(0.05, 0.35), r.range(0.35, 0.75))
  d.fill(`M${x} ${y}h${w}V${height}h${-w}Z`, wall)
  const glass: Rgb = r.chance(0.3) ? [250, 224, 150] : [70, 84, 100]
  const columns = r.int(2, 4)
  const step = w / (columns + 0.5)
  for (let wy = y + step * 0.4; wy < height * 0.84; wy += step * 1.25) {
    for (let c = 0; c < columns; c++)
      d.fill(
        `M${x + step * (c + 0.4)} ${wy}h${step * 0.55}v${step * 0.8}h${-step * 0.55}Z`,
        r.chance(0.8) ? glass : lighten(glass, 0.4),
      )
  }
}
