import { visibleWidth } from "./width.ts"

export { fit, visibleWidth } from "./width.ts"

/** 12.3 s, 4 min 05 s, 87 ms. */
export const duration = (ms: number): string => {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  const rest = String(seconds % 60).padStart(2, "0")
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${rest} s`
  return `${Math.floor(seconds / 3600)} h ${String(Math.floor((seconds % 3600) / 60)).padStart(2, "0")} min`
}

/** 1.2 GB, 34 kB: decimal units. */
export const size = (bytes: number): string => {
  const units = ["B", "kB", "MB", "GB", "TB"]
  let unit = 0
  let value = bytes
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`
}

/** 12,345. (The language's own formatter loads tables for 20 ms.) */
export const count = (n: number): string => String(n).replaceAll(/\B(?=(?:\d{3})+$)/gu, ",")

export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`

/** Columns with two spaces between; `right` says which are aligned to the right. The last column is not padded. */
export const columns = (
  rows: ReadonlyArray<ReadonlyArray<string>>,
  right: ReadonlyArray<number> = [],
): string => {
  const widths: Array<number> = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, visibleWidth(cell))))
  return rows
    .map((row) =>
      row
        .map((cell, i) => {
          const pad = " ".repeat(widths[i] - visibleWidth(cell))
          return right.includes(i) ? pad + cell : i === row.length - 1 ? cell : cell + pad
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}

/** 2026-11-23 20:45:30, in local time. */
export const moment = (ms: number): string => {
  const at = new Date(ms)
  const two = (n: number): string => String(n).padStart(2, "0")
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** The beginning of a digest: enough for people. (schema/digest has it too, and loads node:crypto.) */
export const short = (digest: string): string => digest.slice(0, 10)
