import { augmentBatch, type Augmentation } from "../augment.ts"
import { epochBatches } from "../dataset.ts"
import { type Images, imageSize, selectImages } from "../images.ts"
import { normalise, type Preprocessing } from "../preprocess.ts"

/** All that the batches of a training follow from; plain data, so that it can be handed to a thread. */
export interface InputPlan {
  readonly images: Images
  /** None when left out. */
  readonly augmentation?: Augmentation | undefined
  readonly preprocessing: Preprocessing
  readonly batchSize: number
  readonly seed: number
}

/** Batches of one epoch. */
export const stepsPerEpoch = ({
  images,
  batchSize,
}: {
  readonly images: Pick<Images, "count">
  readonly batchSize: number
}): number => Math.ceil(images.count / batchSize)

/** Numbers in a batch: [batch, height, width, channels]. */
export const batchLength = ({ images, batchSize }: InputPlan): number => batchSize * imageSize(images)

/** A step of the training, counted from 0 over all epochs, as its epoch (from 1) and its place in it (from 0). */
export const placeOf = (step: number, steps: number): { readonly epoch: number; readonly index: number } => ({
  epoch: Math.floor(step / steps) + 1,
  index: step % steps,
})

/**
 * A function that makes the input of any step: pictures selected, augmented and normalised. What it gives follows from
 * the plan and the step alone: whoever makes a batch, and whenever, makes the same bits.
 * @throws ImagesError when the normalisation is for another number of channels.
 */
export const batchMaker = (plan: InputPlan): ((step: number, out: Float32Array) => Float32Array) => {
  const { images, augmentation, preprocessing, batchSize, seed } = plan
  const steps = stepsPerEpoch(plan)
  let ordered = 0
  let batches: ReadonlyArray<Uint32Array> = []
  return (step, out) => {
    const { epoch, index } = placeOf(step, steps)
    if (epoch !== ordered) batches = epochBatches(images.count, batchSize, { seed, epoch })
    ordered = epoch
    const chosen = batches[index]
    const pictures =
      augmentation === undefined
        ? selectImages(images, chosen)
        : augmentBatch(images, chosen, augmentation, { seed, epoch })
    return normalise(pictures, preprocessing, out)
  }
}
