import type { MapFunction, NodeContext } from "../../runtime/node.ts"
import type { Face, Sample } from "../../schema/sample.ts"
import { ImageError } from "../../vision/imageError.ts"
import { raster, type Raster } from "../../vision/raster.ts"
import { resizeBilinear } from "../../vision/resize.ts"
import type { Detector } from "../../vision/mtcnn/detect.ts"
import { readable, rejected, unreadable } from "../image/readable.ts"
import type { Params } from "./detect.ts"
import { detectorOf, WeightsError, type WeightsPlace } from "./detector.ts"
import { facesOf, type Detected } from "./faces.ts"

/** Part of the shorter side that is added as a border, each way, and the least shorter side, of a second look. */
const border = 0.25
const enlargedSide = 96

/** The picture in the middle of a mid-grey frame: 128 is what the networks see as nothing. */
const framed = (image: Raster, by: number): Raster => {
  const { width, height, channels, data } = image
  const out = raster(width + 2 * by, height + 2 * by, channels)
  out.data.fill(128)
  for (let y = 0; y < height; y++)
    out.data.set(
      data.subarray(y * width * channels, (y + 1) * width * channels),
      ((y + by) * out.width + by) * channels,
    )
  return out
}

/**
 * A second look at a small picture that a face may fill: enlarged, with a border, so that the windows of the cascade
 * have room around it. Boxes and points are given in the picture's own pixels.
 */
const lookAgain = async (
  detector: Detector,
  image: Raster,
  options: Parameters<Detector["detect"]>[1],
): Promise<ReadonlyArray<Detected>> => {
  const side = Math.min(image.width, image.height)
  const scale = Math.max(1, enlargedSide / side)
  const larger =
    scale === 1
      ? image
      : resizeBilinear(image, Math.round(image.width * scale), Math.round(image.height * scale))
  const by = Math.round(Math.min(larger.width, larger.height) * border)
  const found = await detector.detect(framed(larger, by), options)
  const sx = image.width / larger.width
  const sy = image.height / larger.height
  const point = ([x, y]: readonly [number, number]) =>
    [(x - by + 0.5) * sx - 0.5, (y - by + 0.5) * sy - 0.5] as const
  return found.map(({ box, score, landmarks }) => ({
    box: [...point([box[0], box[1]]), ...point([box[2], box[3]])],
    score,
    landmarks: landmarks.map(point),
  }))
}

/** The weights that the definition declares: one path of the user's, or a file for each network. */
const declared = ({ weights, pnet, rnet, onet }: NodeContext["files"]): WeightsPlace => {
  if (weights !== undefined) return { path: weights }
  if (pnet === undefined || rnet === undefined || onet === undefined)
    throw new WeightsError("no weights given")
  return { files: { pnet, rnet, onet } }
}

const detect: MapFunction<
  Pick<Sample, "image">,
  Params,
  { readonly face: Face; readonly phash: null }
> = async ({ item, params, context }) => {
  const { minFaceSize, thresholds, factor, retryBelow } = params
  const detector = await detectorOf(params.download ?? declared(context.files))
  const image = await readable(item.image, context, { maxPixels: params.maxPixels })
  if (image instanceof ImageError) return unreadable(image)
  const options = { minFaceSize, thresholds, factor }
  let faces = facesOf(await detector.detect(image, options), params)
  if (faces.length === 0 && Math.min(image.width, image.height) <= retryBelow)
    faces = facesOf(await lookAgain(detector, image, options), params)
  return faces.length === 0 ? rejected("no-face") : { rows: faces.map((face) => ({ face, phash: null })) }
}

export default detect
