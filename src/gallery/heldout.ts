import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import sharp from "sharp"
import type { Expression } from "./expression.ts"
import { measureFace, type RenderedScene, type SceneSpec } from "./scene.ts"

/** Label ids of FER2013: the position in this list. */
export const fer2013Ids: readonly Expression[] = [
  "anger",
  "disgust",
  "fear",
  "happiness",
  "sadness",
  "surprise",
  "neutral",
]

/** Person of a held-out set; never equal to a person of the web corpus, whose ids say `/web/`. */
export const heldOutIdentity = (seed: number, set: "fer2013" | "ckplus" | "mmi", subject: number): string =>
  `gallery/${seed}/${set}/${subject}`

/** Grey values of a crop around a face, the larger side of its box grown by `margin`, resized to side × side. */
export const greyCrop = async (
  scene: RenderedScene,
  side: number,
  margin: number,
  shift: readonly [number, number],
): Promise<Uint8Array> => {
  const [x1, y1, x2, y2] = scene.faces[0].box
  const span = Math.min(Math.max(x2 - x1, y2 - y1) * (1 + margin), scene.width, scene.height)
  const fit = (centre: number, end: number): number =>
    Math.round(Math.max(0, Math.min(end - span, centre - span / 2)))
  const left = fit((x1 + x2) / 2 + shift[0] * span, scene.width)
  const top = fit((y1 + y2) / 2 + shift[1] * span, scene.height)
  const size = Math.floor(span)
  const grey = await sharp(scene.rgb, { raw: { width: scene.width, height: scene.height, channels: 3 } })
    .extract({
      left,
      top,
      width: Math.min(size, scene.width - left),
      height: Math.min(size, scene.height - top),
    })
    .resize(side, side, { fit: "fill" })
    .toColourspace("b-w")
    .raw()
    .toBuffer()
  return new Uint8Array(grey)
}

/** The scene with its face moved so that the box's middle stands at a place of the picture (shares of its size). */
export const centreFace = (spec: SceneSpec, atX: number, atY: number): SceneSpec => {
  const face = spec.faces[0]
  const [x1, y1, x2, y2] = measureFace(face).box
  const moved = {
    ...face,
    x: face.x + atX * spec.width - (x1 + x2) / 2,
    y: face.y + atY * spec.height - (y1 + y2) / 2,
  }
  return { ...spec, faces: [moved, ...spec.faces.slice(1)] }
}

/** Writes a file and the folders above it. */
export const put = async (path: string, content: string | Uint8Array): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

/** Runs the jobs at most `width` at a time and gives the results in their order. */
export const inTurn = async <A>(jobs: readonly (() => Promise<A>)[], width = 3): Promise<A[]> => {
  const results: A[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < jobs.length) {
      const at = next++
      results[at] = await jobs[at]()
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  return results
}

export interface HeldOutSize {
  /** Which world; the same number as the gallery's. Default 1. */
  readonly seed?: number
}

const say = (text: string): string => `${text}
These pictures are drawn by a program; they show nobody. The layout is that of the public set whose name the
folder bears, so that the same reader reads both. Figures measured on them say nothing about the public set.
`

export const note = (folder: string, set: string): Promise<void> =>
  put(join(folder, "GENERATED.txt"), say(`A generated stand-in for ${set}.`))
