import { type Images, imagesOf } from "../../learning/images.ts"
import type { NodeContext } from "../../runtime/node.ts"
import type { BlobRef } from "../../schema/blob.ts"
import { decodeImage } from "../../vision/decode.ts"
import { crop, type Raster, toGray } from "../../vision/raster.ts"
import { resize } from "../../vision/resize.ts"

/** A picture of the data set that cannot be read; the message names the sample. */
export class PictureError extends Error {
  readonly _tag = "PictureError"
  override readonly name = "PictureError"
}

/** The largest square in the middle; a square picture is returned as it is. */
export const centreSquare = (image: Raster): Raster => {
  const side = Math.min(image.width, image.height)
  if (image.width === image.height) return image
  return crop(image, Math.floor((image.width - side) / 2), Math.floor((image.height - side) / 2), side, side)
}

/** One picture as the network's input wants it: middle square, `size` pixels a side, grey or RGB. */
export const toInput = (image: Raster, size: number, channels: 1 | 3): Raster => {
  const square = centreSquare(image)
  return resize(channels === 1 ? toGray(square) : square, size, size)
}

/**
 * Reads and prepares the pictures of some rows, in their order. Equal blobs (resampled copies) are decoded once.
 * @throws PictureError naming the sample whose picture cannot be decoded.
 */
export const loadPictures = async (
  rows: ReadonlyArray<{ readonly id: string; readonly image: BlobRef }>,
  { size, channels }: { readonly size: number; readonly channels: 1 | 3 },
  context: Pick<NodeContext, "blobs" | "signal">,
): Promise<Images> => {
  const bytes = size * size * channels
  const data = new Uint8Array(rows.length * bytes)
  const places = new Map<string, number>()
  for (const [index, row] of rows.entries()) {
    context.signal.throwIfAborted()
    const known = places.get(row.image.$blob)
    if (known !== undefined) {
      data.copyWithin(index * bytes, known * bytes, (known + 1) * bytes)
      continue
    }
    places.set(row.image.$blob, index)
    const file = await context.blobs.get(row.image)
    const picture = await decodeImage(file).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      throw new PictureError(
        `sample ${row.id}: its picture ${row.image.$blob.slice(0, 10)} cannot be read: ${why}`,
      )
    })
    data.set(toInput(picture, size, channels).data, index * bytes)
  }
  return imagesOf(data, { height: size, width: size, channels })
}
