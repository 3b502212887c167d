import type * as tf from "@tensorflow/tfjs"
import type { Images } from "../../learning/images.ts"
import { LAYERS, type NetworkSpec, visualLayers } from "../../learning/networks/spec.ts"
import { type FeatureProgress, visualizeFeatures } from "../../learning/visualize/feature.ts"
import {
  FeatureError,
  layerOf,
  measureObjectives,
  type Objective,
} from "../../learning/visualize/objective.ts"
import type { NodeContext } from "../../runtime/node.ts"
import type { Sample } from "../../schema/sample.ts"
import { storePictures } from "./store-pictures.ts"
import type { FeaturePicture, ModelValue } from "./types.ts"
import type { VisualizeParams } from "./visualize.ts"

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
  if (!model.layers.some(({ name }) => name === layer))
    throw new FeatureError(
      `parameter layers: the model has no layer "${layer}"; it has ${model.layers.map((l) => l.name).join(", ")}`,
    )
  const { outputShape } = model.getLayer(layer)
  const last = outputShape.at(-1)
  return typeof last === "number" ? last : 0
}

/** What is to be shown of a model: channels of layers, layers as a whole, and its classes. */
export const objectivesOf = (
  model: tf.LayersModel,
  classes: ReadonlyArray<string>,
  options: {
    readonly spec: NetworkSpec | undefined
    readonly layers?: ReadonlyArray<string> | undefined
    readonly perLayer: number
    readonly channels?: Readonly<Record<string, ReadonlyArray<number>>> | undefined
    readonly wholeLayers: boolean
    readonly logits: boolean
  },
): ReadonlyArray<Objective> => {
  const { spec, perLayer, channels = {}, wholeLayers, logits } = options
  const named = Object.keys(channels)
  const layers = options.layers ?? (named.length > 0 ? [] : defaultLayers(spec))
  const chosen = (layer: string): ReadonlyArray<number> =>
    channels[layer] ?? (perLayer === 0 ? [] : spreadChannels(channelsOf(model, layer), perLayer))
  return [
    ...[...new Set([...layers, ...named])].flatMap((layer): Array<Objective> => [
      ...chosen(layer).map((index) => ({ kind: "channel" as const, layer, index })),
      ...(wholeLayers ? [{ kind: "layer" as const, layer }] : []),
    ]),
    ...(logits ? classes.map((_, index): Objective => ({ kind: "class", index })) : []),
  ]
}

type Drawn = Omit<FeaturePicture, "examples">

/** Feature pictures of a model, and the CPU time they took. */
export const featuresOf = async (
  name: string,
  model: tf.LayersModel,
  value: ModelValue,
  objectives: ReadonlyArray<Objective>,
  params: Pick<
    VisualizeParams,
    "steps" | "canvas" | "print" | "power" | "variation" | "copies" | "diversity"
  >,
  context: NodeContext,
  onProgress: (progress: FeatureProgress) => void,
): Promise<{ readonly pictures: ReadonlyArray<Drawn>; readonly cpuSeconds: number }> => {
  if (objectives.length === 0) return { pictures: [], cpuSeconds: 0 }
  const { steps, canvas, print, power, variation, copies, diversity } = params
  const { images, pictures, cpuSeconds } = await visualizeFeatures({
    model,
    preprocessing: value.preprocessing,
    objectives,
    steps,
    size: canvas,
    print,
    power,
    variation,
    copies,
    diversity,
    seed: context.seed,
    signal: context.signal,
    onProgress,
  })
  const refs = await storePictures(images, context.blobs)
  return {
    pictures: pictures.map(({ objective, copy, start, value: reached }, i): Drawn => ({
      model: name,
      layer: layerOf(objective),
      ...(objective.kind === "layer" ? {} : { channel: objective.index }),
      ...(objective.kind === "class" ? { label: value.classes[objective.index] } : {}),
      copy,
      value: reached,
      start,
      image: refs[i],
    })),
    cpuSeconds,
  }
}

type Row = Sample & { readonly label: string }

/** For a feature picture the `count` samples that have most of what it shows, most first; equal ones by their order. */
export const examplesOf = (
  model: tf.LayersModel,
  value: ModelValue,
  objectives: ReadonlyArray<Objective>,
  rows: ReadonlyArray<Row>,
  images: Images,
  count: number,
): ((picture: Drawn) => FeaturePicture["examples"]) => {
  if (count === 0 || rows.length === 0 || objectives.length === 0) return () => []
  const measured = measureObjectives(model, value.preprocessing, images, objectives)
  return ({ layer, channel }) => {
    const column = objectives.findIndex(
      (o) => layerOf(o) === layer && (o.kind === "layer" ? undefined : o.index) === channel,
    )
    const of = (i: number): number => measured[i * objectives.length + column]
    return rows
      .map((row, i) => ({ row, i }))
      .toSorted((a, b) => of(b.i) - of(a.i) || a.i - b.i)
      .slice(0, count)
      .map(({ row, i }) => ({ sample: row.id, label: row.label, value: of(i), image: row.image }))
  }
}
