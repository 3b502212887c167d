/**
 * Boxes of one stage, as parallel arrays: `xyxy` holds x1, y1, x2, y2 of each, `offsets` the four regression
 * outputs of each. float32 throughout and rounded after every step, like the published cascade: its whole-pixel
 * crops make a last bit matter.
 */
export interface Boxes {
  readonly count: number
  readonly xyxy: Float32Array
  readonly scores: Float32Array
  readonly offsets: Float32Array
}

const f = Math.fround

/** The boxes at the given places, in that order. */
export function pick({ xyxy, scores, offsets }: Boxes, places: Int32Array): Boxes {
  const count = places.length
  const out = {
    count,
    xyxy: new Float32Array(count * 4),
    scores: new Float32Array(count),
    offsets: new Float32Array(count * 4),
  }
  for (let i = 0; i < count; i++) {
    const k = places[i]
    out.scores[i] = scores[k]
    out.xyxy.set(xyxy.subarray(k * 4, k * 4 + 4), i * 4)
    out.offsets.set(offsets.subarray(k * 4, k * 4 + 4), i * 4)
  }
  return out
}

/** All boxes of several lists, one after the other. */
export function concat(lists: ReadonlyArray<Boxes>): Boxes {
  const count = lists.reduce((sum, list) => sum + list.count, 0)
  const out = {
    count,
    xyxy: new Float32Array(count * 4),
    scores: new Float32Array(count),
    offsets: new Float32Array(count * 4),
  }
  let at = 0
  for (const list of lists) {
    out.xyxy.set(list.xyxy, at * 4)
    out.scores.set(list.scores, at)
    out.offsets.set(list.offsets, at * 4)
    at += list.count
  }
  return out
}

/** Moves each side by its offset times the box's width or height, which count `extra` pixels more (0 or 1). */
export function regress({ xyxy, scores, offsets, count }: Boxes, extra: 0 | 1): Boxes {
  const moved = new Float32Array(count * 4)
  for (let p = 0; p < count * 4; p += 4) {
    const width = f(f(xyxy[p + 2] - xyxy[p]) + extra)
    const height = f(f(xyxy[p + 3] - xyxy[p + 1]) + extra)
    moved[p] = xyxy[p] + f(offsets[p] * width)
    moved[p + 1] = xyxy[p + 1] + f(offsets[p + 1] * height)
    moved[p + 2] = xyxy[p + 2] + f(offsets[p + 2] * width)
    moved[p + 3] = xyxy[p + 3] + f(offsets[p + 3] * height)
  }
  return { count, xyxy: moved, scores, offsets }
}

/** Makes each box a square of its longer side about its centre. */
export function square({ xyxy, scores, offsets, count }: Boxes): Boxes {
  const squares = new Float32Array(count * 4)
  for (let p = 0; p < count * 4; p += 4) {
    const width = f(xyxy[p + 2] - xyxy[p])
    const height = f(xyxy[p + 3] - xyxy[p + 1])
    const side = Math.max(width, height)
    squares[p] = f(xyxy[p] + f(width * 0.5)) - f(side * 0.5)
    squares[p + 1] = f(xyxy[p + 1] + f(height * 0.5)) - f(side * 0.5)
    squares[p + 2] = squares[p] + side
    squares[p + 3] = squares[p + 1] + side
  }
  return { count, xyxy: squares, scores, offsets }
}
