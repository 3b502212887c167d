import type { Random } from "../random.ts"
import { nearestFace, type TrueFace, type Window } from "./windows.ts"

export interface Extent {
  readonly width: number
  readonly height: number
}

const logUniform = (random: Random, low: number, high: number): number =>
  low * (Math.max(high, low) / low) ** random.uniform()

/** Whether a window lies in the picture wholly. */
export const isInside = ({ left, top, side }: Window, { width, height }: Extent): boolean =>
  left >= 0 && top >= 0 && left + side <= width && top + side <= height

/** Whole pixels: P-Net's windows are cut so. */
const wholePixels = ({ left, top, side }: Window): Window => ({
  left: Math.round(left),
  top: Math.round(top),
  side: Math.max(1, Math.round(side)),
})

/**
 * Windows anywhere in a picture that no face covers by 0.3 or more; side from `least` to the picture's shorter side,
 * small ones as often as large ones on a scale of ratios. May give fewer than asked for where faces fill the picture.
 */
export const drawBackground = (
  random: Random,
  extent: Extent,
  faces: ReadonlyArray<TrueFace>,
  wanted: number,
  least: number,
): Array<Window> => {
  const most = Math.min(extent.width, extent.height)
  const windows: Array<Window> = []
  const attempts = least <= most ? wanted * 3 : 0
  for (let attempt = 0; attempt < attempts && windows.length < wanted; attempt++) {
    const side = logUniform(random, least, most)
    const window = wholePixels({
      left: random.uniform() * (extent.width - side),
      top: random.uniform() * (extent.height - side),
      side,
    })
    if (isInside(window, extent) && nearestBox(window, faces) < 0.3) windows.push(window)
  }
  return windows
}

const nearestBox = ({ left, top, side }: Window, faces: ReadonlyArray<TrueFace>): number =>
  nearestFace([left, top, left + side, top + side], faces).overlap

/**
 * A window near a face: its side is the face's longer side times 0.75 to 1.35, its middle off by up to `spread` of that
 * each way. With a spread of 0.2 about half are positives, with 0.6 most are too far off.
 */
export const drawNear = (random: Random, { box: [x1, y1, x2, y2] }: TrueFace, spread: number): Window => {
  const longer = Math.max(x2 - x1, y2 - y1)
  const side = longer * logUniform(random, 0.75, 1.35)
  const off = (): number => (random.uniform() * 2 - 1) * spread * longer
  return wholePixels({ left: (x1 + x2 - side) / 2 + off(), top: (y1 + y2 - side) / 2 + off(), side })
}

/** A window on a part of a face, or one several times as large: what a cascade proposes wrongly beside the face. */
export const drawConfusing = (random: Random, { box: [x1, y1, x2, y2] }: TrueFace): Window => {
  const longer = Math.max(x2 - x1, y2 - y1)
  const side =
    random.uniform() < 0.6
      ? logUniform(random, longer * 0.25, longer * 0.6)
      : logUniform(random, longer * 1.6, longer * 3)
  const reach = (longer + side) / 2
  return wholePixels({
    left: (x1 + x2 - side) / 2 + (random.uniform() - 0.5) * reach,
    top: (y1 + y2 - side) / 2 + (random.uniform() - 0.5) * reach,
    side,
  })
}
