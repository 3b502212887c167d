import { effectiveNumberWeights, inverseFrequencyWeights } from "../../learning/balance.ts"
import { digestOf } from "../../schema/digest.ts"
import type { Sample } from "../../schema/sample.ts"

type LabelledSample = Sample & { readonly label: string }

export interface EvenOptions {
  readonly strategy: "none" | "down" | "over" | "inverse" | "effective-number"
  readonly target: "auto" | "min" | "median" | "mean" | "max" | number
  readonly maxCopies: number
  readonly copies: "resampled" | "augmented"
  readonly beta: number
  readonly seed: number
}

/** How many rows of a class are originals, plain copies and copies to be augmented. */
export interface ClassCount {
  readonly original: number
  readonly resampled: number
  readonly augmented: number
}

export const countOf = (rows: Iterable<Sample>): ClassCount => {
  const counts = { original: 0, resampled: 0, augmented: 0 }
  for (const { copy } of rows) counts[copy?.kind ?? "original"]++
  return counts
}

export interface Evened<Row> {
  readonly rows: ReadonlyArray<Row>
  readonly dropped: ReadonlyArray<Row>
  /** Loss weight per class, for the strategies that weigh. */
  readonly weights: Readonly<Record<string, number>>
  readonly target: number | undefined
}

/** Rows per label, labels sorted. */
export const byLabel = <Row extends { readonly label: string }>(
  rows: Iterable<Row>,
): ReadonlyMap<string, ReadonlyArray<Row>> => {
  const classes = new Map<string, Array<Row>>()
  for (const row of rows) {
    const members = classes.get(row.label)
    if (members === undefined) classes.set(row.label, [row])
    else members.push(row)
  }
  return new Map([...classes].sort(([a], [b]) => (a < b ? -1 : 1)))
}

const targetOf = (sizes: ReadonlyArray<number>, { target, strategy }: EvenOptions): number => {
  if (typeof target === "number") return target
  const sorted = [...sizes].sort((a, b) => a - b)
  switch (target === "auto" ? (strategy === "down" ? "min" : "max") : target) {
    case "min":
      return sorted[0]
    case "max":
      return sorted.at(-1)!
    case "mean":
      return Math.round(sizes.reduce((a, b) => a + b, 0) / sizes.length)
    // The median: the mean of the two middle ones where their number is even.
    default: {
      const middle = sorted.length / 2
      return Math.round((sorted[Math.ceil(middle) - 1] + sorted[Math.floor(middle)]) / 2)
    }
  }
}

/** Rows in an order drawn by seed and id: which rows are chosen depends on no other row. */
const drawn = <Row extends { readonly id: string }>(
  rows: ReadonlyArray<Row>,
  seed: number,
): ReadonlyArray<Row> =>
  rows
    .map((row) => [digestOf(`balance ${seed} ${row.id}`), row] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row)

/** Copies of rows in turn, `count` of them, the k-th of a row with the id `id~k`. */
const copiesOf = <Row extends Sample>(
  rows: ReadonlyArray<Row>,
  count: number,
  kind: "resampled" | "augmented",
): ReadonlyArray<Row> =>
  Array.from({ length: count }, (_, i) => {
    const row = rows[i % rows.length]
    const index = Math.floor(i / rows.length) + 1
    return { ...row, id: `${row.id}~${index}`, parent: row.id, copy: { kind, index } }
  })

/**
 * Evens out the classes of a training set.
 * down: of each class the `target` rows drawn first; over: copies until `target`, at most `maxCopies` of a row, in
 * turn through the rows drawn; inverse and effective-number: a `weight` on every row and no other change.
 */
export const even = <Row extends LabelledSample>(
  rows: ReadonlyArray<Row>,
  options: EvenOptions,
): Evened<Row> => {
  const { strategy, maxCopies, copies, beta, seed } = options
  const classes = byLabel(rows)
  const unchanged = { rows, dropped: [], weights: {}, target: undefined }
  if (strategy === "none" || classes.size === 0) return unchanged
  const sizes = [...classes.values()].map((members) => members.length)
  if (strategy === "inverse" || strategy === "effective-number") {
    const raw = strategy === "inverse" ? inverseFrequencyWeights(sizes) : effectiveNumberWeights(sizes, beta)
    // Nine digits: enough for a loss, and the same whatever the last bit of a logarithm.
    const weights = Object.fromEntries(
      [...classes.keys()].map((label, c) => [label, Number(raw[c].toPrecision(9))]),
    )
    return { ...unchanged, rows: rows.map((row) => ({ ...row, weight: weights[row.label] })), weights }
  }
  const target = targetOf(sizes, options)
  const kept: Array<Row> = []
  const dropped: Array<Row> = []
  for (const members of classes.values()) {
    const order = drawn(members, seed)
    if (strategy === "down") {
      kept.push(...order.slice(0, target))
      dropped.push(...order.slice(target))
    } else {
      const missing = Math.min(Math.max(0, target - members.length), maxCopies * members.length)
      kept.push(...members, ...copiesOf(order, missing, copies))
    }
  }
  return { rows: kept, dropped, weights: {}, target }
}
