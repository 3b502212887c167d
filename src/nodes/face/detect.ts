import * as Schema from "effect/Schema"
import { defineNode, sameAs, without } from "../../runtime/node.ts"
import { Images } from "../../schema/artifact.ts"
import { between, param, whole } from "../model/param.ts"
import { builtinWeights } from "./weights.ts"

export const Params = Schema.Struct({
  minFaceSize: param(whole(12, 10_000), 20, "smallest face looked for, in pixels; larger is faster"),
  thresholds: param(
    Schema.Tuple([between(0, 1), between(0, 1), between(0, 1)]),
    [0.6, 0.7, 0.7],
    "lowest scores that pass the three networks",
  ),
  factor: param(between(0.1, 0.95), 0.709, "scale from one level of the image pyramid to the next"),
  minScore: param(between(0, 1), 0.9, "lowest score of a face that is kept"),
  maxFaces: Schema.optionalKey(
    whole(1, 10_000).annotate({ description: "keep only the best of a picture; default: all" }),
  ),
  retryBelow: param(
    whole(0, 100_000),
    256,
    "pictures of up to this shorter side in which no face is found are looked at again, enlarged and with a border, as a face may fill them; 0 = never",
  ),
  maxPixels: param(whole(1, 1_000_000_000), 64_000_000, "most pixels of a picture that is decoded"),
  weights: param(
    Schema.String,
    "builtin",
    "`builtin`, or the path of a folder with pnet, rnet and onet.safetensors, or of one file with all three",
  ),
  download: Schema.optionalKey(
    Schema.Struct({
      url: Schema.String,
      sha256: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/u)),
    }).annotate({
      description: "weights by address, one safetensors file with all three networks, in place of `weights`",
    }),
  ),
})
export type Params = typeof Params.Type

export const inputs = { images: Images }
export const outputs = { faces: without(sameAs("images", "face"), "phash") }

export default defineNode({
  type: "face.detect",
  description:
    "Find all faces of each picture (MTCNN), with box, score and five landmarks: one row per face, the picture unchanged. Pictures without a face are rejected.",
  inputs,
  outputs,
  params: Params,
  // File by file where they are ours, so that the notes beside them are no part of the key.
  files: ({ weights, download }): Record<string, string> => {
    if (download !== undefined) return {}
    return weights === "builtin" ? builtinWeights() : { weights }
  },
  pathParams: ["weights"],
  exact: "same-machine",
  map: { over: "images", reads: ["image"], impl: () => import("./detect.impl.ts") },
})
