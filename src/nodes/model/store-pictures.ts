import { type Images, imageAt } from "../../learning/images.ts"
import type { Blobs } from "../../runtime/node.ts"
import type { BlobRef } from "../../schema/blob.ts"
import { encodePng } from "../../vision/encode.ts"

/** Puts each picture into the store as a PNG, in their order. */
export const storePictures = async (
  images: Images,
  blobs: Pick<Blobs, "put">,
): Promise<ReadonlyArray<BlobRef>> => {
  const { width, height, channels } = images
  const refs: Array<BlobRef> = []
  for (let i = 0; i < images.count; i++) {
    const png = await encodePng({ width, height, channels, data: imageAt(images, i) })
    refs.push(await blobs.put(png, "image/png"))
  }
  return refs
}
