import type { RunFunction } from "../../runtime/node.ts"
import type { Reject } from "../../schema/sample.ts"
import type { inputs, outputs, Params } from "./ckplus.ts"
import { ckplusLabels, ckplusTotals, compareTotals, listed, tally } from "./labels.ts"
import { pictureOf, withLabel, type LabelledSample } from "./picture.ts"
import { ImportError, openSource, type Source } from "./source.ts"

const framePath = /(?:^|\/)(S\d+)_(\d+)_(\d+)\.(?:png|jpe?g|tiff?)$/i
const emotionPath = /(?:^|\/)(S\d+)_(\d+)_(\d+)_emotion\.txt$/i

/** One recording of one person, from neutral to the peak. */
interface Sequence {
  readonly subject: string
  /** Paths of the frames by their number. */
  readonly frames: Map<number, string>
  /** Content of its emotion file. */
  emotion: string | undefined
}

/** The class a file `*_emotion.txt` states ("   3.0000000e+00"), or undefined when it states none. */
export const emotionOf = (text: string): string | undefined => {
  const value = text.trim() === "" ? Number.NaN : Number(text)
  return Number.isInteger(value) ? ckplusLabels[value] : undefined
}

const sequencesOf = async (source: Source): Promise<ReadonlyMap<string, Sequence>> => {
  const sequences = new Map<string, Sequence>()
  const at = (subject: string, number: string): Sequence => {
    const id = `${subject.toUpperCase()}-${number}`
    let sequence = sequences.get(id)
    if (sequence === undefined)
      sequences.set(
        id,
        (sequence = { subject: subject.toUpperCase(), frames: new Map(), emotion: undefined }),
      )
    return sequence
  }
  for await (const file of source.files()) {
    const frame = framePath.exec(file.path)
    if (frame !== null) {
      at(frame[1], frame[2]).frames.set(Number(frame[3]), file.path)
      continue
    }
    const emotion = emotionPath.exec(file.path)
    if (emotion !== null)
      at(emotion[1], emotion[2]).emotion =
        file.bytes > 1000 ? "" : new TextDecoder().decode(await file.read())
  }
  return sequences
}

interface Wanted {
  readonly id: string
  readonly subject: string
  readonly label: string
}

const run = async ({
  inputs: { files },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const { set, frames, neutral, contempt, generated } = params
  const source = await openSource(context.files["data"], files)
  const sequences = await sequencesOf(source)
  const labelled = [...sequences].filter(([, { emotion }]) => emotion !== undefined)
  if (labelled.length === 0)
    throw new ImportError(
      "no labelled sequence found: expected cohn-kanade-images/S005/001/S005_001_00000011.png and Emotion/S005/001/S005_001_00000011_emotion.txt and the like",
    )

  const rejected: Array<Reject> = []
  const wanted = new Map<string, Wanted>()
  for (const [name, { subject, frames: paths, emotion }] of labelled) {
    const id = `${set}-${name}`
    const label = emotionOf(emotion!)
    const numbers = [...paths.keys()].sort((a, b) => a - b)
    if (label === undefined) {
      rejected.push({ id, reason: "unknown-label", detail: `the emotion is ${JSON.stringify(emotion)}` })
      continue
    }
    if (numbers.length === 0) {
      rejected.push({ id, reason: "no-frames", detail: "a label without pictures" })
      continue
    }
    const want = (number: number, label: string): void => {
      wanted.set(paths.get(number)!, { id: `${id}-${String(number).padStart(8, "0")}`, subject, label })
    }
    // First of all, so that in a sequence of few frames the expression has the last word.
    if (neutral === "first-frame") want(numbers[0], "neutral")
    if (label === "contempt" && contempt === "drop") {
      rejected.push({ id, reason: "contempt", detail: "not among the seven classes (parameter contempt)" })
      continue
    }
    const peak = label === "contempt" && contempt === "as-neutral" ? "neutral" : label
    for (const number of numbers.slice(frames === "peak" ? -1 : -3)) want(number, peak)
  }

  const images: Array<LabelledSample> = []
  for await (const file of source.files()) {
    const want = wanted.get(file.path)
    if (want === undefined) continue
    const { label, ...facts } = want
    const row = await pictureOf(file, { ...facts, set, generated }, context.blobs)
    if ("reason" in row) rejected.push(row)
    else images.push(withLabel(row, label))
  }

  const stated = tally(labelled.flatMap(([, { emotion }]) => emotionOf(emotion!) ?? []))
  const check = generated ? undefined : compareTotals(stated, ckplusTotals)
  context.log(
    `${set}: ${labelled.length} of ${sequences.size} sequences labelled: ${listed(stated)}${check === undefined ? "" : `; ${check}`}`,
  )
  context.log(`${set}: ${images.length} pictures: ${listed(tally(images.map(({ label }) => label)))}`)
  return { images, rejected }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
