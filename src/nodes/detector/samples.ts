import * as Schema from "effect/Schema"
import { defineNode, optional } from "../../runtime/node.ts"
import { between, param, whole } from "../model/param.ts"
import { Network, Scenes, Stage, Windows } from "./types.ts"

export const Params = Schema.Struct({
  stage: Stage.annotate({ description: "the network the windows are for: pnet, rnet or onet" }),
  perKind: param(
    whole(1, 1_000_000),
    6000,
    "most windows of a kind: as many positives, parts and landmark faces, three times as many negatives",
  ),
  perFace: param(whole(1, 1000), 24, "windows drawn around each face, besides those the earlier stages find"),
  background: param(whole(0, 10_000), 24, "windows drawn anywhere in each scene"),
  minFace: param(
    between(4, 10_000),
    14,
    "longer side in pixels of a face's box below which nothing is learned from it",
  ),
  minFaceSize: param(between(4, 10_000), 16, "smallest window the earlier stages look at, in pixels"),
  thresholds: param(
    Schema.Tuple([between(0, 1), between(0, 1)]),
    [0.5, 0.5],
    "lowest scores that pass P-Net and R-Net; below those in use, so that the later stages see harder windows",
  ),
  seed: Schema.optionalKey(
    Schema.Int.annotate({ description: "which windows; default: the document's seed" }),
  ),
})
export type Params = typeof Params.Type

export const inputs = { scenes: Scenes, pnet: optional(Network), rnet: optional(Network) }
export const outputs = { windows: Windows }

export default defineNode({
  type: "detector.samples",
  description:
    "Cut the windows one network of the face detector learns from: positive, part and negative by their overlap with a true face, and landmark faces; with earlier networks, the windows these propose, right and wrong.",
  inputs,
  outputs,
  params: Params,
  seeded: true,
  exact: "same-machine",
  impl: () => import("./samples.impl.ts"),
})
