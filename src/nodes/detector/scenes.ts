import * as Schema from "effect/Schema"
import { defineNode } from "../../runtime/node.ts"
import { between, param, whole } from "../model/param.ts"
import { type SceneKind, Scenes } from "./types.ts"

const Shares = Schema.Struct({
  portrait: param(between(0, 1000), 5, "one face as in a picture found on the web, any backdrop"),
  group: param(between(0, 1000), 2, "one to six faces of 16 pixels and more among other things"),
  small: param(between(0, 1000), 1.5, "a face in a picture of 44 to 110 pixels"),
  tight: param(
    between(0, 1000),
    2,
    "a crop around a face, often grey, as data sets of expressions have them",
  ),
  empty: param(between(0, 1000), 2.5, "no face: things that are round, paired or striped as faces are"),
})

export const Params = Schema.Struct({
  count: param(whole(1, 1_000_000), 1500, "scenes of all kinds together"),
  shares: param(Shares, {}, "how often each kind of scene stands among them, as ratios"),
  name: param(Schema.String, "train", "scenes of another name show other people in other places"),
  seed: Schema.optionalKey(
    Schema.Int.annotate({ description: "what is drawn; default: the document's seed" }),
  ),
})
export type Params = typeof Params.Type

export interface SceneItem {
  readonly id: string
  readonly kind: SceneKind
}

const kinds: ReadonlyArray<SceneKind> = ["portrait", "group", "small", "tight", "empty"]

/** The scenes to draw: as many of each kind as its share says, rounded so that the sum is the count. */
export const sceneItems = ({
  count,
  shares,
  name,
}: Pick<Params, "count" | "shares" | "name">): Array<SceneItem> => {
  const total = kinds.reduce((sum, kind) => sum + shares[kind], 0)
  const items: Array<SceneItem> = []
  let sum = 0
  let given = 0
  for (const kind of kinds) {
    sum += shares[kind]
    const upTo = total === 0 ? count : Math.round((count * sum) / total)
    for (let i = 0; given < upTo; i++, given++)
      items.push({ id: `${name}/${kind}/${String(i).padStart(6, "0")}`, kind })
  }
  return items
}

export const inputs = {}
export const outputs = { scenes: Scenes }

export default defineNode({
  type: "detector.scenes",
  description:
    "Draw scenes of which is known where their faces are, to teach and to judge a face detector: people that no other node draws.",
  inputs,
  outputs,
  params: Params,
  seeded: true,
  map: { items: sceneItems, itemParams: ["seed"], impl: () => import("./scenes.impl.ts") },
})
