import * as Schema from "effect/Schema"
import { defineNode, list } from "../../runtime/node.ts"
import { between, param, whole } from "../model/param.ts"
import { Detection, Network, Scenes } from "./types.ts"

export const Params = Schema.Struct({
  minScores: param(
    Schema.Array(between(0, 1)).check(Schema.isMinLength(1)),
    [0.9, 0.7],
    "least scores at which faces are counted; figures of each",
  ),
  overlap: param(between(0.01, 1), 0.5, "least intersection over union of a found face with a true one"),
  minFaceSize: param(
    whole(12, 10_000),
    20,
    "smallest face looked for, in pixels; smaller true ones do not count",
  ),
  factor: param(between(0.1, 0.95), 0.709, "scale from one level of the image pyramid to the next"),
  thresholds: param(
    Schema.Tuple([between(0, 1), between(0, 1), between(0, 1)]),
    [0.6, 0.7, 0.7],
    "lowest scores that pass the three networks",
  ),
  compare: Schema.optionalKey(
    Schema.String.annotate({
      description:
        "path of a folder with pnet, rnet and onet.safetensors: a detector to judge beside the trained one",
    }),
  ),
})
export type Params = typeof Params.Type

export const inputs = { scenes: Scenes, networks: list(Network) }
export const outputs = { evaluation: Detection }

export default defineNode({
  type: "detector.evaluate",
  description:
    "Judge a face detector (its three networks) on scenes it has not seen: recall, precision and landmark error, by size of the face and kind of scene.",
  inputs,
  outputs,
  params: Params,
  files: ({ compare }): Record<string, string> => (compare === undefined ? {} : { compare }),
  pathParams: ["compare"],
  exact: "same-machine",
  impl: () => import("./evaluate.impl.ts"),
})
