import sharp from "sharp"
import {
  backdrops,
  type Backdrop,
  type Distractor,
  distractors,
  drawBackdrop,
  drawDistractor,
} from "./background.ts"
import {
  drawAction,
  type Expression,
  expressions,
  type FacialAction,
  type ShownExpression,
} from "./expression.ts"
import { drawBackHair, drawFrontHair } from "./face-hair.ts"
import { drawBrow, drawEye, eyeShape, type Gaze } from "./face-eyes.ts"
import { drawBeard, drawBody, drawGlasses, drawOcclusion, type Occlusion } from "./face-extras.ts"
import { drawMouth, mouthShape } from "./face-mouth.ts"
import { drawEar, drawFolds, drawNose, drawSkin } from "./face-skin.ts"
import { Head, hairlineY, type Point, type Pose } from "./head.ts"
import { drawIdentity } from "./identity.ts"
import { Random } from "./random.ts"
import { type Light, shadeHead } from "./shading.ts"
import { Drawing } from "./svg.ts"

/** One face of a scene; positions and sizes in pixels of the scene. */
export interface FaceSpec {
  /** Person: the same text is the same person in every scene. */
  readonly identity: string
  readonly expression: ShownExpression
  /** 0 (nothing to see) to 1 (apex). */
  readonly intensity: number
  readonly action: FacialAction
  readonly gaze: Gaze
  readonly pose: Pose
  /** Rotation centre of the head (about the middle between the eyes when frontal). */
  readonly x: number
  readonly y: number
  /** About the height of the face from hairline to chin. */
  readonly size: number
  readonly occlusion: Occlusion
  /** −1 or 1: the image side of the occlusion. */
  readonly side: number
}

export interface ThingSpec {
  readonly kind: Distractor
  readonly seed: string
  readonly x: number
  readonly y: number
  readonly size: number
}

/** What the camera does to the picture. */
export interface Camera {
  /** Gaussian blur, standard deviation in pixels; 0 for none. */
  readonly blur: number
  /** Standard deviation of sensor noise in grey levels. */
  readonly noise: number
  readonly grey: boolean
  /** Factor on every channel. */
  readonly exposure: number
  readonly contrast: number
  readonly tint: readonly [number, number, number]
}

/** A whole picture as plain data (JSON): the same spec gives the same bytes. */
export interface SceneSpec {
  readonly seed: string
  readonly width: number
  readonly height: number
  readonly backdrop: Backdrop
  /** 0 (sharp) to 1 (far out of focus). */
  readonly depth: number
  readonly things: readonly ThingSpec[]
  readonly faces: readonly FaceSpec[]
  readonly light: Light
  readonly camera: Camera
}

export type Box = readonly [x1: number, y1: number, x2: number, y2: number]
/** Left eye, right eye, nose, left mouth corner, right mouth corner; left as seen in the image. */
export type Landmarks = readonly [Point, Point, Point, Point, Point]

export interface RenderedFace {
  /** From hairline to chin, cheek to cheek, in pixels (x2, y2 exclusive); may reach outside the picture. */
  readonly box: Box
  readonly landmarks: Landmarks
  readonly expression: ShownExpression
  readonly intensity: number
  readonly identity: string
}

export interface RenderedScene {
  readonly width: number
  readonly height: number
  /** width · height · 3 bytes, RGB interleaved. */
  readonly rgb: Uint8Array
  readonly faces: readonly RenderedFace[]
}

/** Face height from hairline to chin in half face widths, of the mean face. */
const faceHeight = 2.44

const headOf = (face: FaceSpec): Head =>
  new Head(drawIdentity(face.identity), face.action, face.pose, {
    x: face.x,
    y: face.y,
    unit: face.size / faceHeight,
  })

/** Box and landmarks of a face as it will be drawn, without drawing it. */
export const measureFace = (face: FaceSpec): RenderedFace => {
  const head = headOf(face)
  const chin = head.chinY + head.jawDrop
  // The box stops a little inside of the outline, as the hand-drawn boxes that face detectors learn from do.
  const rim: Point[] = [0, 0.25, 0.5, 0.7, 0.85, 0.94].flatMap((t) => [
    head.rim(-1, chin * t, -0.05),
    head.rim(1, chin * t, -0.05),
  ])
  rim.push(
    head.rim(0, chin * 0.98),
    head.at([-0.5, hairlineY + 0.04]),
    head.at([0.5, hairlineY + 0.04]),
    head.at([0, hairlineY]),
  )
  const xs = rim.map((p) => p[0])
  const ys = rim.map((p) => p[1])
  const m = mouthShape(head)
  return {
    box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
    landmarks: [
      head.at(eyeShape(head, -1).centre),
      head.at(eyeShape(head, 1).centre),
      head.at([0, head.noseY, 0.28]),
      head.at(m.left),
      head.at(m.right),
    ],
    expression: face.expression,
    intensity: face.intensity,
    identity: face.identity,
  }
}

const drawFace = (d: Drawing, face: FaceSpec, height: number): Head => {
  const head = headOf(face)
  const random = new Random(`strands/${face.identity}`)
  drawBackHair(d, head, random.fork("back"))
  drawBody(d, head, height)
  drawEar(d, head, -1)
  drawEar(d, head, 1)
  drawSkin(d, head, random.fork("skin"))
  for (const side of [-1, 1]) drawEye(d, head, side, face.gaze)
  drawFolds(d, head)
  drawNose(d, head)
  drawBeard(d, head, random.fork("beard"))
  drawMouth(d, head)
  for (const side of [-1, 1]) drawBrow(d, head, side, random.fork(`brow${side}`))
  drawFrontHair(d, head, random.fork("front"))
  drawGlasses(d, head)
  drawOcclusion(d, head, face.occlusion, face.side)
  return head
}

/**
 * Draws a scene and says where its faces are. Deterministic: the same spec gives the same bytes with the same
 * version of the image library.
 */
export const renderScene = async (spec: SceneSpec): Promise<RenderedScene> => {
  const { width, height } = spec
  const behind = new Drawing()
  drawBackdrop(behind, spec.backdrop, spec.seed, width, height)
  const far = 1 / (1 + 7 * spec.depth)
  const backdrop = await sharp(Buffer.from(behind.svg(width, height, far)))
    .flatten({ background: "#808080" })
    .resize(width, height, { fit: "fill", kernel: "cubic" })
    .removeAlpha()
    .raw()
    .toBuffer()
  const front = new Drawing()
  for (const thing of spec.things) drawDistractor(front, thing.kind, thing.seed, thing.x, thing.y, thing.size)
  // Small faces stand further away: draw them first.
  const heads = spec.faces.toSorted((a, b) => a.size - b.size).map((face) => drawFace(front, face, height))
  let image = sharp(backdrop, { raw: { width, height, channels: 3 } })
  image = image.composite([{ input: Buffer.from(front.svg(width, height)) }])
  let rgb = new Uint8Array(await image.removeAlpha().raw().toBuffer())
  for (const head of heads) shadeHead(rgb, width, height, head, spec.light)
  if (spec.camera.blur >= 0.3) {
    const blurred = await sharp(rgb, { raw: { width, height, channels: 3 } })
      .blur(spec.camera.blur)
      .raw()
      .toBuffer()
    rgb = new Uint8Array(blurred)
  }
  expose(rgb, spec.camera, new Random(`noise/${spec.seed}`))
  return { width, height, rgb, faces: spec.faces.map(measureFace) }
}

/** Exposure, contrast, tint, grey and noise, in place. */
const expose = (rgb: Uint8Array, camera: Camera, random: Random): void => {
  const { exposure, contrast, tint, grey, noise } = camera
  const table = [0, 1, 2].map((c) =>
    Float32Array.from({ length: 256 }, (_, v) => (v * exposure * tint[c]! - 128) * contrast + 128),
  )
  const [tr, tg, tb] = table as [Float32Array, Float32Array, Float32Array]
  // Sums of the four bytes of one random word: close to normal, mean 510, standard deviation about 147.8.
  const gain = noise / 147.8
  for (let i = 0; i < rgb.length; i += 3) {
    let r = tr[rgb[i]!]!
    let g = tg[rgb[i + 1]!]!
    let b = tb[rgb[i + 2]!]!
    if (grey) r = g = b = 0.299 * r + 0.587 * g + 0.114 * b
    if (gain > 0) {
      const w = random.uint32()
      const n = ((w & 255) + ((w >>> 8) & 255) + ((w >>> 16) & 255) + (w >>> 24) - 510) * gain
      r += n
      g += n
      b += n
    }
    rgb[i] = r < 0 ? 0 : r > 255 ? 255 : r + 0.5
    rgb[i + 1] = g < 0 ? 0 : g > 255 ? 255 : g + 0.5
    rgb[i + 2] = b < 0 ? 0 : b > 255 ? 255 : b + 0.5
  }
}

export interface SceneOptions {
  /** Pixels; default 256 × 256. */
  readonly width?: number
  readonly height?: number
  /** How many faces, or [least, most]; default 1. Faces that find no free place are left out. */
  readonly faces?: number | readonly [number, number]
  /** Height of a face in pixels, [least, most]; default 45–75 % of the picture's height. Drawn log-uniformly. */
  readonly faceSize?: readonly [number, number]
  readonly expression?: ShownExpression
  /** Fixed, or [least, most]; default [0.45, 1]. */
  readonly intensity?: number | readonly [number, number]
  /** Person of the first face; further faces and the default are persons named after the seed. */
  readonly identity?: string
  /** Greatest angles in degrees; defaults 25, 12, 15. */
  readonly maxYaw?: number
  readonly maxPitch?: number
  readonly maxRoll?: number
  /** How many face-like things stand in the picture, or [least, most]; default 0. */
  readonly distractors?: number | readonly [number, number]
  readonly backdrop?: Backdrop
  /** Chance of something covering a part of a face; default 0.06. */
  readonly occlusion?: number
  /** Share of the camera's flaws, 0 (clean) to 2; default 1. */
  readonly wear?: number
}

const within = (r: Random, span: number | readonly [number, number]): number =>
  typeof span === "number" ? span : r.range(span[0], span[1])
const count = (r: Random, span: number | readonly [number, number]): number =>
  typeof span === "number" ? span : r.int(span[0], span[1])

/** Draws a scene's spec from a seed: the same seed and options give the same spec. */
export const randomScene = (seed: string, options: SceneOptions = {}): SceneSpec => {
  const r = new Random(`scene/${seed}`)
  const width = options.width ?? 256
  const height = options.height ?? 256
  const size = options.faceSize ?? [height * 0.45, height * 0.75]
  const wanted = count(r, options.faces ?? 1)
  const wear = options.wear ?? 1
  const faces: FaceSpec[] = []
  for (let i = 0; i < wanted; i++) {
    const face = placeFace(r.fork(`face${i}`), i, wanted, faces, {
      ...options,
      width,
      height,
      faceSize: size,
    })
    if (face !== undefined) faces.push(face)
  }
  const things: ThingSpec[] = []
  const amount = count(r, options.distractors ?? 0)
  for (let i = 0; i < amount; i++) {
    const thing: ThingSpec = {
      kind: r.pick(distractors),
      seed: `${seed}/${i}`,
      x: r.range(0.05, 0.95) * width,
      y: r.range(0.1, 0.95) * height,
      size: Math.min(width, height) * Math.exp(r.range(Math.log(0.08), Math.log(0.6))),
    }
    if (faces.every((f) => Math.hypot(f.x - thing.x, f.y - thing.y) > 0.65 * (f.size + thing.size)))
      things.push(thing)
  }
  const side = r.chance(0.5) ? -1 : 1
  return {
    seed,
    width,
    height,
    backdrop:
      options.backdrop ??
      r.weighted<Backdrop>([
        ["studio", 5],
        ["bokeh", 2],
        ["room", 3],
        ["street", 2],
        ["foliage", 2.5],
        ["sky", 2],
        ["pattern", 1],
        ["stage", 1],
      ]),
    depth: wanted > 2 || amount > 2 ? r.range(0, 0.6) : r.range(0.3, 1),
    things,
    faces,
    light: {
      direction: [side * r.range(0.05, 0.95), r.range(-0.9, 0.15), r.range(0.6, 1.2)],
      strength: r.range(0.35, 0.85),
      tint: [r.range(0.98, 1.08), 1, r.range(0.92, 1.03)],
    },
    camera: {
      blur: r.chance(0.35 * wear) ? r.range(0.4, 1.3) * wear : 0,
      noise: Math.max(0.8, r.range(0.8, 7) * wear * (r.chance(0.15) ? 1.8 : 1)),
      grey: r.chance(0.06 * wear),
      exposure: Math.max(0.6, Math.min(1.3, r.normal(1.02, 0.1 * wear))),
      contrast: Math.max(0.7, Math.min(1.25, r.normal(1, 0.08 * wear))),
      tint: [1 + r.normal(0, 0.03 * wear), 1, 1 + r.normal(0, 0.04 * wear)],
    },
  }
}

type Placing = SceneOptions & {
  readonly width: number
  readonly height: number
  readonly faceSize: readonly [number, number]
}

const placeFace = (
  r: Random,
  index: number,
  wanted: number,
  others: readonly FaceSpec[],
  o: Placing,
): FaceSpec | undefined => {
  const expression =
    index === 0 && o.expression !== undefined
      ? o.expression
      : (o.expression ?? r.pick<Expression>(expressions))
  const intensity = within(r, o.intensity ?? [0.45, 1])
  const identity = index === 0 && o.identity !== undefined ? o.identity : `${r.seed}`
  const action = drawAction(expression, intensity, r.fork("action"))
  const turn = (most: number): number => Math.max(-most, Math.min(most, r.normal(0, most * 0.5)))
  const pose: Pose = { yaw: turn(o.maxYaw ?? 25), pitch: turn(o.maxPitch ?? 12), roll: turn(o.maxRoll ?? 15) }
  for (let attempt = 0; attempt < 12; attempt++) {
    const size = Math.exp(r.range(Math.log(o.faceSize[0]), Math.log(o.faceSize[1])))
    const alone = wanted === 1
    const x =
      alone && size > o.height * 0.3
        ? o.width / 2 + r.normal(0, 0.06) * o.width
        : r.range(0.42 * size, Math.max(0.43 * size, o.width - 0.42 * size))
    const y =
      alone && size > o.height * 0.3
        ? o.height * 0.47 + r.normal(0, 0.035) * o.height
        : r.range(0.52 * size, Math.max(0.53 * size, o.height - 0.72 * size))
    if (
      others.every(
        (f) => Math.abs(f.x - x) > 0.55 * (f.size + size) || Math.abs(f.y - y) > 1.3 * (f.size + size),
      )
    ) {
      const occlusion: Occlusion = r.chance(o.occlusion ?? 0.06)
        ? r.weighted<Occlusion>([
            ["hand", 2],
            ["cup", 1],
            ["strand", 1.5],
          ])
        : "none"
      return {
        identity,
        expression,
        intensity,
        action,
        gaze: { x: r.normal(0, 0.35), y: r.normal(0, 0.3) },
        pose,
        x,
        y,
        size,
        occlusion,
        side: r.chance(0.5) ? -1 : 1,
      }
    }
  }
  return undefined
}

export { backdrops, distractors }
