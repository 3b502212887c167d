import type { MapFunction } from "../../runtime/node.ts"
import type { Sample } from "../../schema/sample.ts"
import { ImageError } from "../../vision/imageError.ts"
import { measureQuality } from "../../vision/quality.ts"
import type { Params } from "./check.ts"
import { readable, rejected, unreadable } from "./readable.ts"

type Patch = Pick<Sample, "width" | "height" | "quality">

const rounded = (value: number): number => Math.round(value * 100) / 100

/** Measures as a row keeps them: two decimals say more than enough, and don't hang on the last bits of a sum. */
export const qualityOf = (image: Parameters<typeof measureQuality>[0]): Readonly<Record<string, number>> => {
  const { sharpness, luminance, contrast } = measureQuality(image)
  return { sharpness: rounded(sharpness), luminance: rounded(luminance), contrast: rounded(contrast) }
}

const check: MapFunction<Pick<Sample, "image">, Params, Patch> = async ({ item, params, context }) => {
  const image = await readable(item.image, context, { maxPixels: params.maxPixels })
  if (image instanceof ImageError) return unreadable(image)
  const { width, height } = image
  const side = Math.min(width, height)
  if (side < params.minSide)
    return rejected(
      "too-small",
      `${width} × ${height} pixels; the shorter side must be ${params.minSide} or more`,
    )
  if (Math.max(width, height) > params.maxAspect * side)
    return rejected("too-narrow", `${width} × ${height} pixels; sides may differ ${params.maxAspect}-fold`)
  const quality = qualityOf(image)
  if (quality["contrast"] < params.minContrast)
    return rejected("blank", `contrast ${quality["contrast"]} is below ${params.minContrast}`)
  return { width, height, quality }
}

export default check
