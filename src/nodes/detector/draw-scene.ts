import { Random } from "../../gallery/random.ts"
import { randomScene, type RenderedFace, renderScene, type SceneOptions } from "../../gallery/scene.ts"
import { encodeJpeg, encodePng } from "../../vision/encode.ts"
import { crop, type Raster, raster, toGray } from "../../vision/raster.ts"
import { resize } from "../../vision/resize.ts"
import type { TrueFace } from "../../learning/mtcnn/windows.ts"
import type { SceneKind } from "./types.ts"

/** How a scene of a kind is put together, before any pixel is drawn. */
const optionsOf = (kind: SceneKind, r: Random): SceneOptions => {
  const wear = r.range(0.2, 1.3)
  if (kind === "small") {
    const height = r.int(44, 110)
    return {
      width: Math.max(40, Math.round(height * r.range(0.8, 1.25))),
      height,
      faces: 1,
      faceSize: [height * 0.45, height * 0.8],
      intensity: [0, 1],
      wear,
    }
  }
  if (kind === "tight") {
    const side = r.int(90, 160)
    return {
      width: side,
      height: side,
      faces: 1,
      faceSize: [side * 0.62, side * 0.76],
      intensity: [0, 1],
      wear,
    }
  }
  const height = r.int(180, 330)
  const width = Math.round(height * r.range(0.8, 1.4))
  if (kind === "empty") return { width, height, faces: 0, distractors: [1, 7], wear }
  if (kind === "group")
    return {
      width: Math.round(height * r.range(1, 1.5)),
      height,
      faces: [1, 6],
      faceSize: [16, height * r.range(0.2, 0.42)],
      intensity: [0, 1],
      maxYaw: 32,
      distractors: [0, 4],
      wear,
    }
  return {
    width,
    height,
    faces: 1,
    faceSize: [height * 0.3, height * 0.85],
    intensity: [0, 1],
    maxYaw: 30,
    maxRoll: 20,
    distractors: [0, 2],
    occlusion: 0.08,
    wear,
    ...(r.chance(0.12) ? { backdrop: "lab" as const } : {}),
  }
}

const moved = (face: TrueFace, dx: number, dy: number, sx: number, sy: number): TrueFace => {
  const [x1, y1, x2, y2] = face.box
  return {
    box: [(x1 - dx) * sx, (y1 - dy) * sy, (x2 - dx) * sx, (y2 - dy) * sy],
    landmarks: face.landmarks.map(([x, y]) => [(x - dx) * sx, (y - dy) * sy] as const),
  }
}

interface Shot {
  readonly image: Raster
  readonly faces: ReadonlyArray<TrueFace>
}

/** Cuts a square around the first face, its larger side grown by up to 60 %, and scales it to 36 to 120 pixels. */
const tighten = ({ image, faces }: Shot, r: Random): Shot => {
  if (faces.length === 0) return { image, faces }
  const [x1, y1, x2, y2] = faces[0].box
  const most = Math.min(image.width, image.height)
  const side = Math.min(most, Math.round(Math.max(x2 - x1, y2 - y1) * (1 + r.range(0, 0.6))))
  const place = (low: number, high: number, end: number): number =>
    Math.round(Math.max(0, Math.min(end - side, (low + high - side) / 2 + r.normal(0, 0.03) * side)))
  const [left, top] = [place(x1, x2, image.width), place(y1, y2, image.height)]
  const target = r.chance(0.5) ? 48 : r.int(36, Math.max(48, Math.min(120, side)))
  const scale = target / side
  return {
    image: resize(crop(image, left, top, side, side), target, target),
    faces: faces.map((face) => moved(face, left, top, scale, scale)),
  }
}

/** A share of the web's pictures is smaller than what was taken, and so sharper or coarser than the camera gives. */
const rescale = ({ image, faces }: Shot, r: Random): Shot => {
  const factor = r.range(0.5, 0.95)
  const [width, height] = [Math.round(image.width * factor), Math.round(image.height * factor)]
  const [sx, sy] = [width / image.width, height / image.height]
  return { image: resize(image, width, height), faces: faces.map((face) => moved(face, 0, 0, sx, sy)) }
}

/** Box and landmarks to a hundredth of a pixel: what a row keeps. */
const rounded = ({ box, landmarks }: TrueFace): TrueFace => {
  const cut = (v: number): number => Math.round(v * 100) / 100
  return {
    box: [cut(box[0]), cut(box[1]), cut(box[2]), cut(box[3])],
    landmarks: landmarks.map(([x, y]) => [cut(x), cut(y)] as const),
  }
}

const known = ({ box, landmarks }: RenderedFace): TrueFace => ({ box, landmarks })

/**
 * Draws the scene of a kind and a seed text as a picture file (JPEG mostly, at qualities found on the web, else PNG),
 * and says where its faces are.
 */
export const drawScene = async (
  kind: SceneKind,
  seed: string,
): Promise<{
  readonly bytes: Uint8Array
  readonly media: string
  readonly width: number
  readonly height: number
  readonly faces: ReadonlyArray<TrueFace>
}> => {
  const r = new Random(`detector/${seed}`)
  const spec = randomScene(`detector/${seed}`, optionsOf(kind, r))
  const grey = r.chance(kind === "tight" ? 0.6 : 0.2)
  const scene = await renderScene(grey ? { ...spec, camera: { ...spec.camera, grey } } : spec)
  let shot: Shot = {
    image: raster(scene.width, scene.height, 3, scene.rgb),
    faces: scene.faces.map(known),
  }
  if (kind === "tight") shot = tighten(shot, r)
  else if (kind !== "small" && r.chance(0.15)) shot = rescale(shot, r)
  const image = grey && r.chance(0.5) ? toGray(shot.image) : shot.image
  const lossless = r.chance(kind === "tight" ? 0.7 : 0.1)
  const quality = r.chance(0.15) ? r.int(25, 55) : r.int(60, 95)
  return {
    bytes: lossless ? await encodePng(image) : await encodeJpeg(image, quality),
    media: lossless ? "image/png" : "image/jpeg",
    width: image.width,
    height: image.height,
    faces: shot.faces.map(rounded),
  }
}
