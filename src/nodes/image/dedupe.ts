import * as Schema from "effect/Schema"
import { defineNode, list, sameAs } from "../../runtime/node.ts"
import { Images, Rejects, table } from "../../schema/artifact.ts"
import { between, param, whole } from "../model/param.ts"

// Measured: with these defaults 35 of 41 real pairs of near copies (other crop, size, contrast; next film frames) are
// found, none of 20 pairs of different people chosen for their close hashes, and none among 3,000 news portraits that
// have no duplicates. Of their faces, cut out and aligned, 33 pairs reach 0.75, 4 reach 0.8 and none 0.85, while few
// real copies do: look for duplicates before faces are cut out.
export const Params = Schema.Struct({
  maxDistance: param(
    whole(0, 32),
    12,
    "bits of the 64-bit perceptual hash in which near duplicates may differ; 0 = equal hashes only",
  ),
  similarity: param(
    between(-1, 1),
    0.65,
    "correlation of the details of two pictures of close hashes from which they count as duplicates",
  ),
  faceSimilarity: param(
    between(-1, 1),
    0.85,
    "the same where one of them is the crop of an aligned face: these look alike by nature",
  ),
  onConflict: param(
    Schema.Literals(["drop", "majority", "keep"]),
    "drop",
    "a cluster whose members have different labels: drop it, give it its most frequent label (dropped when there are two), or keep the label of the member kept",
  ),
})
export type Params = typeof Params.Type

/** One cluster of duplicates. */
export const Cluster = Schema.Struct({
  /** Id of the member kept, or of the best one where none was. */
  id: Schema.String,
  /** All members, best first. */
  members: Schema.Array(Schema.String),
  /** exact = all members are equal byte for byte; near = some only look alike. */
  kind: Schema.Literals(["exact", "near"]),
  /** Labels of the members, sorted, each once. */
  labels: Schema.Array(Schema.String),
  outcome: Schema.Literals(["kept", "conflict", "protected"]),
  /** Where a picture of a protected set is alike: its id. */
  protectedBy: Schema.optionalKey(Schema.String),
})
export type Cluster = typeof Cluster.Type
export const Clusters = table<Cluster>("Clusters", Cluster)

export const inputs = { items: Images, protect: list(Images, { mayBeEmpty: true }) }
export const outputs = {
  unique: sameAs("items"),
  /** The members that were not kept, whole, with the `cluster` they belong to. */
  duplicates: sameAs("items", "cluster"),
  clusters: Clusters,
  rejected: Rejects,
}

export default defineNode({
  type: "image.dedupe",
  description:
    "Keep one of each cluster of duplicates, equal by bytes or alike by sight, with the claims of all; drop what is alike to a picture of the sets at `protect` (test sets), so that nothing leaks.",
  inputs,
  outputs,
  params: Params,
  impl: () => import("./dedupe.impl.ts"),
})
