import { evaluateConfusion, wilsonInterval } from "../../../src/learning/metrics.ts"
import type { Cluster } from "../../../src/nodes/image/dedupe.ts"
import type {
  EvaluationValue,
  ModelValue,
  Result,
  VisualizationValue,
} from "../../../src/nodes/model/types.ts"
import type { MapPoint, Neighbour } from "../../../src/nodes/model/inside-types.ts"
import type { BlobRef } from "../../../src/schema/blob.ts"
import type { Prediction, Reject, Sample } from "../../../src/schema/sample.ts"
import { type Rig, tableOf } from "../../kit/node-rig.ts"
import { demoComparisons } from "./comparisons.ts"

export const classes = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]
const words: Readonly<Record<string, ReadonlyArray<string>>> = {
  anger: ["rage", "fury", "wrath", "outrage"],
  disgust: ["repel", "outrage", "nauseate"],
  fear: ["dread", "panic", "terror"],
  happiness: ["joyful", "delighted", "merry", "elated", "sunny"],
  sadness: ["sorrow", "grief", "the blues", "misery", "gloominess"],
  surprise: ["amazed", "stunned", "wonder"],
  neutral: ["indifferent"],
}
const sizes = [61, 34, 48, 118, 96, 57, 12]

/** A plain generator for made-up rows; the same everywhere. */
const generator = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Draws a face of a class, or anything that stands for one. */
export type Draw = (label: string, index: number) => Promise<Uint8Array>

export interface DemoOptions {
  readonly draw: Draw
  /** How many different pictures each class has; rows share them. */
  readonly pictures: number
  readonly generated?: boolean
}

/** Made-up inputs of report.html in the shape the pipeline gives; figures follow from the rows. */
export const demoInputs = async (rig: Rig, { draw, pictures, generated = true }: DemoOptions) => {
  const random = generator(7)
  const images = new Map<string, ReadonlyArray<BlobRef>>()
  for (const label of classes) {
    const refs: Array<BlobRef> = []
    for (let i = 0; i < pictures; i++) refs.push(rig.blob(await draw(label, i)))
    images.set(label, refs)
  }
  const imageOf = (label: string, i: number): BlobRef => {
    const refs = images.get(label) ?? []
    const ref = refs[i % refs.length]
    if (ref === undefined) throw new Error(`no picture of ${label}`)
    return ref
  }
  const sample = (label: string, i: number): Sample => {
    const queries = words[label] ?? []
    return {
      id: `${label}-${String(i).padStart(4, "0")}`,
      image: imageOf(label, i),
      set: "crawl",
      label,
      source: {
        kind: "crawl",
        url: `http://gallery.facet.localhost/${label}/${i}.jpg`,
        page: `http://gallery.facet.localhost/page/${label}/${i}`,
        engine: "gallery",
        query: `${queries[i % queries.length] ?? label} face`,
        ...(generated ? { generated } : {}),
      },
      licence: {
        name: ["CC BY 4.0", "CC0", "CC BY-SA 4.0"][i % 3] ?? "CC0",
        url: "https://creativecommons.org/licenses/by/4.0/",
        author: ["Ada Olsen", "M. Ferreira", "J. <b>Okafor</b>", "Lin & Sons"][i % 4] ?? "",
      },
      face: { box: [10, 10, 90, 100], score: 0.99, landmarks: [], index: 0, count: 1 },
    }
  }
  const before: Array<Sample> = []
  const found: Array<Sample> = []
  const after: Array<Sample> = []
  for (const [c, label] of classes.entries()) {
    const n = sizes[c] ?? 0
    for (let i = 0; i < n; i++) {
      const row: Sample = { ...sample(label, i), split: i % 7 === 0 ? "val" : "train" }
      before.push(row)
      after.push({ ...row, weight: 1.1 - c / 20 })
    }
    for (let i = 0; i < n * 1.4; i++) {
      const { face: _face, ...rest } = sample(label, i)
      found.push(rest)
    }
    for (let k = 0; k < Math.max(0, 80 - n); k++) {
      const row = sample(label, 1 + (k % Math.max(1, n - 1)))
      after.push({
        ...row,
        id: `${row.id}~${k}`,
        parent: row.id,
        split: "train",
        copy: { kind: k % 4 === 0 ? "resampled" : "augmented", index: k },
      })
    }
  }
  const reject = (id: string, reason: string, image?: BlobRef): Reject => ({
    id,
    reason,
    ...(image === undefined ? {} : { image }),
  })
  const rejected = (node: string, reasons: Readonly<Record<string, number>>, pictured: boolean) => ({
    node,
    value: tableOf(
      Object.entries(reasons).flatMap(([reason, n]) =>
        Array.from({ length: n }, (_, i) =>
          reject(`${node}-${reason}-${i}`, reason, pictured ? imageOf(classes[i % 7] ?? "", i) : undefined),
        ),
      ),
    ),
  })
  const duplicates: Array<Sample> = []
  const clusters: Array<Cluster> = []
  for (let k = 0; k < 9; k++) {
    const label = classes[k % 7] ?? "anger"
    const keptRow = before.find((row) => row.label === label && row.id.endsWith(`000${k % 5}`))
    if (keptRow === undefined) continue
    const members = Array.from({ length: 1 + (k % 4) }, (_, i): Sample => ({
      ...keptRow,
      id: `${keptRow.id}-copy-${k}-${i}`,
      cluster: keptRow.id,
    }))
    if (clusters.some(({ id }) => id === keptRow.id)) continue
    duplicates.push(...members)
    clusters.push({
      id: keptRow.id,
      members: [keptRow.id, ...members.map(({ id }) => id)],
      kind: k % 2 === 0 ? "exact" : "near",
      labels: [label],
      outcome: "kept",
    })
  }
  const predictions: Array<Prediction> = []
  const results: Array<Result> = []
  const models: Array<{ node: string; value: ModelValue }> = []
  for (const [m, name] of ["densenet40", "resnet50"].entries()) {
    const node = `train[model=${name}]`
    const curve = (from: number, to: number, wobble: number) =>
      Array.from({ length: 8 }, (_, e) => to + (from - to) * Math.exp(-e / 2.2) + wobble * (random() - 0.5))
    const [loss, valLoss] = [curve(1.95, 0.42, 0.06), curve(1.9, 0.6, 0.16)]
    const [accuracy, valAccuracy] = [curve(0.2, 0.87, 0.03), curve(0.2, 0.8, 0.07)]
    models.push({
      node,
      value: {
        name,
        network: {
          name: m === 0 ? "densenet" : "resnet",
          depth: 40,
          growth: 12,
          width: 1,
          blocks: [3, 4, 6, 3],
        },
        classes,
        preprocessing: { size: 48, channels: 1, mean: [0.47], std: [0.21] },
        weights: rig.blob(new Uint8Array([m])),
        parameters: m === 0 ? 1_018_087 : 23_516_103,
        history: loss.map((value, e) => ({
          epoch: e + 1,
          lr: 0.05 * (1 - e / 8),
          train: { loss: value, accuracy: accuracy[e] ?? 0 },
          val: {
            loss: valLoss[e] ?? 0,
            accuracy: valAccuracy[e] ?? 0,
            macroF1: (valAccuracy[e] ?? 0) - 0.02,
          },
        })),
        training: {
          epochs: 8,
          batch: 32,
          lr: 0.05,
          schedule: "cosine",
          momentum: 0.9,
          l2: 0.0001,
          classWeights: "from-dataset",
        },
        bestEpoch: 7,
        trainedOn: Object.fromEntries(
          classes.map((label, c) => [label, { original: sizes[c] ?? 0, resampled: 0, augmented: 0 }]),
        ),
        validatedOn: Object.fromEntries(classes.map((label) => [label, 8])),
        dataset: "0".repeat(64),
        seed: 7,
        classWeights: classes.map(() => 1),
        generated,
      },
    })
    for (const [s, set] of ["ckplus", "fer2013", "mmi"].entries()) {
      const own = set === "fer2013" ? classes : classes.slice(0, 6)
      const confusion = classes.map(() => classes.map(() => 0))
      for (const label of own)
        for (let i = 0; i < 18 + s * 4; i++) {
          const right = random() < 0.9 - s * 0.06 - m * 0.04
          const near: Readonly<Record<string, string>> = {
            fear: "surprise",
            surprise: "fear",
            anger: "disgust",
            disgust: "anger",
            sadness: "neutral",
          }
          const predicted = right
            ? label
            : random() < 0.6 && label in near
              ? (near[label] ?? label)
              : (classes[Math.floor(random() * 7)] ?? label)
          const row = confusion[classes.indexOf(label)]
          if (row !== undefined) row[classes.indexOf(predicted)] = (row[classes.indexOf(predicted)] ?? 0) + 1
          const top = 0.4 + 0.6 * random()
          predictions.push({
            id: `${node}|${set}|${label}${i}`,
            sample: `${set}-${label}${i}`,
            image: imageOf(label, i),
            model: node,
            set,
            label,
            predicted,
            probabilities: classes.map((k) => (k === predicted ? top : (1 - top) / 6)),
          })
        }
      const scored = evaluateConfusion(confusion)
      const { low, high } = wilsonInterval(Math.round(scored.accuracy * scored.samples), scored.samples)
      results.push({
        model: node,
        set,
        n: scored.samples,
        accuracy: scored.accuracy,
        macroF1: scored.macroF1,
        perClass: Object.fromEntries(
          classes.map((label, c) => [
            label,
            scored.perClass[c] ?? { precision: 0, recall: 0, f1: 0, support: 0 },
          ]),
        ),
        confusion,
        interval: [low, high],
        classes,
        generated,
      })
    }
  }
  const examplesOf = (channel: number) =>
    [0, 1, 2].map((i) => {
      const label = classes[(channel + i) % 7] ?? ""
      return { sample: `x-${label}${i}`, label, value: 2 - i / 4, image: imageOf(label, i) }
    })
  const pictureSet: VisualizationValue = {
    features: models.flatMap(({ node }) => [
      ...["stem_conv", "block1_out", "features"].flatMap((layer) =>
        Array.from({ length: 6 }, (_, channel) => ({
          model: node,
          layer,
          channel,
          copy: 0,
          value: 2.5,
          start: 0.1,
          image: imageOf(classes[channel % 7] ?? "", channel),
          examples: examplesOf(channel),
        })),
      ),
      ...classes.map((label, channel) => ({
        model: node,
        layer: "logits",
        channel,
        label,
        copy: 0,
        value: 9,
        start: -0.4,
        image: imageOf(label, 1),
        examples: examplesOf(channel),
      })),
    ]),
    attention: models.flatMap(({ node }) =>
      classes.flatMap((label) =>
        [0, 1, 2].map((i) => ({
          model: node,
          sample: `x-${label}${i}`,
          label,
          predicted: i === 2 ? "neutral" : label,
          probability: 0.97 - i / 10,
          input: imageOf(label, i),
          overlays: (["gradcam", "gradcam++"] as const).map((method) => ({
            method,
            image: imageOf(label, i),
          })),
        })),
      ),
    ),
  }
  const judged = predictions.map((p) => ({
    sample: p.sample,
    image: p.image,
    model: p.model,
    set: p.set,
    split: "test" as const,
    label: p.label,
    predicted: p.predicted,
    probability: Math.max(...p.probabilities),
  }))
  const neighbours: ReadonlyArray<Neighbour> = judged.flatMap((query, q) =>
    [1, 2, 3, 4, 5].map((rank) => {
      const label = rank < 4 ? query.predicted : query.label
      return {
        ...query,
        id: `${query.model}|${query.set}|${query.sample}|${rank}`,
        rank,
        neighbour: `${label}-${String(q % 12).padStart(4, "0")}`,
        neighbourImage: imageOf(label, rank),
        neighbourSet: "crawl",
        neighbourLabel: label,
        similarity: 1 - rank / 20,
      }
    }),
  )
  const place = (label: string): Pick<MapPoint, "x" | "y"> => {
    const angle = (2 * Math.PI * classes.indexOf(label)) / classes.length
    return { x: 20 * Math.cos(angle) + 9 * (random() - 0.5), y: 20 * Math.sin(angle) + 9 * (random() - 0.5) }
  }
  const map: ReadonlyArray<MapPoint> = judged.flatMap((point) => [
    { ...point, id: `${point.model}|${point.set}|${point.sample}`, ...place(point.predicted) },
    {
      ...point,
      id: `${point.model}|crawl|${point.sample}`,
      set: "crawl",
      split: "train" as const,
      predicted: point.label,
      ...place(point.label),
    },
  ])
  const evaluation: EvaluationValue = { results }
  return {
    evaluation,
    predictions: tableOf(predictions),
    models,
    found: tableOf(found.map((row, i) => ({ ...row, id: `${row.id}-${i}` }))),
    tested: tableOf(
      results.slice(0, 3).flatMap(({ set, n }) =>
        Array.from({ length: n + 10 }, (_, i): Sample => {
          const { face: _face, ...rest } = sample(classes[i % 7] ?? "", i)
          return { ...rest, id: `${set}-${classes[i % 7]}${Math.floor(i / 7)}`, set }
        }),
      ),
    ),
    before: tableOf(before),
    after: tableOf(after),
    rejected: [
      rejected("crawl", { "not-an-image": 9, "http-404": 14, truncated: 6, robots: 11 }, false),
      rejected("checked", { "too-small": 22, blank: 2 }, true),
      rejected("faces", { "no-face": 41 }, true),
      rejected("crops", { "face-too-small": 7, "not-the-largest": 19 }, true),
      rejected("testFaces", {}, true),
    ],
    duplicates: tableOf(duplicates),
    clusters: tableOf(clusters),
    pictures: pictureSet,
    comparisons: demoComparisons(generated),
    neighbours: tableOf(neighbours),
    map: tableOf(map),
  }
}
