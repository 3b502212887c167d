import * as tf from "@tensorflow/tfjs"
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from "./safetensors.ts"
import type { EpochFigures } from "./selection.ts"
import type { MomentumSgd } from "./sgd.ts"
import { CheckpointError } from "./training-errors.ts"

/**
 * All that a training is between two epochs. Orders and augmentations are drawn under (seed, epoch, sample), and
 * schedules, early stopping and the choice of the best epoch follow from the history: none has a state of its own.
 */
export interface TrainingState {
  readonly history: ReadonlyArray<EpochFigures>
  /** Of the model's weights, running averages too, in the model's order. */
  readonly weights: ReadonlyArray<Float32Array>
  /** Of the optimizer, in the order of its variables. */
  readonly velocities: ReadonlyArray<Float32Array>
  /** Weights of the best epoch so far, where that was not the last one. */
  readonly best?: ReadonlyArray<Float32Array> | undefined
}

/** Copies of all weights (running averages too) on the host. */
export const weightsOf = (model: tf.LayersModel): Array<Float32Array> =>
  model.getWeights().map((weight) => Float32Array.from(weight.dataSync()))

const fits = (
  values: ReadonlyArray<Float32Array>,
  shaped: ReadonlyArray<{ readonly size: number }>,
): void => {
  if (values.length !== shaped.length || values.some((value, i) => value.length !== shaped[i].size))
    throw new CheckpointError("the checkpoint is of another network: its weights do not fit this one")
}

export const setWeights = (model: tf.LayersModel, values: ReadonlyArray<Float32Array>): void =>
  tf.tidy(() => {
    const weights = model.getWeights()
    fits(values, weights)
    model.setWeights(weights.map((weight, i) => tf.tensor(values[i], weight.shape)))
  })

export const velocitiesOf = (optimizer: MomentumSgd): Array<Float32Array> =>
  optimizer.velocities.map((velocity) => Float32Array.from(velocity.dataSync()))

/** Puts a training back to where it was. */
export const restoreState = (model: tf.LayersModel, optimizer: MomentumSgd, state: TrainingState): void => {
  setWeights(model, state.weights)
  fits(state.velocities, optimizer.velocities)
  tf.tidy(() => {
    for (const [i, velocity] of optimizer.velocities.entries())
      velocity.assign(tf.tensor(state.velocities[i], velocity.shape))
  })
}

const FORMAT = "facet-checkpoint-1"

const flat = (prefix: string, values: ReadonlyArray<Float32Array>): Array<[string, SafetensorsTensor]> =>
  values.map((data, i) => [
    `${prefix}${String(i).padStart(6, "0")}`,
    { dtype: "F32", shape: [data.length], data },
  ])

/** A state without its best weights, as one safetensors file; equal states give equal bytes. */
export const encodeState = ({
  history,
  weights,
  velocities,
}: Pick<TrainingState, "history" | "weights" | "velocities">): Uint8Array =>
  writeSafetensors(new Map([...flat("weight/", weights), ...flat("velocity/", velocities)]), {
    format: FORMAT,
    history: JSON.stringify(history),
  })

/**
 * Reads what `encodeState` wrote.
 * @throws CheckpointError for another file, SafetensorsError for a damaged one.
 */
export const decodeState = (bytes: Uint8Array): TrainingState => {
  const { tensors, metadata } = readSafetensors(bytes)
  if (metadata["format"] !== FORMAT)
    throw new CheckpointError(
      `checkpoint: format "${metadata["format"] ?? "none"}", this program reads "${FORMAT}"`,
    )
  const named = (prefix: string): Array<Float32Array> =>
    [...tensors]
      .filter(([name]) => name.startsWith(prefix))
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { data }]) => {
        if (data instanceof Float32Array) return data
        throw new CheckpointError(`checkpoint: "${name}" is not float32`)
      })
  return {
    history: JSON.parse(metadata["history"] ?? "[]") as ReadonlyArray<EpochFigures>,
    weights: named("weight/"),
    velocities: named("velocity/"),
  }
}
