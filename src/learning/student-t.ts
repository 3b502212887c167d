/** Something estimated from repetitions. */
export interface Estimate {
  /** How many repetitions. */
  readonly n: number
  readonly mean: number
  /** Of the repetitions (n − 1 in the denominator); absent of a single one. */
  readonly sd?: number
  /** 95 % interval of the mean by Student's t, low and high; absent of a single repetition. */
  readonly interval?: readonly [number, number]
  /** In the order of the repetitions. */
  readonly values: ReadonlyArray<number>
}

/**
 * Probability that Student's t with `df` (1, 2, …) degrees of freedom lies within ±t: the finite series of Abramowitz &
 * Stegun 26.7.3 and 26.7.4.
 */
export const withinT = (t: number, df: number): number => {
  const angle = Math.atan(t / Math.sqrt(df))
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)]
  const odd = df % 2 === 1
  let [term, sum] = odd ? [cos, df > 1 ? cos : 0] : [1, 1]
  for (let k = odd ? 3 : 2; k <= df - 2; k += 2) {
    term *= (cos * cos * (k - 1)) / k
    sum += term
  }
  return odd ? (2 / Math.PI) * (angle + sin * sum) : sin * sum
}

/**
 * The t within ± of which lies the share `confidence` (0…1, exclusive) of Student's distribution.
 * @throws RangeError for degrees of freedom that are not 1, 2, …
 */
export const quantileT = (confidence: number, df: number): number => {
  if (!Number.isInteger(df) || df < 1) throw new RangeError(`${df} degrees of freedom: 1 at least`)
  let [low, high] = [0, 2]
  while (withinT(high, df) < confidence) high *= 2
  // Halved until no number lies between: the same bits everywhere.
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2)
    if (withinT(middle, df) < confidence) low = middle
    else high = middle
  return high
}

const CONFIDENCE = 0.95

/**
 * Mean of repetitions with its 95 % interval, mean ± t · sd / √n.
 * @throws RangeError for none
 */
export const estimate = (values: ReadonlyArray<number>): Estimate => {
  const n = values.length
  if (n === 0) throw new RangeError("nothing to take the mean of")
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  if (n === 1) return { n, mean, values }
  const sd = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1))
  const half = (quantileT(CONFIDENCE, n - 1) * sd) / Math.sqrt(n)
  return { n, mean, sd, interval: [mean - half, mean + half], values }
}

/**
 * Estimate of the differences of pairs, `values[i] − baseline[i]`: what both of a pair share (a seed) goes out of it.
 * @throws RangeError for lists of different lengths, or empty ones
 */
export const pairedDifference = (
  values: ReadonlyArray<number>,
  baseline: ReadonlyArray<number>,
): Estimate => {
  if (values.length !== baseline.length)
    throw new RangeError(`${values.length} and ${baseline.length} values are no pairs`)
  return estimate(values.map((value, i) => value - baseline[i]))
}
