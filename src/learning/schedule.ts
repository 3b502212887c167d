/** How the learning rate changes over a training. */
export type Schedule =
  | { readonly kind: "constant" }
  /** Multiplied by `factor` at each of these shares of the training (0…1). */
  | { readonly kind: "step"; readonly at: ReadonlyArray<number>; readonly factor: number }
  /** Half a cosine from the base rate to `final` times it (Loshchilov & Hutter 2017), after the warm-up. */
  | { readonly kind: "cosine"; readonly final?: number }

export interface ScheduleOptions {
  readonly base: number
  readonly schedule: Schedule
  /** Steps over which the rate rises linearly to the base. */
  readonly warmupSteps: number
  readonly totalSteps: number
}

/** The learning rate of step `step` (0 … totalSteps − 1). */
export const learningRateAt = (step: number, options: ScheduleOptions): number => {
  const { base, schedule, warmupSteps, totalSteps } = options
  if (step < warmupSteps) return (base * (step + 1)) / (warmupSteps + 1)
  if (schedule.kind === "constant") return base
  if (schedule.kind === "step")
    return base * schedule.factor ** schedule.at.filter((share) => step >= share * totalSteps).length
  const final = schedule.final ?? 0
  const progress = (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps)
  return base * (final + ((1 - final) * (1 + Math.cos(Math.PI * progress))) / 2)
}
