/**
 * A linear axis from 0 (or `low`) to a round number not below `high`, with 3 to 6 round ticks: steps of 1, 2, 2.5 or 5
 * times a power of ten.
 */
export const niceScale = (
  low: number,
  high: number,
): { readonly min: number; readonly max: number; readonly ticks: ReadonlyArray<number> } => {
  const span = high > low ? high - low : 1
  const raw = span / 4
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999) ?? 10 * power
  const min = Math.floor(low / step + 1e-9) * step
  const max = Math.ceil((low + span) / step - 1e-9) * step
  const count = Math.round((max - min) / step)
  // Steps are decimal fractions: rounding removes the dust of binary ones.
  const ticks = Array.from({ length: count + 1 }, (_, i) => Number((min + i * step).toPrecision(12)))
  return { min: ticks[0] ?? 0, max: ticks.at(-1) ?? 1, ticks }
}

/** Whole numbers from 1 to `last`, at most `most` of them, evenly spaced, with both ends. */
export const epochTicks = (last: number, most = 6): ReadonlyArray<number> => {
  if (last <= most) return Array.from({ length: last }, (_, i) => i + 1)
  const step = Math.ceil((last - 1) / (most - 1))
  const ticks = [1]
  for (let at = 1 + step; at <= last - step / 2; at += step) ticks.push(at)
  return [...ticks, last]
}
