import { countClasses } from "./balance.ts"
import type { Images } from "./images.ts"
import { permutation, randomOf } from "./random.ts"

/** Pictures with a class index each. */
export interface LabelledImages {
  readonly images: Images
  readonly labels: ArrayLike<number>
}

/** A data set that nothing can be learned from as it is; the message says what is wrong with it. */
export class TrainingDataError extends Error {
  readonly _tag = "TrainingDataError"
  override readonly name = "TrainingDataError"
}

/**
 * Check a training set before any time is spent on it.
 * @throws TrainingDataError for labels that don't match the pictures, a class without pictures, fewer pictures than
 * a batch; BalanceError for a label outside the classes.
 */
export const checkTrainingSet = (
  set: LabelledImages,
  classNames: ReadonlyArray<string>,
  batchSize: number,
): void => {
  const { images, labels } = set
  if (labels.length !== images.count)
    throw new TrainingDataError(`${images.count} pictures but ${labels.length} labels`)
  if (classNames.length < 2)
    throw new TrainingDataError(
      `a classifier needs two classes at least, the set has ${classNames.length === 1 ? `only "${classNames[0]}"` : "none"}`,
    )
  const counts = countClasses(labels, classNames.length)
  const empty = classNames.filter((_, c) => counts[c] === 0)
  if (empty.length > 0)
    throw new TrainingDataError(
      `no pictures of ${empty.map((name) => `"${name}"`).join(", ")}: add some or leave the class out ` +
        `(pictures per class: ${classNames.map((name, c) => `${name} ${counts[c]}`).join(", ")})`,
    )
  if (!Number.isInteger(batchSize) || batchSize < 2)
    throw new TrainingDataError(`batch size ${batchSize}: batch normalisation needs 2 at least`)
  if (images.count < batchSize)
    throw new TrainingDataError(
      `${images.count} pictures are fewer than one batch of ${batchSize}: add pictures or take a smaller batch`,
    )
}

/**
 * The batches of an epoch: a seeded shuffle of 0 … count − 1 cut into full batches. The last one is filled up from
 * the beginning of the same shuffle, so that every picture is seen at least once and every batch has one shape.
 */
export const epochBatches = (
  count: number,
  batchSize: number,
  key: { readonly seed: number; readonly epoch: number },
): Array<Uint32Array> => {
  const order = permutation(count, randomOf("shuffle", key.seed, key.epoch))
  return Array.from({ length: Math.ceil(count / batchSize) }, (_, b) =>
    Uint32Array.from({ length: batchSize }, (_, i) => order[(b * batchSize + i) % count]),
  )
}

/**
 * Targets of a weighted, smoothed cross-entropy as one array [batch, classes]: row i is the share of sample i in the
 * batch's total class weight, spread as `1 − ε` on its class and `ε / C` everywhere. The loss of a batch is then
 * `−Σ targets · log softmax(logits)`: the weighted mean that PyTorch's CrossEntropyLoss computes.
 */
export const batchTargets = (
  labels: ArrayLike<number>,
  batch: Uint32Array,
  classWeights: ReadonlyArray<number>,
  smoothing: number,
): Float32Array<ArrayBuffer> => {
  const classes = classWeights.length
  let total = 0
  for (const sample of batch) total += classWeights[labels[sample]]
  const targets = new Float32Array(batch.length * classes)
  for (const [row, sample] of batch.entries()) {
    const share = classWeights[labels[sample]] / total
    targets.fill((share * smoothing) / classes, row * classes, (row + 1) * classes)
    targets[row * classes + labels[sample]] += share * (1 - smoothing)
  }
  return targets
}
