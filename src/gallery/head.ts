import type { ActionUnit, FacialAction } from "./expression.ts"
import type { Identity } from "./identity.ts"

/** Degrees. Yaw > 0 turns the nose to the image's right, pitch > 0 looks down, roll > 0 tilts clockwise. */
export interface Pose {
  readonly yaw: number
  readonly pitch: number
  readonly roll: number
}

/** Where the head stands: its rotation centre in pixels and how many pixels one half face width is. */
export interface Placement {
  readonly x: number
  readonly y: number
  readonly unit: number
}

export type Point = readonly [number, number]
/** Face space: x to the image's right, y down from the line of the eyes, optional height over the surface. */
export type FacePoint = readonly [x: number, y: number, lift?: number]

const interpolate = (table: readonly Point[], at: number): number => {
  if (at <= table[0][0]) return table[0][1]
  for (let i = 1; i < table.length; i++) {
    const [x1, v1] = table[i]
    if (at <= x1) {
      const [x0, v0] = table[i - 1]
      return v0 + ((v1 - v0) * (at - x0)) / (x1 - x0)
    }
  }
  return table[table.length - 1][1]
}

/** Depth of the middle line of the face over its height, from the vertex to below the chin. */
const profile: readonly Point[] = [
  [-1.6, 0],
  [-1.3, 0.5],
  [-0.95, 0.82],
  [-0.5, 0.95],
  [-0.2, 0.95],
  [0.05, 0.9],
  [0.5, 0.95],
  [0.95, 0.98],
  [1.25, 0.92],
  [1.55, 0.8],
  [1.9, 0.5],
]

/** Half width of the face from the eye line (0) to the chin (1). */
const lower: readonly Point[] = [
  [0, 1],
  [0.2, 0.985],
  [0.4, 0.945],
  [0.55, 0.9],
  [0.7, 0.81],
  [0.8, 0.7],
  [0.88, 0.56],
  [0.94, 0.4],
  [0.975, 0.25],
  [0.99, 0.15],
  [1, 0],
]
export const vertexY = -1.55
export const hairlineY = -0.92

/** A head in a pose: maps face space to pixels. Orthographic with a slight enlargement of what is near. */
export class Head {
  readonly identity: Identity
  readonly action: FacialAction
  readonly pose: Pose
  readonly place: Placement
  readonly chinY: number
  readonly mouthY: number
  readonly noseY: number
  /** How far the jaw is dropped, in face units at the chin. */
  readonly jawDrop: number
  readonly sinYaw: number
  readonly cosYaw: number
  private readonly sinPitch: number
  private readonly cosPitch: number
  private readonly sinRoll: number
  private readonly cosRoll: number

  constructor(identity: Identity, action: FacialAction, pose: Pose, place: Placement) {
    this.identity = identity
    this.action = action
    this.pose = pose
    this.place = place
    const radians = Math.PI / 180
    this.sinYaw = Math.sin(pose.yaw * radians)
    this.cosYaw = Math.cos(pose.yaw * radians)
    this.sinPitch = Math.sin(pose.pitch * radians)
    this.cosPitch = Math.cos(pose.pitch * radians)
    this.sinRoll = Math.sin(pose.roll * radians)
    this.cosRoll = Math.cos(pose.roll * radians)
    this.jawDrop = Math.min(0.52, 0.32 * this.au(26) + 0.48 * this.au(27))
    this.chinY = 1.52 * identity.length
    this.mouthY = 0.93 * identity.length
    this.noseY = 0.5 * identity.noseLength * (0.5 + 0.5 * identity.length)
  }

  /** Strength of an action unit; with a side (−1 image-left, +1 image-right) the asymmetry counts. */
  au(unit: ActionUnit, side = 0): number {
    const strength = this.action.units[unit] ?? 0
    if (side === 0) return strength
    const share = 1 + side * this.action.asymmetry
    return Math.min(1, strength * Math.max(0, Math.min(1.25, share)))
  }

  /** Depth of the bare face surface, without nose and lips. */
  surface(x: number, y: number): number {
    const middle = interpolate(profile, y / (y > 0 ? this.identity.length : 1))
    const across = Math.min(0.98, Math.abs(x) / 1.06)
    return middle - 0.95 * (1 - Math.sqrt(1 - across * across))
  }

  /** Rotates a point of head space (z towards the viewer) into the image. */
  space(x: number, y: number, z: number): Point {
    const x1 = x * this.cosYaw + z * this.sinYaw
    const z1 = -x * this.sinYaw + z * this.cosYaw
    const y2 = y * this.cosPitch + z1 * this.sinPitch
    const z2 = -y * this.sinPitch + z1 * this.cosPitch
    const s = this.place.unit * (1 + 0.07 * (z2 - 0.9))
    return this.turn(x1 * s, y2 * s)
  }

  /** A point on the face (lifted off the surface by its third coordinate) in pixels. */
  at(p: FacePoint): Point {
    return this.space(p[0], p[1], this.surface(p[0], p[1]) + (p[2] ?? 0))
  }

  /** Image-plane vector from the head's centre (pixels before roll) to pixels. */
  turn(dx: number, dy: number): Point {
    return [
      this.place.x + dx * this.cosRoll - dy * this.sinRoll,
      this.place.y + dx * this.sinRoll + dy * this.cosRoll,
    ]
  }

  /** Inverse of turn in units: pixel to roll-free coordinates in half face widths from the head's centre. */
  unturn(px: number, py: number): Point {
    const dx = (px - this.place.x) / this.place.unit
    const dy = (py - this.place.y) / this.place.unit
    return [dx * this.cosRoll + dy * this.sinRoll, -dx * this.sinRoll + dy * this.cosRoll]
  }

  /** Half width of the face at a height in face space, the dropped jaw included. */
  halfWidth(y: number): number {
    const chin = this.chinY + this.jawDrop
    // A superellipse: flatter at the temples and rounder at the vertex than a circle.
    if (y <= 0) return (1 - Math.min(1, y / vertexY) ** 2.5) ** (1 / 2.2)
    const t = Math.min(1, y / chin)
    const { jaw, chin: chinWidth, cheek } = this.identity
    const width = interpolate(lower, t)
    const jawPart = Math.max(0, Math.min(1, (t - 0.35) / 0.35))
    const chinPart = Math.max(0, Math.min(1, (t - 0.78) / 0.15))
    const narrowed = 1 - 0.18 * this.jawDrop * jawPart
    return (
      width *
      (1 + (cheek - 1) * (1 - jawPart)) *
      (1 + (jaw - 1) * jawPart) *
      (1 + (chinWidth - 1) * 0.6 * chinPart) *
      narrowed
    )
  }

  /** Depth of the centre of the head's cross-section at a height: the chin stands forward of the ears. */
  private sectionDepth(y: number): number {
    const t = Math.max(0, Math.min(1, (y - 0.35) / 1.2))
    return 0.04 + 0.74 * t * t * (3 - 2 * t)
  }

  /** A point of the head's silhouette in pixels: side −1 or +1, height in face space, outward growth. */
  rim(side: number, y: number, grow = 0): Point {
    const depth = this.sectionDepth(y)
    // The far cheek is seen in profile, so it hollows at the eye when the head turns.
    const far =
      side * this.sinYaw > 0 ? 0.09 * Math.abs(this.sinYaw) * Math.exp(-((y - 0.02) ** 2) / 0.06) : 0
    const half = this.halfWidth(y) * (1 - 0.03 * Math.abs(this.sinYaw)) - far
    const up = Math.max(0, y / vertexY)
    const x = side * half * (1 + grow) + depth * this.sinYaw
    const yy = y * (1 + (y < 0 ? grow * up : 0)) * this.cosPitch + depth * this.cosYaw * this.sinPitch
    const s = this.place.unit * (1 + 0.07 * (depth - 0.9) * 0.4)
    return this.turn(x * s, yy * s)
  }

  /** Silhouette from one height to another and back on the other side, in drawing order. */
  outline(fromY: number, toY: number, grow = 0, steps = 14): Point[] {
    // Denser near the start, where the vertex is round.
    const heights = Array.from(
      { length: steps + 1 },
      (_, i) => fromY + (toY - fromY) * (1 - Math.cos((Math.PI / 2) * (i / steps))),
    )
    return [
      ...heights.map((y) => this.rim(-1, y, grow)),
      ...heights.toReversed().map((y) => this.rim(1, y, grow)),
    ]
  }

  /** Silhouette of the hair over the skull down to a height, where it lies close to the head again. */
  hairOutline(toY: number, grow: number, steps = 10): Point[] {
    const heights = Array.from(
      { length: steps + 1 },
      (_, i) => vertexY + (toY - vertexY) * (1 - Math.cos((Math.PI / 2) * (i / steps))),
    )
    const own = (y: number): number => grow * Math.min(1, 0.12 + (toY - y) / 0.7)
    return [
      ...heights.map((y) => this.rim(-1, y, own(y))),
      ...heights.toReversed().map((y) => this.rim(1, y, own(y))),
    ]
  }

  /** Contour of the face from the temples around the chin, denser where the jaw bends. */
  jawline(fromY: number): Point[] {
    const chin = this.chinY + this.jawDrop
    const heights = [fromY, fromY * 0.5, 0, 0.2, 0.4, 0.55, 0.66, 0.75, 0.83, 0.9, 0.955, 0.988].map((t) =>
      t > 0 ? t * chin : t,
    )
    return [
      ...heights.map((y) => this.rim(-1, y)),
      this.rim(0, chin),
      ...heights.toReversed().map((y) => this.rim(1, y)),
    ]
  }
}
