const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** Milliseconds of "90s", "30m", "1h30m", "7d" (units ms, s, m, h, d, w); undefined where it is none or zero. */
export const parseDuration = (text: string): number | undefined => {
  if (text.length > 40 || !/^(\d+(\.\d+)?\s*(ms|[smhdw])\s*)+$/.test(text)) return undefined
  let total = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|[smhdw])/g)) {
    total += Number(amount) * units[unit]
  }
  return total > 0 && Number.isSafeInteger(Math.round(total)) ? Math.round(total) : undefined
}
