import type { Rgb } from "./colour.ts"
import { hex } from "./colour.ts"
import type { Point } from "./head.ts"

const f = (v: number): string => (Math.round(v * 100) / 100).toString()

/** `M…` path through points, straight segments. */
export const polygon = (points: readonly Point[]): string =>
  `M${points.map((p) => `${f(p[0])} ${f(p[1])}`).join("L")}Z`

/**
 * Smooth path through points: a uniform Catmull-Rom spline written as cubic Béziers (control points a sixth of
 * the chord of the neighbours away). `closed` joins the ends smoothly.
 */
export const smooth = (points: readonly Point[], closed = false, start = "M"): string => {
  const n = points.length
  if (n === 2 && !closed)
    return `${start}${f(points[0][0])} ${f(points[0][1])}L${f(points[1][0])} ${f(points[1][1])}`
  const get = (i: number): Point => (closed ? points[(i + n) % n] : points[Math.max(0, Math.min(n - 1, i))])
  let d = `${start}${f(points[0][0])} ${f(points[0][1])}`
  for (let i = 0; i < (closed ? n : n - 1); i++) {
    const [a, b, c, e] = [get(i - 1), get(i), get(i + 1), get(i + 2)]
    d += `C${f(b[0] + (c[0] - a[0]) / 6)} ${f(b[1] + (c[1] - a[1]) / 6)} ${f(c[0] - (e[0] - b[0]) / 6)} ${f(c[1] - (e[1] - b[1]) / 6)} ${f(c[0])} ${f(c[1])}`
  }
  return closed ? `${d}Z` : d
}

/** Closed region between two open curves that share their ends (upper left to right, lower left to right). */
export const between = (top: readonly Point[], bottom: readonly Point[]): string =>
  `${smooth(top)}${smooth(bottom.toReversed(), false, "L")}Z`

export type Paint = Rgb | string
const paint = (p: Paint): string => (typeof p === "string" ? p : hex(p))

/** Collects the elements of one SVG drawing; gradients of the same look are shared. */
export class Drawing {
  private readonly defs: string[] = []
  private readonly body: string[] = []
  private readonly known = new Map<string, string>()
  private count = 0

  private define(key: string, make: (id: string) => string): string {
    let id = this.known.get(key)
    if (id === undefined) {
      id = `d${this.count++}`
      this.known.set(key, id)
      this.defs.push(make(id))
    }
    return `url(#${id})`
  }

  /** Radial gradient over the shape's bounding box; stops are [offset, colour, opacity]. */
  radial(stops: readonly (readonly [number, Rgb, number])[], fx = 0.5, fy = 0.5, r = 0.5): string {
    const inner = stops
      .map(([o, c, a]) => `<stop offset="${f(o)}" stop-color="${hex(c)}" stop-opacity="${f(a)}"/>`)
      .join("")
    const attributes = `cx="${f(fx)}" cy="${f(fy)}" r="${f(r)}"`
    return this.define(
      `r${attributes}${inner}`,
      (id) => `<radialGradient id="${id}" ${attributes}>${inner}</radialGradient>`,
    )
  }

  /** Linear gradient over the shape's bounding box from (x1,y1) to (x2,y2) in 0..1. */
  linear(stops: readonly (readonly [number, Rgb, number])[], x1 = 0, y1 = 0, x2 = 0, y2 = 1): string {
    const inner = stops
      .map(([o, c, a]) => `<stop offset="${f(o)}" stop-color="${hex(c)}" stop-opacity="${f(a)}"/>`)
      .join("")
    const attributes = `x1="${f(x1)}" y1="${f(y1)}" x2="${f(x2)}" y2="${f(y2)}"`
    return this.define(
      `l${attributes}${inner}`,
      (id) => `<linearGradient id="${id}" ${attributes}>${inner}</linearGradient>`,
    )
  }

  clip(d: string): string {
    return this.define(`c${d}`, (id) => `<clipPath id="${id}"><path d="${d}"/></clipPath>`)
  }

  raw(element: string): void {
    this.body.push(element)
  }

  fill(d: string, colour: Paint, opacity = 1): void {
    if (opacity > 0.004)
      this.body.push(
        `<path d="${d}" fill="${paint(colour)}"${opacity < 1 ? ` fill-opacity="${f(opacity)}"` : ""}/>`,
      )
  }

  stroke(d: string, colour: Paint, width: number, opacity = 1, cap: "round" | "butt" = "round"): void {
    if (opacity > 0.004 && width > 0.02)
      this.body.push(
        `<path d="${d}" fill="none" stroke="${paint(colour)}" stroke-width="${f(width)}" stroke-linecap="${cap}" stroke-linejoin="round"${opacity < 1 ? ` stroke-opacity="${f(opacity)}"` : ""}/>`,
      )
  }

  /** A stroke with a soft edge: two widths over one another. */
  softStroke(d: string, colour: Paint, width: number, opacity: number): void {
    this.stroke(d, colour, width * 1.9, opacity * 0.36)
    this.stroke(d, colour, width * 0.85, opacity * 0.58)
  }

  ellipse(x: number, y: number, rx: number, ry: number, colour: Paint, opacity = 1, turn = 0): void {
    if (opacity <= 0.004) return
    const t = turn === 0 ? "" : ` transform="rotate(${f(turn)} ${f(x)} ${f(y)})"`
    this.body.push(
      `<ellipse cx="${f(x)}" cy="${f(y)}" rx="${f(rx)}" ry="${f(ry)}" fill="${paint(colour)}"${opacity < 1 ? ` fill-opacity="${f(opacity)}"` : ""}${t}/>`,
    )
  }

  /** A soft spot that fades to nothing at its rim. */
  blob(x: number, y: number, rx: number, ry: number, colour: Rgb, opacity: number, turn = 0): void {
    if (opacity <= 0.004) return
    this.ellipse(
      x,
      y,
      rx,
      ry,
      this.radial([
        [0, colour, 1],
        [0.35, colour, 0.72],
        [0.7, colour, 0.2],
        [1, colour, 0],
      ]),
      opacity,
      turn,
    )
  }

  open(attributes: string): void {
    this.body.push(`<g ${attributes}>`)
  }

  close(): void {
    this.body.push("</g>")
  }

  /** The drawing as SVG; `scale` renders it at another size (0.25: a quarter). */
  svg(width: number, height: number, scale = 1): string {
    const w = Math.max(1, Math.round(width * scale))
    const h = Math.max(1, Math.round(height * scale))
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${f(width)} ${f(height)}" preserveAspectRatio="none"><defs>${this.defs.join("")}</defs>${this.body.join("")}</svg>`
  }
}

/** Hairs of a few tones, each tone painted as one path: far cheaper than a path per hair. */
export class Strands {
  private readonly tones: string[] = []

  add(tone: number, points: readonly Point[]): void {
    this.tones[tone] = (this.tones[tone] ?? "") + smooth(points)
  }

  /** Paints the tones in order; `colours[i]` with width `widths[i]`. */
  paint(d: Drawing, colours: readonly Rgb[], widths: readonly number[], opacity: number): void {
    this.tones.forEach((path, i) => {
      d.stroke(path, colours[i], widths[i], opacity)
    })
  }
}
