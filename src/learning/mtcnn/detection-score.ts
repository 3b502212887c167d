import { type Box, overlap, type TrueFace } from "./windows.ts"

/** A face a detector found, in the coordinates of `TrueFace`. */
export interface FoundFace {
  readonly box: Box
  readonly score: number
  readonly landmarks: ReadonlyArray<readonly [x: number, y: number]>
}

/** What became of the faces of one picture. */
export interface Matching {
  /** Per true face: the found face that matches it, −1 for a miss. */
  readonly found: ReadonlyArray<number>
  /** Found faces that match nothing. */
  readonly wrong: ReadonlyArray<number>
}

/**
 * Match found to true faces: the best scored first takes the free true face it overlaps most, if by at least
 * `least` (the usual 0.5). A second find of the same face is wrong.
 */
export const matchFaces = (
  truth: ReadonlyArray<Pick<TrueFace, "box">>,
  found: ReadonlyArray<Pick<FoundFace, "box" | "score">>,
  least = 0.5,
): Matching => {
  const of = truth.map(() => -1)
  const wrong: Array<number> = []
  const order = found.map((_, i) => i).sort((a, b) => found[b].score - found[a].score || a - b)
  for (const i of order) {
    let best = -1
    let most = least
    for (const [k, face] of truth.entries()) {
      const value = of[k] === -1 ? overlap(face.box, found[i].box) : 0
      if (value >= most && value > 0) {
        most = value
        best = k
      }
    }
    if (best === -1) wrong.push(i)
    else of[best] = i
  }
  return { found: of, wrong }
}

/** Mean distance of the five points over the true distance of the eyes; NaN where the eyes coincide. */
export const landmarkError = (
  truth: TrueFace["landmarks"],
  found: ReadonlyArray<readonly [x: number, y: number]>,
): number => {
  const eyes = Math.hypot(truth[1][0] - truth[0][0], truth[1][1] - truth[0][1])
  const sum = truth.reduce((s, [x, y], i) => s + Math.hypot(found[i][0] - x, found[i][1] - y), 0)
  return sum / truth.length / eyes
}
