import type { MapFunction } from "../../runtime/node.ts"
import type { Sample } from "../../schema/sample.ts"
import { perceptualHash } from "../../vision/hash.ts"
import { ImageError } from "../../vision/imageError.ts"
import type { Params } from "./hash.ts"
import { lookOf } from "./look.ts"
import { readable, unreadable } from "./readable.ts"

const hash: MapFunction<Pick<Sample, "image" | "face">, Params, Pick<Sample, "phash">> = async ({
  item: { image, face },
  context,
}) => {
  const picture = await readable(image, context)
  if (picture instanceof ImageError) return unreadable(picture)
  return { phash: perceptualHash(lookOf(picture, face)) }
}

export default hash
