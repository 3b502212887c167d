import type { MapFunction } from "../../runtime/node.ts"
import { drawScene } from "./draw-scene.ts"
import type { Params, SceneItem } from "./scenes.ts"
import type { Scene } from "./types.ts"

const draw: MapFunction<SceneItem, Params, Scene> = async ({ item, params, context }) => {
  const { bytes, media, width, height, faces } = await drawScene(
    item.kind,
    `${params.seed ?? context.seed}/${item.id}`,
  )
  const image = await context.blobs.put(bytes, media)
  return { id: item.id, kind: item.kind, image, width, height, faces }
}

export default draw
