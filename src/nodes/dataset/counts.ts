import * as Schema from "effect/Schema"
import { defineNode, list } from "../../runtime/node.ts"
import { Images, JsonArtifact } from "../../schema/artifact.ts"

export const Params = Schema.Struct({})
export type Params = typeof Params.Type

export const inputs = { sets: list(Images, { named: true }) }
export const outputs = { counts: JsonArtifact }

export default defineNode({
  type: "dataset.counts",
  description:
    "Count pictures of each set that is fed in: per label, split, source set, query and licence; originals and copies apart.",
  inputs,
  outputs,
  params: Params,
  impl: () => import("./counts.impl.ts"),
})
