/** What was measured in one epoch. */
export interface EpochFigures {
  /** 1 … epochs. */
  readonly epoch: number
  /** Mean over the epoch of the loss that is minimised, L2 apart. */
  readonly loss: number
  /** Share right among the augmented training pictures, as they were seen. */
  readonly accuracy: number
  /** Plain mean cross-entropy: no class weights, no smoothing, no focus. */
  readonly valLoss?: number
  readonly valAccuracy?: number
  readonly valMacroF1?: number
  /** Learning rate of the epoch's last step. */
  readonly lr: number
}

/** The figure that says which epoch is better; without validation it is the training loss. */
export type Monitor = "valMacroF1" | "valAccuracy" | "valLoss"

const score = (figures: EpochFigures, monitor: Monitor): number =>
  monitor === "valLoss" || figures.valLoss === undefined
    ? -(figures.valLoss ?? figures.loss)
    : (figures[monitor] ?? 0)

/** Whether an epoch is better than the best before it: of equal scores the lower loss, then the earlier epoch. */
const isBetter = (a: EpochFigures, b: EpochFigures, monitor: Monitor): boolean => {
  const [ours, theirs] = [score(a, monitor), score(b, monitor)]
  return ours > theirs || (ours === theirs && (a.valLoss ?? a.loss) < (b.valLoss ?? b.loss))
}

/** Everything below follows from the figures alone, so that a resumed training needs no state for it. */
export const bestEpoch = (
  history: ReadonlyArray<EpochFigures>,
  monitor: Monitor,
): EpochFigures | undefined => {
  let best: EpochFigures | undefined
  for (const figures of history) if (best === undefined || isBetter(figures, best, monitor)) best = figures
  return best
}

/** The epoch after which `patience` epochs in a row had brought nothing better; undefined while it goes on. */
export const stoppedAfter = (
  history: ReadonlyArray<EpochFigures>,
  monitor: Monitor,
  patience: number,
): number | undefined => {
  let best: EpochFigures | undefined
  for (const figures of history) {
    if (best === undefined || isBetter(figures, best, monitor)) best = figures
    else if (figures.epoch - best.epoch >= patience) return figures.epoch
  }
  return undefined
}

/**
 * How often a plateau schedule has reduced the rate by the end of the history: each time `patience` epochs in a row
 * brought nothing better, counted anew after a reduction.
 */
export const plateauReductions = (
  history: ReadonlyArray<EpochFigures>,
  monitor: Monitor,
  patience: number,
): number => {
  let best: EpochFigures | undefined
  let [waited, reductions] = [0, 0]
  for (const figures of history) {
    if (best === undefined || isBetter(figures, best, monitor)) {
      best = figures
      waited = 0
    } else if (++waited === patience) {
      reductions++
      waited = 0
    }
  }
  return reductions
}
