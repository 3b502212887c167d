import type { Head } from "./head.ts"
import { browLine, eyeShape } from "./face-eyes.ts"
import { mouthShape } from "./face-mouth.ts"

export interface Light {
  /** Where the light comes from: image right, down, towards the viewer; any length. */
  readonly direction: readonly [number, number, number]
  /** 0 (none but ambient light) to 1 (hard). */
  readonly strength: number
  /** Colour of the light as factors around 1. */
  readonly tint: readonly [number, number, number]
}

interface Bump {
  readonly x: number
  readonly y: number
  readonly rx: number
  readonly ry: number
  readonly height: number
}

/** The relief of the face as Gaussian bumps in roll-free units from the head's centre. */
const relief = (head: Head): Bump[] => {
  const bumps: Bump[] = []
  const add = (x: number, y: number, lift: number, rx: number, ry: number, height: number): void => {
    const [px, py] = head.at([x, y, lift])
    const [u, v] = head.unturn(px, py)
    bumps.push({ x: u, y: v, rx: rx * head.cosYaw, ry, height })
  }
  const nose = head.noseY
  const width = head.identity.noseWidth
  add(0, nose * 0.15, 0.12, 0.1, 0.26, 0.13)
  add(0, nose * 0.62, 0.2, 0.115, 0.24, 0.2)
  add(0, nose, 0.28, 0.13 * width, 0.12, 0.2)
  for (const side of [-1, 1]) {
    const [ex, ey] = eyeShape(head, side).centre
    const brow = browLine(head, side)
    add(side * 0.18 * width, nose + 0.04, 0.12, 0.08, 0.08, 0.08)
    add(ex, ey - 0.08, 0, 0.24, 0.11, -0.12)
    add(ex * 0.62, ey, 0, 0.09, 0.14, -0.09)
    add(ex, ey + 0.01, 0, 0.16, 0.085, 0.085)
    add(brow[1][0], brow[1][1] + 0.04, 0, 0.22, 0.075, 0.07)
    const raise = 0.07 * head.au(6, side) + 0.07 * head.au(12, side)
    add(side * 0.55, 0.42 - raise, 0, 0.24, 0.19, 0.1 + 0.1 * head.au(12, side) + 0.06 * head.au(6, side))
    add(side * 0.6, 0.85, 0, 0.14, 0.25, -0.05 - Math.max(0, (head.identity.age - 40) / 700))
    if (head.au(4) > 0.1) add(side * 0.11, -0.2, 0, 0.05, 0.11, 0.05 * head.au(4, side))
  }
  const m = mouthShape(head)
  add(0, (m.outerTop[3][1] + m.innerTop[3][1]) / 2, 0.05, 0.26, 0.06, 0.06)
  const low = (m.outerBottom[3][1] + m.innerBottom[3][1]) / 2
  add(0, low, 0.06, 0.2, 0.075, 0.075)
  add(0, m.outerBottom[3][1] + 0.08, 0, 0.28, 0.07, -0.06)
  add(0, head.chinY - 0.16 + head.jawDrop, 0, 0.22, 0.15, 0.1)
  add(0, -0.62, 0, 0.5, 0.25, 0.035)
  return bumps
}

/** Lambert shading with a wrap-around term (soft light), 0..about 1.4, and a highlight term 0..1. */
const shade = (
  nx: number,
  ny: number,
  nz: number,
  l: readonly number[],
  strength: number,
): readonly [number, number] => {
  const dot = nx * l[0] + ny * l[1] + nz * l[2]
  const wrapped = Math.max(0, (dot + 0.35) / 1.35)
  const diffuse = 1 - strength + strength * wrapped * 1.22
  // Blinn-Phong: half vector between the light and the viewer (0, 0, 1).
  const h = Math.sqrt(2 + 2 * l[2])
  const half = Math.max(0, (nx * l[0] + ny * l[1] + nz * (l[2] + 1)) / h)
  return [diffuse, strength * half ** 26]
}

/**
 * Lights the head in place: a relief (half ellipsoid and Gaussian bumps for nose, sockets, cheeks, lips, chin)
 * is shaded on a coarse grid and multiplied onto the pixels with bilinear interpolation.
 * @param rgb interleaved 8-bit pixels of the whole picture, changed in place
 * @param drawn RGBA of what stands before the backdrop: only that is lit
 */
export const shadeHead = (
  rgb: Uint8Array,
  drawn: Uint8Array,
  width: number,
  height: number,
  head: Head,
  light: Light,
): void => {
  const bumps = relief(head)
  const length = Math.hypot(...light.direction)
  const [lx, ly, lz] = [light.direction[0] / length, light.direction[1] / length, light.direction[2] / length]
  const { cosRoll, sinRoll } = {
    cosRoll: Math.cos((head.pose.roll * Math.PI) / 180),
    sinRoll: Math.sin((head.pose.roll * Math.PI) / 180),
  }
  // The relief is free of roll: turn the light instead.
  const l = [lx * cosRoll + ly * sinRoll, -lx * sinRoll + ly * cosRoll, lz]
  const unit = head.place.unit
  const [left, top, right, bottom] = [-1.35, -1.95, 1.35, 1.95]
  const n = Math.max(12, Math.min(72, Math.round(unit * 1.1)))
  const rows = Math.round(n * 1.45)
  const [dx, dy] = [(right - left) / (n - 1), (bottom - top) / (rows - 1)]
  const chin = head.unturn(...head.rim(0, head.chinY + head.jawDrop))[1]
  const rims = new Float64Array(rows * 2)
  for (let j = 0; j < rows; j++) {
    const y = (top + j * dy) / Math.max(0.8, Math.cos((head.pose.pitch * Math.PI) / 180))
    const face = y > 0 ? (y * (head.chinY + head.jawDrop)) / Math.max(0.5, chin) : y
    const a = head.unturn(...head.rim(-1, face))[0]
    const b = head.unturn(...head.rim(1, face))[0]
    rims[j * 2] = (a + b) / 2
    rims[j * 2 + 1] = Math.max(0.55, (b - a) / 2) * 1.04
  }
  const relievo = new Float64Array(n * rows)
  for (let j = 0; j < rows; j++) {
    const y = top + j * dy
    for (let i = 0; i < n; i++) {
      const x = left + i * dx
      const across = (x - rims[j * 2]) / rims[j * 2 + 1]
      const along = (y - 0.15) / 1.9
      let h = 0.95 * Math.sqrt(Math.max(0.02, 1 - 0.92 * Math.min(1, across * across) - 0.75 * along * along))
      relievo[j * n + i] = h
    }
  }
  for (const b of bumps) {
    const [i0, i1] = [
      Math.max(0, Math.floor((b.x - 3 * b.rx - left) / dx)),
      Math.min(n - 1, Math.ceil((b.x + 3 * b.rx - left) / dx)),
    ]
    const [j0, j1] = [
      Math.max(0, Math.floor((b.y - 3 * b.ry - top) / dy)),
      Math.min(rows - 1, Math.ceil((b.y + 3 * b.ry - top) / dy)),
    ]
    for (let j = j0; j <= j1; j++) {
      const v = (top + j * dy - b.y) / b.ry
      for (let i = i0; i <= i1; i++) {
        const u = (left + i * dx - b.x) / b.rx
        relievo[j * n + i] += b.height * Math.exp(-u * u - v * v)
      }
    }
  }
  const grid = new Float32Array(n * rows * 2)
  const flat = shade(0, 0, 1, [0, 0, 1], light.strength)[0]
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < n; i++) {
      const at = j * n + i
      const gx = (relievo[j * n + Math.min(n - 1, i + 1)] - relievo[j * n + Math.max(0, i - 1)]) / (2 * dx)
      const gy = (relievo[Math.min(rows - 1, j + 1) * n + i] - relievo[Math.max(0, j - 1) * n + i]) / (2 * dy)
      const norm = 1 / Math.sqrt(gx * gx + gy * gy + 1)
      const [diffuse, gloss] = shade(-gx * norm, -gy * norm, norm, l, light.strength)
      grid[at * 2] = diffuse / flat
      grid[at * 2 + 1] = gloss
    }
  }
  paint(rgb, drawn, width, height, head, light, { grid, n, rows, left, top, dx, dy, rims, chin })
}

interface Field {
  readonly grid: Float32Array
  readonly n: number
  readonly rows: number
  readonly left: number
  readonly top: number
  readonly dx: number
  readonly dy: number
  readonly rims: Float64Array
  readonly chin: number
}

const paint = (
  rgb: Uint8Array,
  drawn: Uint8Array,
  width: number,
  height: number,
  head: Head,
  light: Light,
  f: Field,
): void => {
  const reach = head.place.unit * 2.4
  const [x0, x1] = [
    Math.max(0, Math.floor(head.place.x - reach)),
    Math.min(width - 1, Math.ceil(head.place.x + reach)),
  ]
  const [y0, y1] = [
    Math.max(0, Math.floor(head.place.y - reach)),
    Math.min(height - 1, Math.ceil(head.place.y + reach)),
  ]
  const { grid, n, rows, rims } = f
  const [tr, tg, tb] = light.tint
  const radians = (head.pose.roll * Math.PI) / 180
  const [cos, sin] = [Math.cos(radians) / head.place.unit, Math.sin(radians) / head.place.unit]
  for (let py = y0; py <= y1; py++) {
    const down = py + 0.5 - head.place.y
    for (let px = x0; px <= x1; px++) {
      const right = px + 0.5 - head.place.x
      // Roll-free units from the head's centre, as Head.unturn gives them.
      const x = right * cos + down * sin
      const y = down * cos - right * sin
      const gi = (x - f.left) / f.dx
      const gj = (y - f.top) / f.dy
      if (gi < 0 || gj < 0 || gi >= n - 1 || gj >= rows - 1) continue
      const i = gi | 0
      const j = gj | 0
      const lateral = (1.12 - Math.abs(x - rims[j * 2]) / rims[j * 2 + 1]) / 0.15
      const inside = limit(lateral) * limit(0.5 - (y - f.chin) / 0.12) * limit((y + 1.8) / 0.3)
      const mask = (inside * drawn[(py * width + px) * 4 + 3]) / 255
      if (mask === 0) continue
      const a = gi - i
      const b = gj - j
      const at = (j * n + i) * 2
      const next = at + n * 2
      const w00 = (1 - a) * (1 - b)
      const w10 = a * (1 - b)
      const w01 = (1 - a) * b
      const w11 = a * b
      const diffuse = grid[at] * w00 + grid[at + 2] * w10 + grid[next] * w01 + grid[next + 2] * w11
      const gloss =
        38 * mask * (grid[at + 1] * w00 + grid[at + 3] * w10 + grid[next + 1] * w01 + grid[next + 3] * w11)
      const o = (py * width + px) * 3
      const lit = diffuse > 1
      // Light scattered in the skin reddens the shade: red falls off less than green and blue.
      const red = lit ? diffuse * tr : diffuse + (1 - diffuse) * 0.22
      rgb[o] = byte(rgb[o] * (1 + (red - 1) * mask) + gloss)
      rgb[o + 1] = byte(rgb[o + 1] * (1 + ((lit ? diffuse * tg : diffuse) - 1) * mask) + gloss)
      rgb[o + 2] = byte(rgb[o + 2] * (1 + ((lit ? diffuse * tb : diffuse) - 1) * mask) + gloss)
    }
  }
}

const limit = (v: number): number => (v < 0 ? 0 : v > 1 ? 1 : v)
const byte = (v: number): number => (v < 0 ? 0 : v > 255 ? 255 : v)
