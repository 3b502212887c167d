import type { MapFunction, MapResult } from "../../runtime/node.ts"
import type { Sample } from "../../schema/sample.ts"
import { decodeImage } from "../../vision/decode.ts"
import { ImageError } from "../../vision/imageError.ts"
import { measureQuality } from "../../vision/quality.ts"
import type { Params } from "./check.ts"

type Patch = Pick<Sample, "width" | "height" | "quality">

const rounded = (value: number): number => Math.round(value * 100) / 100

/** Measures as a row keeps them: two decimals say more than enough, and don't hang on the last bits of a sum. */
export const qualityOf = (image: Parameters<typeof measureQuality>[0]): Readonly<Record<string, number>> => {
  const { sharpness, luminance, contrast } = measureQuality(image)
  return { sharpness: rounded(sharpness), luminance: rounded(luminance), contrast: rounded(contrast) }
}

const reject = (reason: string, detail: string): MapResult<Patch> => ({
  rows: [],
  rejected: [{ reason, detail }],
})

const check: MapFunction<Pick<Sample, "image">, Params, Patch> = async ({ item, params, context }) => {
  const bytes = await context.blobs.get(item.image)
  const image = await decodeImage(bytes, { maxPixels: params.maxPixels }).catch((problem: unknown) => {
    if (problem instanceof ImageError) return problem
    throw problem
  })
  if (image instanceof ImageError) return reject(image.problem, image.message)
  const { width, height } = image
  const side = Math.min(width, height)
  if (side < params.minSide)
    return reject(
      "too-small",
      `${width} × ${height} pixels; the shorter side must be ${params.minSide} or more`,
    )
  if (Math.max(width, height) > params.maxAspect * side)
    return reject("too-narrow", `${width} × ${height} pixels; sides may differ ${params.maxAspect}-fold`)
  const quality = qualityOf(image)
  if (quality["contrast"] < params.minContrast)
    return reject("blank", `contrast ${quality["contrast"]} is below ${params.minContrast}`)
  return { width, height, quality }
}

export default check
