/** `1234` → `1,234`, the same on every machine. */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",")

/** `0.8333` → `83.3 %`, with a no-break thin space. */
export const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)}\u202f%`

/** `2, "face"` → `2 faces`. */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`

/** At most `length` characters, cut in the middle with an ellipsis (whole code points). */
export const shorten = (text: string, length: number): string => {
  const letters = Array.from(text)
  if (letters.length <= length) return text
  const head = Math.ceil((length - 1) / 2)
  return `${letters.slice(0, head).join("")}…${letters.slice(letters.length - (length - 1 - head)).join("")}`
}

/** Coordinates of drawings: two decimals at most, no negative zero. */
export const coordinate = (value: number): string => String(Math.round(value * 100) / 100 + 0)

/** `two-step_slug` → `two step slug`. */
export const words = (slug: string): string => slug.replace(/[-_]+/g, " ").trim()

/** `happiness` → `Happiness`. */
export const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/** Joins as a sentence does: `a`, `a and b`, `a, b and c`. */
export const sentence = (parts: ReadonlyArray<string>): string =>
  parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`
