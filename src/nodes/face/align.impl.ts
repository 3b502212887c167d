import type { MapFunction, MapResult } from "../../runtime/node.ts"
import type { Sample } from "../../schema/sample.ts"
import { alignFace, type FivePoints } from "../../vision/align.ts"
import { encodePng } from "../../vision/encode.ts"
import { ImageError } from "../../vision/imageError.ts"
import { toGray } from "../../vision/raster.ts"
import { qualityOf } from "../image/check.impl.ts"
import { readable, rejected, unreadable } from "../image/readable.ts"
import type { Params } from "./align.ts"
import { passedOver } from "./faces.ts"

type Item = Pick<Sample, "image"> & { readonly face: NonNullable<Sample["face"]> }

const isFive = (points: ReadonlyArray<readonly [number, number]>): points is FivePoints => points.length === 5

const align: MapFunction<Item, Params> = async ({
  item: { image, face },
  params,
  context,
}): Promise<MapResult> => {
  const why = passedOver(face, params.keep, params.dominance)
  if (why !== undefined) return rejected(why.reason, why.detail)
  const [x1, y1, x2, y2] = face.box
  const side = Math.min(x2 - x1, y2 - y1)
  if (side < params.minFace)
    return rejected("face-too-small", `${Math.round(side)} pixels; minFace is ${params.minFace}`)
  if (!isFive(face.landmarks))
    return rejected("no-landmarks", `${face.landmarks.length} landmarks in place of 5`)
  if (face.crop === true) return rejected("cropped-already", "the image is the crop of a face already")
  const picture = await readable(image, context)
  if (picture instanceof ImageError) return unreadable(picture)
  const { size, margin, grey } = params
  const cut = alignFace(grey ? toGray(picture) : picture, face.landmarks, { size, margin })
  const png = await context.blobs.put(await encodePng(cut), "image/png")
  return {
    rows: [
      {
        image: png,
        width: size,
        height: size,
        face: { ...face, crop: true },
        quality: qualityOf(cut),
        // That of the whole picture, where there was one.
        phash: null,
      },
    ],
  }
}

export default align
