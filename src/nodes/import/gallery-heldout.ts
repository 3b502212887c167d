import * as Schema from "effect/Schema"
import { defineNode } from "../../runtime/node.ts"
import { Files } from "../../schema/artifact.ts"
import { param, whole } from "../model/param.ts"

export const Params = Schema.Struct({
  seed: Schema.optionalKey(
    Schema.Int.annotate({ description: "which world is drawn; default: the document's seed" }),
  ),
  perClass: param(whole(1, 10_000), 40, "faces per class of the FER2013-like set"),
  subjects: param(whole(1, 999), 12, "people of the CK+-like and of the MMI-like set each"),
})
export type Params = typeof Params.Type

export const inputs = {}
export const outputs = { fer2013: Files, ckplus: Files, mmi: Files }

export default defineNode({
  type: "gallery.heldout",
  description:
    "Test sets drawn by this program, of people the gallery shows to no crawler, in the on-disk formats of FER2013, CK+ and MMI.",
  inputs,
  outputs,
  params: Params,
  seeded: true,
  impl: () => import("./gallery-heldout.impl.ts"),
})
