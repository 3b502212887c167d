import type { MtcnnNet } from "./nets.ts"
import type { MtcnnPools } from "./samples.ts"

/**
 * A face as it really lies in a picture, in pixels: the top left pixel covers 0 to 1 both ways, the box's far sides
 * are exclusive. Landmarks: left eye, right eye, nose, left and right mouth corner, as seen.
 */
export interface TrueFace {
  readonly box: Box
  readonly landmarks: ReadonlyArray<readonly [x: number, y: number]>
}

export type Box = readonly [x1: number, y1: number, x2: number, y2: number]

/** A square of a picture that a network looks at, in the same coordinates; it may reach outside. */
export interface Window {
  readonly left: number
  readonly top: number
  readonly side: number
}

export const windowBox = ({ left, top, side }: Window): Box => [left, top, left + side, top + side]

/** Intersection over union of two boxes, 0 to 1; 0 where one has no area. */
export const overlap = (a: Box, b: Box): number => {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0])
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1])
  if (!(width > 0 && height > 0)) return 0
  const common = width * height
  const areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
  return common / (areas - common)
}

/** The face a box overlaps most, by its place in the list, and how much; −1 and 0 where there is none. */
export const nearestFace = (
  box: Box,
  faces: ReadonlyArray<Pick<TrueFace, "box">>,
): { readonly index: number; readonly overlap: number } => {
  let best = { index: -1, overlap: 0 }
  for (const [index, face] of faces.entries()) {
    const value = overlap(box, face.box)
    if (value > best.overlap) best = { index, overlap: value }
  }
  return best
}

/**
 * What a window with this overlap teaches (Zhang et al. 2016, section 3.1): negative below 0.3, part of a face from
 * 0.4 to 0.65, positive above; between 0.3 and 0.4 nothing, as it is neither.
 */
export const kindOf = (iou: number): Exclude<keyof MtcnnPools, "landmark"> | undefined =>
  iou < 0.3 ? "negative" : iou < 0.4 ? undefined : iou <= 0.65 ? "part" : "positive"

/**
 * Where the cascade's coordinates stand against ours. Its boxes count pixels from 1, and between stages sides are cut
 * to whole numbers, half a pixel on average: the next stage looks at exactly the face when it is told (x1 + 1.5,
 * x2 + 0.5). The last stage's answer is read with (0, 0) as the centre of the first pixel, half a pixel less.
 */
const AIM: Readonly<Record<MtcnnNet, readonly [near: number, far: number]>> = {
  pnet: [1.5, 0.5],
  rnet: [1.5, 0.5],
  onet: [-0.5, -0.5],
}

/**
 * The box output that moves the cascade from a window to a face: offsets of (x1, y1, x2, y2) in parts of the side by
 * which that stage multiplies them. A cell of P-Net stands for the last 11 of the 12 pixels it sees (and its place is
 * rounded down); the other stages use the window itself.
 */
export const boxTargets = (net: MtcnnNet, window: Window, face: Pick<TrueFace, "box">): Array<number> => {
  const { left, top, side } = window
  const inset = net === "pnet" ? side / 12 - 0.5 : 1
  const end = net === "pnet" ? side - 0.5 : side
  const unit = net === "pnet" ? end - inset : side
  const [near, far] = AIM[net]
  const [x1, y1, x2, y2] = face.box
  return [
    (x1 + near - (left + inset)) / unit,
    (y1 + near - (top + inset)) / unit,
    (x2 + far - (left + end)) / unit,
    (y2 + far - (top + end)) / unit,
  ]
}

/** The landmark output for a face in a window: five x, then five y, relative to the window (0 to 1 inside of it). */
export const landmarkTargets = ({ left, top, side }: Window, face: TrueFace): Array<number> => [
  ...face.landmarks.map(([x]) => (x - 0.5 - left) / side),
  ...face.landmarks.map(([, y]) => (y - 0.5 - top) / side),
]
