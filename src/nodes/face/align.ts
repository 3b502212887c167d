import * as Schema from "effect/Schema"
import { defineNode, sameAs, without } from "../../runtime/node.ts"
import { Faces } from "../../schema/artifact.ts"
import { between, param, whole } from "../model/param.ts"

export const Params = Schema.Struct({
  size: param(whole(16, 1024), 64, "side of the square crop in pixels"),
  margin: param(
    between(-0.4, 2),
    0.1,
    "how much wider than the usual tight crop, each way, as a part of its side: brows and chin matter for expressions",
  ),
  grey: param(Schema.Boolean, false, "one channel instead of three"),
  minFace: param(between(0, 10_000), 20, "shorter side in pixels of a face's box below which it is rejected"),
  keep: param(
    Schema.Literals(["largest", "dominant", "single", "all"]),
    "largest",
    "which faces of a picture: the largest; the largest if it is clearly so (`dominance`); the only one; all. A label searched for describes the picture's main face",
  ),
  dominance: param(between(1, 100), 2, "keep: dominant: area of the largest face over that of the next"),
})
export type Params = typeof Params.Type

export const inputs = { faces: Faces }
export const outputs = { faces: without(sameAs("faces", "width", "height"), "phash") }

export default defineNode({
  type: "face.align",
  description:
    "Cut each face out, turned and scaled so that eyes, nose and mouth come to the usual places; the image of a row is then the crop.",
  inputs,
  outputs,
  params: Params,
  map: { over: "faces", reads: ["image", "face"], impl: () => import("./align.impl.ts") },
})
