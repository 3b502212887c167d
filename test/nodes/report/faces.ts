import { expressions } from "../../../src/gallery/expression.ts"
import { randomScene, renderScene } from "../../../src/gallery/scene.ts"
import { alignFace } from "../../../src/vision/align.ts"
import { encodeJpeg } from "../../../src/vision/encode.ts"
import type { Draw } from "./demo.ts"

/** An aligned face of the gallery. */
export const drawFace: Draw = async (label, index) => {
  const scene = await renderScene(
    randomScene(`report/${label}/${index}`, {
      expression: expressions.find((name) => name === label) ?? "neutral",
      intensity: [0.7, 1],
      maxYaw: 18,
      faceSize: [120, 130],
    }),
  )
  const [face] = scene.faces
  if (face === undefined) throw new Error("the gallery drew no face")
  const picture = { width: scene.width, height: scene.height, channels: 3 as const, data: scene.rgb }
  return encodeJpeg(alignFace(picture, face.landmarks, { size: 96, margin: 0.1 }), 90)
}
