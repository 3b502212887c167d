import type { Outcome } from "./ours.ts"

/** max |a − b| / max |b|. */
export const relativeError = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) throw new Error(`${a.length} values beside ${b.length}`)
  let [worst, largest] = [0, 0]
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i] - b[i])
    worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference)
    largest = Math.max(largest, Math.abs(b[i]))
  }
  return worst === 0 ? 0 : worst / largest
}

/** Errors of the tensors of one kind. */
export interface KindError {
  readonly kind: string
  readonly count: number
  readonly median: number
  readonly worst: number
  readonly worstName: string
}

/** What sort of weight a name is of. */
const kindOf = (name: string): string => {
  const [layer = "", weight = ""] = name.split("/").slice(-2)
  if (weight === "kernel") return layer === "logits" ? "dense kernel" : "convolution kernel"
  if (weight === "bias") return "dense bias"
  return (
    { gamma: "norm scale", beta: "norm shift", moving_mean: "running mean" }[weight] ?? "running variance"
  )
}

/** Relative errors of all tensors whose name starts with `prefix`, by kind and (last) all together. */
export const errorsByKind = (prefix: string, actual: Outcome, truth: Outcome): ReadonlyArray<KindError> => {
  const kinds = new Map<string, Array<{ readonly name: string; readonly error: number }>>()
  for (const [name, values] of truth.tensors) {
    if (!name.startsWith(prefix)) continue
    const found = actual.tensors.get(name)
    if (found === undefined) throw new Error(`${name} is missing`)
    const entry = { name: name.slice(prefix.length), error: relativeError(found, values) }
    for (const kind of [kindOf(name), "all"]) kinds.set(kind, [...(kinds.get(kind) ?? []), entry])
  }
  return Array.from(kinds, ([kind, list]) => {
    const sorted = list.toSorted((a, b) => a.error - b.error)
    const last = sorted[sorted.length - 1]
    const median = sorted[Math.floor(sorted.length / 2)].error
    return { kind, count: list.length, median, worst: last.error, worstName: last.name }
  }).toSorted((a, b) => (a.kind === "all" ? 1 : b.kind === "all" ? -1 : a.kind.localeCompare(b.kind)))
}

/** The error of one tensor. */
export const errorOf = (name: string, actual: Outcome, truth: Outcome): number => {
  const [a, b] = [actual, truth].map((side) => side.tensors.get(name))
  if (a === undefined || b === undefined) throw new Error(`${name} is missing`)
  return relativeError(a, b)
}
