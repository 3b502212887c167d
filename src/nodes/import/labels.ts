/** The six basic expressions and neutral, and CK+'s contempt, in the words of this project. */
export type ClassName =
  | "anger"
  | "contempt"
  | "disgust"
  | "fear"
  | "happiness"
  | "sadness"
  | "surprise"
  | "neutral"

/** Column `emotion` of fer2013.csv, by its number. */
export const fer2013Labels: ReadonlyArray<ClassName> = [
  "anger",
  "disgust",
  "fear",
  "happiness",
  "sadness",
  "surprise",
  "neutral",
]

/** Number in CK+'s `*_emotion.txt`. */
export const ckplusLabels: ReadonlyArray<ClassName> = [
  "neutral",
  "anger",
  "contempt",
  "disgust",
  "fear",
  "happiness",
  "sadness",
  "surprise",
]

/** MMI's metatag Emotion, from 1; higher values are other displays (single action units …). */
export const mmiLabels: ReadonlyArray<ClassName | undefined> = [
  undefined,
  "anger",
  "disgust",
  "fear",
  "happiness",
  "sadness",
  "surprise",
]

/** Pictures per class of the whole of FER2013 (35,887), as published. */
export const fer2013Totals: Readonly<Record<string, number>> = {
  anger: 4953,
  disgust: 547,
  fear: 5121,
  happiness: 8989,
  sadness: 6077,
  surprise: 4002,
  neutral: 6198,
}

/** Labelled sequences per class of CK+ (327), as published (Lucey et al. 2010). */
export const ckplusTotals: Readonly<Record<string, number>> = {
  anger: 45,
  contempt: 18,
  disgust: 59,
  fear: 25,
  happiness: 69,
  sadness: 28,
  surprise: 83,
}

/** Counts in the order of the first list of names, as "anger 3, fear 1". */
export const listed = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([label, n]) => `${label} ${n}`)
    .join(", ")

/** How often each value occurs. */
export const tally = (values: Iterable<string>): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

/**
 * What a self-check of class totals says: whether they are the published ones. A wrong order of label numbers, the
 * usual mistake with these sets, shows here at once.
 * @returns undefined when a set of quite another size was read, so that there is nothing to compare
 */
export const compareTotals = (
  counts: ReadonlyMap<string, number>,
  published: Readonly<Record<string, number>>,
): string | undefined => {
  const sum = [...counts.values()].reduce((a, b) => a + b, 0)
  const whole = Object.values(published).reduce((a, b) => a + b, 0)
  if (Math.abs(sum - whole) > whole / 20) return undefined
  const off = Object.entries(published).filter(([label, n]) => counts.get(label) !== n)
  return off.length === 0
    ? "as published"
    : `WARNING: published are ${off.map(([label, n]) => `${label} ${n} (here ${counts.get(label) ?? 0})`).join(", ")}`
}
