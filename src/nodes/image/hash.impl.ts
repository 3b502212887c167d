import type { MapFunction } from "../../runtime/node.ts"
import type { Sample } from "../../schema/sample.ts"
import { decodeImage } from "../../vision/decode.ts"
import { perceptualHash } from "../../vision/hash.ts"
import type { Params } from "./hash.ts"
import { lookOf } from "./look.ts"

const hash: MapFunction<Pick<Sample, "image" | "face">, Params, Pick<Sample, "phash">> = async ({
  item: { image, face },
  context,
}) => {
  const picture = await decodeImage(await context.blobs.get(image))
  return { phash: perceptualHash(lookOf(picture, face)) }
}

export default hash
