import { randomOf } from "./random.ts"

/** Labels or predictions that cannot be scored. */
export class MetricsError extends Error {
  readonly _tag = "MetricsError"
  override readonly name = "MetricsError"
}

/** `confusion[given][predicted]` = number of samples. */
export type Confusion = ReadonlyArray<ReadonlyArray<number>>

export interface ClassMetrics {
  /** Of those predicted as this class, the share that is; 0 where none was predicted. */
  readonly precision: number
  /** Of those of this class, the share found; 0 where there are none. */
  readonly recall: number
  /** Harmonic mean of the two; 0 where both are 0. */
  readonly f1: number
  /** Samples of this class. */
  readonly support: number
}

export interface Evaluation {
  readonly samples: number
  readonly accuracy: number
  /** Mean F1 over the classes that have samples in this set (a class the set doesn't have isn't held against it). */
  readonly macroF1: number
  readonly perClass: ReadonlyArray<ClassMetrics>
  readonly confusion: Confusion
}

/** A two-sided interval at the stated confidence. */
export interface Interval {
  readonly low: number
  readonly high: number
}

/**
 * Count (given, predicted) pairs; both are class indices below `classes`.
 * @throws MetricsError for unequal lengths or an index out of range, with its place.
 */
export const confusionMatrix = (
  given: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): Array<Array<number>> => {
  if (given.length !== predicted.length)
    throw new MetricsError(`${given.length} labels but ${predicted.length} predictions`)
  const matrix = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0))
  const cell = (list: ArrayLike<number>, what: string, i: number): number => {
    const value = list[i]
    if (!Number.isInteger(value) || value < 0 || value >= classes)
      throw new MetricsError(`${what} ${value} of sample ${i} is not a class index below ${classes}`)
    return value
  }
  for (let i = 0; i < given.length; i++) matrix[cell(given, "label", i)][cell(predicted, "prediction", i)]++
  return matrix
}

const ratio = (a: number, b: number): number => (b === 0 ? 0 : a / b)

/** Everything that follows from a confusion matrix. An empty set scores 0 throughout. */
export const evaluateConfusion = (confusion: Confusion): Evaluation => {
  const perClass = confusion.map((row, c): ClassMetrics => {
    const hit = row[c]
    const support = row.reduce((a, b) => a + b, 0)
    const called = confusion.reduce((sum, other) => sum + other[c], 0)
    return {
      precision: ratio(hit, called),
      recall: ratio(hit, support),
      f1: ratio(2 * hit, support + called),
      support,
    }
  })
  const samples = perClass.reduce((sum, c) => sum + c.support, 0)
  const hits = confusion.reduce((sum, row, c) => sum + row[c], 0)
  const present = perClass.filter((c) => c.support > 0)
  const macroF1 = ratio(
    present.reduce((sum, c) => sum + c.f1, 0),
    present.length,
  )
  return { samples, accuracy: ratio(hits, samples), macroF1, perClass, confusion }
}

/** Confusion matrix and all figures of a set of predictions. */
export const evaluate = (
  given: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
): Evaluation => evaluateConfusion(confusionMatrix(given, predicted, classes))

/**
 * Wilson's score interval for a proportion (Wilson 1927): honest near 0 and 1 and for few samples.
 * @param z quantile of the normal; 1.96 = 95 %.
 */
export const wilsonInterval = (hits: number, samples: number, z = 1.959964): Interval => {
  if (samples === 0) return { low: 0, high: 1 }
  const p = hits / samples
  const centre = (p + (z * z) / (2 * samples)) / (1 + (z * z) / samples)
  const half =
    (z / (1 + (z * z) / samples)) * Math.sqrt((p * (1 - p)) / samples + (z * z) / (4 * samples ** 2))
  return { low: Math.max(0, Math.min(p, centre - half)), high: Math.min(1, Math.max(p, centre + half)) }
}

/**
 * Percentile bootstrap interval of any figure of an evaluation (for macro-F1, which has no closed form): the
 * samples are drawn with replacement `rounds` times.
 */
export const bootstrapInterval = (
  given: ArrayLike<number>,
  predicted: ArrayLike<number>,
  classes: number,
  options: {
    readonly figure: (evaluation: Evaluation) => number
    readonly rounds?: number
    readonly confidence?: number
    readonly seed?: number
  },
): Interval => {
  const { figure, rounds = 1000, confidence = 0.95, seed = 0 } = options
  const n = given.length
  if (n === 0) return { low: 0, high: 1 }
  const random = randomOf("bootstrap", seed)
  const figures = Float64Array.from({ length: rounds }, () => {
    const matrix = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0))
    for (let i = 0; i < n; i++) {
      const k = random.below(n)
      matrix[given[k]][predicted[k]]++
    }
    return figure(evaluateConfusion(matrix))
  }).sort()
  const at = (q: number): number => figures[Math.min(rounds - 1, Math.max(0, Math.round(q * (rounds - 1))))]
  return { low: at((1 - confidence) / 2), high: at((1 + confidence) / 2) }
}

/** Index of the largest value in each row of a [rows, columns] array; the first of equals. */
export const argmaxRows = (values: ArrayLike<number>, columns: number): Int32Array<ArrayBuffer> => {
  const out = new Int32Array(values.length / columns)
  for (let row = 0; row < out.length; row++) {
    let best = 0
    for (let c = 1; c < columns; c++) if (values[row * columns + c] > values[row * columns + best]) best = c
    out[row] = best
  }
  return out
}
