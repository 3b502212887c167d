import * as Schema from "effect/Schema"
import { defineNode, sameAs } from "../../runtime/node.ts"
import { Images } from "../../schema/artifact.ts"
import { between, param, whole } from "../model/param.ts"

export const Params = Schema.Struct({
  minSide: param(whole(1, 100_000), 32, "shorter side in pixels below which a picture is rejected"),
  maxPixels: param(
    whole(1, 1_000_000_000),
    64_000_000,
    "most pixels (width × height); checked in the header, before anything is decoded",
  ),
  maxAspect: param(between(1, 1000), 8, "longest side over shortest side above which a picture is rejected"),
  minContrast: param(
    between(0, 127),
    1,
    "standard deviation of luma (0 to 127.5) below which a picture counts as blank",
  ),
})
export type Params = typeof Params.Type

export const inputs = { images: Images }
export const outputs = { images: sameAs("images", "width", "height", "quality") }

export default defineNode({
  type: "image.check",
  description:
    "Decode each picture; keep those that are whole, large enough and not blank, with size, sharpness, luminance and contrast.",
  inputs,
  outputs,
  params: Params,
  map: { over: "images", reads: ["image"], impl: () => import("./check.impl.ts") },
})
