import * as Schema from "effect/Schema"
import { defineNode, sameAs } from "../../runtime/node.ts"
import { Images } from "../../schema/artifact.ts"

export const Params = Schema.Struct({})
export type Params = typeof Params.Type

export const inputs = { images: Images }
export const outputs = { images: sameAs("images", "phash") }

export default defineNode({
  type: "image.hash",
  description:
    "Add the perceptual hash of each picture (of each face, where faces are not cropped yet), so that image.dedupe need not decode all of a large set again.",
  inputs,
  outputs,
  params: Params,
  map: { over: "images", reads: ["image", "face"], impl: () => import("./hash.impl.ts") },
})
