import { totalmem } from "node:os"
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

/** Up to so many bytes nobody asks whether there is room. */
const SMALL = 2 ** 31

/** Refuses more pixels than the machine has memory, before any picture is read. */
const checkRoom = (bytes: number, count: number, size: number, channels: number): void => {
  if (bytes <= SMALL || bytes <= totalmem()) return
  const giga = (value: number): string => (value / 1e9).toFixed(1)
  throw new PictureError(
    `${count} pictures of ${size} × ${size} × ${channels} take ${giga(bytes)} GB, and this machine has ${giga(totalmem())} GB ` +
      `of memory: take a smaller size, grey pictures or fewer of them`,
  )
}

/** Pictures that are decoded at a time: as many as the pool of native threads has. Bounds the memory of large ones. */
const AT_ONCE = 4

/**
 * Reads and prepares the pictures of some rows, in their order. Equal blobs (resampled copies) are decoded once.
 * @param shared whether the pixels lie in memory that threads can share
 * @throws PictureError naming the first sample whose picture cannot be decoded.
 */
export const loadPictures = async (
  rows: ReadonlyArray<{ readonly id: string; readonly image: BlobRef }>,
  {
    size,
    channels,
    shared = false,
  }: { readonly size: number; readonly channels: 1 | 3; readonly shared?: boolean },
  context: Pick<NodeContext, "blobs" | "signal">,
): Promise<Images> => {
  const bytes = size * size * channels
  checkRoom(rows.length * bytes, rows.length, size, channels)
  const data = new Uint8Array(
    shared ? new SharedArrayBuffer(rows.length * bytes) : new ArrayBuffer(rows.length * bytes),
  )
  const places = new Map<string, number>()
  const copies: Array<readonly [index: number, of: number]> = []
  const different = rows.flatMap((row, index) => {
    const known = places.get(row.image.$blob)
    if (known !== undefined) copies.push([index, known])
    else places.set(row.image.$blob, index)
    return known === undefined ? [{ ...row, index }] : []
  })
  const load = async ({ id, image, index }: (typeof different)[number]): Promise<void> => {
    const file = await context.blobs.get(image)
    const picture = await decodeImage(file).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      throw new PictureError(`sample ${id}: its picture ${image.$blob.slice(0, 10)} cannot be read: ${why}`)
    })
    data.set(toInput(picture, size, channels).data, index * bytes)
  }
  for (let start = 0; start < different.length; start += AT_ONCE) {
    context.signal.throwIfAborted()
    const settled = await Promise.allSettled(different.slice(start, start + AT_ONCE).map(load))
    // Of several that fail together it is always the first that is told.
    for (const one of settled) if (one.status === "rejected") throw one.reason
  }
  for (const [index, of] of copies) data.copyWithin(index * bytes, of * bytes, (of + 1) * bytes)
  return imagesOf(data, { height: size, width: size, channels })
}
