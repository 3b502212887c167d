/** Class counts that no weight can be made of. */
export class BalanceError extends Error {
  readonly _tag = "BalanceError"
  override readonly name = "BalanceError"
}

const check = (counts: ReadonlyArray<number>): void => {
  if (counts.length === 0) throw new BalanceError("no classes to weigh")
  const empty = counts.findIndex((n) => !(n > 0))
  if (empty >= 0)
    throw new BalanceError(
      `class ${empty} has ${counts[empty]} samples: a class without samples has no weight`,
    )
}

/** How many samples each class has; labels are class indices. */
export const countClasses = (labels: ArrayLike<number>, classes: number): Array<number> => {
  const counts = Array.from({ length: classes }, () => 0)
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new BalanceError(`label ${label} of sample ${i} is not a class index below ${classes}`)
    counts[label]++
  }
  return counts
}

/**
 * Inverse frequency: `w_c = N / (C · n_c)`. The mean over samples is 1; equal classes all get 1.
 * @throws BalanceError for an empty class.
 */
export const inverseFrequencyWeights = (counts: ReadonlyArray<number>): Array<number> => {
  check(counts)
  const total = counts.reduce((a, b) => a + b, 0)
  return counts.map((n) => total / (counts.length * n))
}

/**
 * Effective number of samples (Cui et al. 2019): `w_c ∝ (1 − β) / (1 − β^n_c)`, normalised to sum to C.
 * β = 0 weighs all classes alike; β → 1 tends to inverse frequency. Usual values 0.99 … 0.9999.
 * @throws BalanceError for an empty class or β outside [0, 1).
 */
export const effectiveNumberWeights = (counts: ReadonlyArray<number>, beta = 0.999): Array<number> => {
  check(counts)
  if (!(beta >= 0 && beta < 1)) throw new BalanceError(`β = ${beta} is outside [0, 1)`)
  // expm1/log1p keep 1 − β^n exact for β near 1.
  const raw = counts.map((n) => (beta === 0 ? 1 : (1 - beta) / -Math.expm1(n * Math.log(beta))))
  const sum = raw.reduce((a, b) => a + b, 0)
  return raw.map((w) => (w * counts.length) / sum)
}
