import type { MapResult, NodeContext } from "../../runtime/node.ts"
import type { BlobRef } from "../../schema/blob.ts"
import { decodeImage, type DecodeOptions } from "../../vision/decode.ts"
import { ImageError } from "../../vision/imageError.ts"
import type { Raster } from "../../vision/raster.ts"

/**
 * Decodes a picture of the store. What is wrong with the picture is a value, since it will be wrong next time too;
 * other failures (of the store, say) are thrown.
 */
export const readable = async (
  image: BlobRef,
  context: NodeContext,
  options: DecodeOptions = {},
): Promise<Raster | ImageError> => {
  const bytes = await context.blobs.get(image)
  try {
    return await decodeImage(bytes, options)
  } catch (problem) {
    if (problem instanceof ImageError) return problem
    throw problem
  }
}

/** The result of an item that is rejected. */
export const rejected = (reason: string, detail?: string): MapResult<never> => ({
  rows: [],
  rejected: [{ reason, ...(detail === undefined ? {} : { detail }) }],
})

/** An item whose picture cannot be decoded. */
export const unreadable = ({ problem, message }: ImageError): MapResult<never> => rejected(problem, message)
