import type { RunFunction } from "../../runtime/node.ts"
import type { Reject } from "../../schema/sample.ts"
import { encodePng } from "../../vision/encode.ts"
import { raster } from "../../vision/raster.ts"
import { readCsv, type CsvRow } from "./csv.ts"
import type { inputs, outputs, Params } from "./fer2013.ts"
import { compareTotals, fer2013Labels, fer2013Totals, listed, tally } from "./labels.ts"
import type { LabelledSample } from "./picture.ts"
import { ImportError, openSource, type SourceFile, type Source } from "./source.ts"

const side = 48
const batch = 64

/** The numbers of the column `pixels`, or what is wrong with it. */
export const parsePixels = (text: string): Uint8Array | string => {
  const pixels = new Uint8Array(side * side)
  const numbers = text.trim().split(/\s+/)
  if (numbers.length !== pixels.length) return `${numbers.length} pixels in place of ${pixels.length}`
  for (let i = 0; i < pixels.length; i++) {
    const value = Number(numbers[i])
    if (!Number.isInteger(value) || value < 0 || value > 255)
      return `pixel ${i} is ${JSON.stringify(numbers[i])}, no number from 0 to 255`
    pixels[i] = value
  }
  return pixels
}

const csvOf = async (source: Source): Promise<SourceFile> => {
  const seen: Array<string> = []
  for await (const file of source.files()) {
    if (file.path === "" || /(^|\/)fer2013[^/]*\.csv$/i.test(file.path)) return file
    seen.push(file.path)
  }
  throw new ImportError(
    `no file fer2013.csv among the ${seen.length} given (${seen.slice(0, 3).join(", ")} …)`,
  )
}

const run = async ({
  inputs: { files },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const { set, usage, generated } = params
  const wanted: ReadonlySet<string> = new Set(usage)
  const images: Array<LabelledSample> = []
  const rejected: Array<Reject> = []

  const take = async ({ fields, index, line }: CsvRow): Promise<LabelledSample | Reject | undefined> => {
    const { emotion = "", pixels = "", Usage } = fields
    const id = `${set}-${String(index).padStart(5, "0")}`
    const refuse = (reason: string, detail: string): Reject => ({
      id,
      reason,
      detail: `line ${line}: ${detail}`,
      url: `fer2013.csv#${index}`,
    })
    if (Usage === undefined || !["Training", "PublicTest", "PrivateTest"].includes(Usage))
      return refuse("malformed-usage", `Usage is ${JSON.stringify(Usage ?? "")}`)
    if (!wanted.has(Usage)) return undefined
    const label = /^\d$/.test(emotion) ? fer2013Labels[Number(emotion)] : undefined
    if (label === undefined)
      return refuse("unknown-label", `emotion is ${JSON.stringify(emotion)}, none of 0 to 6`)
    const data = parsePixels(pixels)
    if (typeof data === "string") return refuse("malformed-pixels", data)
    const image = await context.blobs.put(await encodePng(raster(side, side, 1, data)), "image/png")
    return {
      id,
      image,
      width: side,
      height: side,
      set,
      source: { kind: "file", url: `fer2013.csv#${index}`, ...(generated ? { generated } : {}) },
      label,
      claims: [{ label, by: set }],
      givenSplit: Usage,
    }
  }

  let waiting: Array<Promise<LabelledSample | Reject | undefined>> = []
  const settle = async (): Promise<void> => {
    for (const row of await Promise.all(waiting)) {
      if (row === undefined) continue
      if ("reason" in row) rejected.push(row)
      else images.push(row)
    }
    waiting = []
  }
  const file = await csvOf(await openSource(context.files["data"], files))
  const rows = readCsv(file.pieces(), {
    name: "fer2013.csv",
    columns: ["emotion", "pixels", "Usage"],
    longest: 100_000,
  })
  for await (const row of rows) {
    waiting.push(take(row))
    if (waiting.length >= batch) await settle()
  }
  await settle()

  const counts = tally(images.map(({ label }) => label))
  const check = generated ? undefined : compareTotals(counts, fer2013Totals)
  context.log(
    `${set}: ${images.length} pictures, ${rejected.length} rejected: ${listed(counts)}${check === undefined ? "" : `; ${check}`}`,
  )
  return { images: images, rejected }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
