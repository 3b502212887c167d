import { countClasses, effectiveNumberWeights, inverseFrequencyWeights } from "../../learning/balance.ts"
import type { Sample } from "../../schema/sample.ts"
import type { ClassCount } from "./types.ts"

/** A data set that a model cannot be trained on; the message says what to change. */
export class DatasetError extends Error {
  readonly _tag = "DatasetError"
  override readonly name = "DatasetError"
}

/** A row as training needs it. */
export type TrainingRow = Sample & { readonly label: string; readonly split: "train" | "val" | "test" }

/**
 * The classes in the order of the outputs: those asked for, else the labels of the rows, sorted.
 * @throws DatasetError for a label that is no class, with the first sample that has it.
 */
export const classesOf = (
  rows: ReadonlyArray<Pick<TrainingRow, "id" | "label">>,
  asked: ReadonlyArray<string> | undefined,
): ReadonlyArray<string> => {
  if (asked === undefined) return [...new Set(rows.map((row) => row.label))].toSorted()
  const repeated = asked.find((name, i) => asked.indexOf(name) !== i)
  if (repeated !== undefined)
    throw new DatasetError(`parameter classes: "${repeated}" is listed more than once`)
  const known = new Set(asked)
  const stranger = rows.find((row) => !known.has(row.label))
  if (stranger !== undefined)
    throw new DatasetError(
      `sample ${stranger.id} is labelled "${stranger.label}", which is none of the classes (${asked.join(", ")}): ` +
        `add it to the parameter classes, or map or drop that label before training`,
    )
  return asked
}

/** Class index of each row. */
export const indicesOf = (
  rows: ReadonlyArray<Pick<TrainingRow, "label">>,
  classes: ReadonlyArray<string>,
): Uint16Array => {
  const index = new Map(classes.map((name, i) => [name, i]))
  return Uint16Array.from(rows, (row) => index.get(row.label) ?? 0)
}

/**
 * Refuses a training split that lacks a class, or has only one, before any picture is decoded.
 * @throws DatasetError with the number of rows of every class
 */
export const checkClasses = (
  training: ReadonlyArray<Pick<TrainingRow, "label">>,
  classes: ReadonlyArray<string>,
): void => {
  if (classes.length < 2)
    throw new DatasetError(
      `all ${training.length} rows of the training split are labelled "${classes[0]}": a classifier needs two classes at least`,
    )
  const counts = new Map(classes.map((name) => [name, 0]))
  for (const row of training) counts.set(row.label, (counts.get(row.label) ?? 0) + 1)
  const empty = classes.filter((name) => counts.get(name) === 0)
  if (empty.length > 0)
    throw new DatasetError(
      `the training split has no rows of ${empty.map((name) => `"${name}"`).join(", ")} ` +
        `(it has ${classes.map((name) => `${name} ${counts.get(name)}`).join(", ")}): add pictures of it, or leave it out of the parameter classes`,
    )
}

/** Rows per class: originals, plain copies and augmented copies apart. */
export const countByKind = (
  rows: ReadonlyArray<Pick<Sample, "label" | "copy">>,
  classes: ReadonlyArray<string>,
): Record<string, ClassCount> => {
  const counts = new Map(classes.map((name) => [name, { original: 0, resampled: 0, augmented: 0 }]))
  for (const row of rows) {
    const entry = counts.get(row.label ?? "")
    if (entry !== undefined) entry[row.copy?.kind ?? "original"]++
  }
  return Object.fromEntries(counts)
}

/** How the loss weighs the classes; see the parameter `classWeights` of model.train. */
export type ClassWeighting = "none" | "inverse" | "effective-number" | "from-dataset"

/**
 * Loss weight per class; `beta` is that of `effective-number`. `from-dataset` is the mean of the rows' own weights (1 where a row has none).
 * @throws DatasetError for a class whose rows all weigh nothing; BalanceError for an empty class.
 */
export const classWeightsOf = (
  kind: ClassWeighting,
  rows: ReadonlyArray<Pick<TrainingRow, "weight">>,
  labels: ArrayLike<number>,
  classes: ReadonlyArray<string>,
  beta = 0.999,
): ReadonlyArray<number> => {
  if (kind === "none") return classes.map(() => 1)
  const counts = countClasses(labels, classes.length)
  if (kind === "inverse") return inverseFrequencyWeights(counts)
  if (kind === "effective-number") return effectiveNumberWeights(counts, beta)
  const sums = classes.map(() => 0)
  for (const [i, row] of rows.entries()) sums[labels[i]] += row.weight ?? 1
  return sums.map((sum, c) => {
    if (sum > 0) return sum / counts[c]
    throw new DatasetError(
      `the rows of class "${classes[c]}" have no weight above 0: set classWeights to something other than from-dataset, or balance the data set anew`,
    )
  })
}
