import type * as tf from "@tensorflow/tfjs"
import { LAYERS, type NetworkSpec, visualLayers } from "../../learning/networks/spec.ts"
import { type Objective, visualizeFeatures } from "../../learning/visualize/feature.ts"
import type { NodeContext } from "../../runtime/node.ts"
import { storePictures } from "./store-pictures.ts"
import type { FeaturePicture, ModelValue } from "./types.ts"

/** `n` of the indices 0 … channels − 1, spread evenly; all of them where there are no more. */
export const spreadChannels = (channels: number, n: number): ReadonlyArray<number> =>
  n >= channels
    ? Array.from({ length: channels }, (_, i) => i)
    : Array.from({ length: n }, (_, i) => Math.floor(((i + 0.5) * channels) / n))

/** A low, a middle and the last layer of one of our networks; of another only the last. */
export const defaultLayers = (spec: NetworkSpec | undefined): ReadonlyArray<string> => {
  if (spec === undefined) return [LAYERS.features]
  const all = visualLayers(spec)
  return [...new Set([all[1], all[Math.floor(all.length / 2)], all[all.length - 1]])]
}

const channelsOf = (model: tf.LayersModel, layer: string): number => {
  const { outputShape } = model.getLayer(layer)
  const last = outputShape.at(-1)
  return typeof last === "number" ? last : 0
}

/** What is to be shown of a model: channels of layers, and its classes. */
export const objectivesOf = (
  model: tf.LayersModel,
  classes: ReadonlyArray<string>,
  options: {
    readonly spec: NetworkSpec | undefined
    readonly layers: ReadonlyArray<string> | undefined
    readonly perLayer: number
    readonly logits: boolean
  },
): ReadonlyArray<Objective> => [
  ...(options.perLayer === 0
    ? []
    : (options.layers ?? defaultLayers(options.spec)).flatMap((layer) =>
        spreadChannels(channelsOf(model, layer), options.perLayer).map((index): Objective => ({
          kind: "channel",
          layer,
          index,
        })),
      )),
  ...(options.logits ? classes.map((_, index): Objective => ({ kind: "class", index })) : []),
]

/** Feature pictures of a model. */
export const featuresOf = async (
  name: string,
  model: tf.LayersModel,
  value: ModelValue,
  objectives: ReadonlyArray<Objective>,
  steps: number,
  context: NodeContext,
  onStep: (step: number) => void,
): Promise<ReadonlyArray<FeaturePicture>> => {
  if (objectives.length === 0) return []
  const { images, values } = await visualizeFeatures({
    model,
    preprocessing: value.preprocessing,
    objectives,
    steps,
    seed: context.seed,
    signal: context.signal,
    onProgress: onStep,
  })
  const refs = await storePictures(images, context.blobs)
  return objectives.map((objective, i) => ({
    model: name,
    layer: objective.kind === "class" ? LAYERS.logits : objective.layer,
    channel: objective.index,
    ...(objective.kind === "class" ? { label: value.classes[objective.index] } : {}),
    value: values[i],
    image: refs[i],
  }))
}
