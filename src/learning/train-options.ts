import type * as tf from "@tensorflow/tfjs"
import type { Augmentation } from "./augment.ts"
import type { LabelledImages } from "./dataset.ts"
import type { Preprocessing } from "./preprocess.ts"
import type { Schedule } from "./schedule.ts"
import type { EpochFigures, Monitor } from "./selection.ts"
import type { TrainingState } from "./training-state.ts"

export interface TrainOptions {
  /** Trained in place. Input [N, H, W, C], output logits [N, classes]. */
  readonly model: tf.LayersModel
  readonly training: LabelledImages
  /** Judges each epoch and chooses the weights that are kept. Without it the last epoch's are. */
  readonly validation?: LabelledImages | undefined
  readonly classNames: ReadonlyArray<string>
  readonly preprocessing: Preprocessing
  readonly epochs: number
  /** Default 32. */
  readonly batchSize?: number | undefined
  /** Base learning rate. Default 0.05. */
  readonly learningRate?: number | undefined
  /** Default: cosine to 0. */
  readonly schedule?: Schedule | undefined
  /** Epochs (or part of one) of linear warm-up. Default 1. */
  readonly warmupEpochs?: number | undefined
  /** Default 0.9. */
  readonly momentum?: number | undefined
  /** Default true. */
  readonly nesterov?: boolean | undefined
  /** L2 factor on kernels (batch normalisation and biases are left alone). Default 1e-4. */
  readonly l2?: number | undefined
  /** Largest norm of all gradients together, L2 apart. No limit when left out. */
  readonly clipNorm?: number | undefined
  /** Weight of each class in the loss. Default 1 each. */
  readonly classWeights?: ReadonlyArray<number> | undefined
  /** Share of the target spread over all classes (Szegedy et al. 2016). Default 0. */
  readonly labelSmoothing?: number | undefined
  /** γ of the focal loss (Lin et al. 2017). Default 0: cross-entropy. */
  readonly focalGamma?: number | undefined
  /** None when left out. */
  readonly augmentation?: Augmentation | undefined
  /** Orders and augmentations follow from it. Default 0. */
  readonly seed?: number | undefined
  /** Which figure says what is better: for `keep`, `patience` and plateau schedules. Default "valMacroF1". */
  readonly monitor?: Monitor | undefined
  /** Whose weights the model ends with. Default "best"; without validation the last. */
  readonly keep?: "best" | "last" | undefined
  /** Stops after so many epochs in a row without anything better. Never when left out. */
  readonly patience?: number | undefined
  /**
   * Threads that make batches while the engine computes, two to a few ahead. Default 0: between the steps. Without
   * influence on the result.
   */
  readonly workers?: number | undefined
  /** Losses are read back every so many steps: each reading waits for the device. Default 8. */
  readonly readEvery?: number | undefined
  /** Awaited after each epoch. */
  readonly onEpoch?: ((figures: EpochFigures & EpochTimes) => void | Promise<void>) | undefined
  /**
   * Goes on from here: a state of a training that was equal but for its number of epochs and its patience, and whose
   * rates were the same up to here (`firstRateChange`). The result is that of a training that was not interrupted.
   */
  readonly resume?: TrainingState | undefined
  /** Awaited after each epoch, before `onEpoch`; `state` copies everything from the device. */
  readonly onCheckpoint?: ((epoch: number, state: () => TrainingState) => Promise<void>) | undefined
  readonly signal?: AbortSignal | undefined
}

export interface EpochTimes {
  /** Wall time of the epoch with its validation. */
  readonly ms: number
  /** Of that, the time in which the device waited for its input: pictures selected, augmented, normalised. */
  readonly inputMs: number
}

export interface TrainResult {
  /** The epoch whose weights the model now has. */
  readonly bestEpoch: number
  readonly history: ReadonlyArray<EpochFigures>
  /** With those of a training that was gone on from. */
  readonly steps: number
  /** Whether it ended before the last epoch, for want of anything better. */
  readonly stoppedEarly: boolean
}
