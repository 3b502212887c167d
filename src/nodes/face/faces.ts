import type { Face } from "../../schema/sample.ts"

/** A face as the detector gives it. */
export interface Detected {
  readonly box: readonly [number, number, number, number]
  readonly score: number
  readonly landmarks: ReadonlyArray<readonly [number, number]>
}

const rounded = (value: number, decimals: number): number => {
  const scale = 10 ** decimals
  return Math.round(value * scale) / scale
}
const area = ([x1, y1, x2, y2]: Detected["box"]): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1)

/**
 * The faces of a picture as rows keep them: those scored `minScore` or more, best first, at most `maxFaces`; pixels to
 * a thousandth, so that nothing downstream hangs on the last bits. Boxes without area are dropped.
 */
export const facesOf = (
  detected: ReadonlyArray<Detected>,
  { minScore, maxFaces = Infinity }: { readonly minScore: number; readonly maxFaces?: number | undefined },
): ReadonlyArray<Face> => {
  const kept = detected
    .filter(({ box, score }) => score >= minScore && area(box) > 0)
    .sort((a, b) => b.score - a.score || area(b.box) - area(a.box) || a.box[0] - b.box[0])
    .slice(0, maxFaces)
  const areas = kept.map(({ box }) => area(box))
  const largest = areas.indexOf(Math.max(...areas))
  // Rounding and faces of one size must not leave a picture without its largest face, or with two.
  const dominance = (index: number): number => {
    const ratio = rounded(areas[index] / Math.max(...areas.filter((_, i) => i !== index)), 4)
    return index === largest ? Math.max(1, ratio) : Math.min(0.9999, ratio)
  }
  return kept.map(({ box, score, landmarks }, index) => {
    return {
      box: [rounded(box[0], 3), rounded(box[1], 3), rounded(box[2], 3), rounded(box[3], 3)],
      score: rounded(Math.min(1, Math.max(0, score)), 6),
      landmarks: landmarks.map(([x, y]) => [rounded(x, 3), rounded(y, 3)] as const),
      index,
      count: kept.length,
      ...(kept.length === 1 ? {} : { dominance: dominance(index) }),
    }
  })
}

/** Which faces of a picture stay. */
export type Keep = "largest" | "dominant" | "single" | "all"

/** Why a face does not stay, or undefined. Judged from the face alone: its row knows of the others what is needed. */
export const passedOver = (
  { count, dominance }: Face,
  keep: Keep,
  ratio: number,
): { readonly reason: string; readonly detail: string } | undefined => {
  if (keep === "all" || count === 1) return undefined
  if (keep === "single") return { reason: "several-faces", detail: `one of ${count} faces` }
  if (dominance !== undefined && dominance < 1)
    return { reason: "not-the-main-face", detail: `${dominance} times the largest other face` }
  if (keep === "dominant" && dominance !== undefined && dominance < ratio)
    return { reason: "no-dominant-face", detail: `only ${dominance} times the next face` }
  return undefined
}
