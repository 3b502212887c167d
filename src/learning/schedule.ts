/** How the learning rate changes over a training. */
export type Schedule =
  | { readonly kind: "constant" }
  /** Multiplied by `factor` at each of these shares of the training (0…1). */
  | { readonly kind: "step"; readonly at: ReadonlyArray<number>; readonly factor: number }
  /** Multiplied by `factor` after each of these epochs, however long the training is. */
  | { readonly kind: "milestones"; readonly after: ReadonlyArray<number>; readonly factor: number }
  /** Half a cosine from the base rate to `final` times it (Loshchilov & Hutter 2017), after the warm-up. */
  | { readonly kind: "cosine"; readonly final?: number }
  /** Multiplied by `factor` whenever `patience` epochs in a row bring nothing better (selection.ts). */
  | { readonly kind: "plateau"; readonly factor: number; readonly patience: number }

export interface ScheduleOptions {
  readonly base: number
  readonly schedule: Schedule
  /** Steps over which the rate rises linearly to the base. */
  readonly warmupSteps: number
  readonly totalSteps: number
  /** Default 1. */
  readonly stepsPerEpoch?: number
}

/**
 * The learning rate of step `step` (0 … totalSteps − 1). Of a plateau schedule without its reductions, which follow
 * from what was measured.
 */
export const learningRateAt = (step: number, options: ScheduleOptions): number => {
  const { base, schedule, warmupSteps, totalSteps, stepsPerEpoch = 1 } = options
  if (step < warmupSteps) return (base * (step + 1)) / (warmupSteps + 1)
  switch (schedule.kind) {
    case "constant":
    case "plateau":
      return base
    case "step":
      return base * schedule.factor ** schedule.at.filter((share) => step >= share * totalSteps).length
    case "milestones":
      return base * schedule.factor ** schedule.after.filter((epoch) => step >= epoch * stepsPerEpoch).length
    case "cosine": {
      const final = schedule.final ?? 0
      const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps)
      return base * (final + ((1 - final) * (1 + Math.cos(Math.PI * progress))) / 2)
    }
  }
}

/** The first of `steps` steps at which two schedules give different rates; undefined where all are the same. */
export const firstRateChange = (
  a: ScheduleOptions,
  b: ScheduleOptions,
  steps: number,
): number | undefined => {
  for (let step = 0; step < steps; step++)
    if (learningRateAt(step, a) !== learningRateAt(step, b)) return step
  return undefined
}

/** What a schedule follows from. */
export interface ScheduleBasis {
  readonly count: number
  readonly batchSize: number
  readonly epochs: number
  readonly learningRate: number
  readonly schedule: Schedule
  readonly warmupEpochs: number
}

/** The schedule of a training of so many epochs over `count` pictures. */
export const scheduleOf = (basis: ScheduleBasis): ScheduleOptions & { readonly stepsPerEpoch: number } => {
  const stepsPerEpoch = Math.ceil(basis.count / basis.batchSize)
  return {
    base: basis.learningRate,
    schedule: basis.schedule,
    warmupSteps: Math.round(basis.warmupEpochs * stepsPerEpoch),
    totalSteps: basis.epochs * stepsPerEpoch,
    stepsPerEpoch,
  }
}
