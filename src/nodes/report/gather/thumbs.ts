import type { Blobs } from "../../../runtime/node.ts"
import type { BlobRef } from "../../../schema/blob.ts"
import { decodeImage } from "../../../vision/decode.ts"
import { encodeJpeg, encodePng } from "../../../vision/encode.ts"
import { resize } from "../../../vision/resize.ts"
import type { Thumb } from "../data.ts"

const address = (media: string, bytes: Uint8Array): string =>
  `data:${media};base64,${Buffer.from(bytes).toString("base64")}`

/** Makes thumbnails; undefined for a blob that is no readable picture. */
export type MakeThumb = (ref: BlobRef) => Promise<Thumb | undefined>

/**
 * Thumbnails whose longer side is at most `side` pixels, as JPEG data addresses. Smaller pictures stay as they are
 * (enlarging them would only show a blur that is not theirs) and are written without loss. Equal blobs give one.
 */
export const thumbMaker = (blobs: Pick<Blobs, "get">, side: number): MakeThumb => {
  const made = new Map<string, Promise<Thumb | undefined>>()
  const make = async (ref: BlobRef): Promise<Thumb | undefined> => {
    const bytes = await blobs.get(ref)
    const picture = await decodeImage(bytes).catch(() => undefined)
    if (picture === undefined) return undefined
    const scale = Math.min(1, side / Math.max(picture.width, picture.height))
    const width = Math.max(1, Math.round(picture.width * scale))
    const height = Math.max(1, Math.round(picture.height * scale))
    const small = resize(picture, width, height)
    const src =
      Math.max(width, height) <= 64 && width * height <= 2304
        ? address("image/png", await encodePng(small))
        : address("image/jpeg", await encodeJpeg(small, 82))
    return { src, width, height }
  }
  return (ref) => {
    const known = made.get(ref.$blob)
    if (known !== undefined) return known
    const thumb = make(ref)
    made.set(ref.$blob, thumb)
    return thumb
  }
}
