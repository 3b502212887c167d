import type { Backdrop } from "./background.ts"
import { distractors } from "./distractors.ts"
import { drawAction, type Expression, expressions, type ShownExpression } from "./expression.ts"
import type { Occlusion } from "./face-extras.ts"
import type { Pose } from "./head.ts"
import { Random } from "./random.ts"
import type { FaceSpec, SceneSpec, ThingSpec } from "./scene-spec.ts"

export interface SceneOptions {
  /** Pixels; default 256 × 256. */
  readonly width?: number
  readonly height?: number
  /** How many faces, or [least, most]; default 1. Faces that find no free place are left out. */
  readonly faces?: number | readonly [number, number]
  /** Height of a face in pixels, [least, most]; default 45–75 % of the picture's height. Drawn log-uniformly. */
  readonly faceSize?: readonly [number, number]
  readonly expression?: ShownExpression
  /** Fixed, or [least, most]; default [0.6, 1]. */
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
      strength: r.range(0.3, 0.75),
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

/** Whether neither covers the other: heads beside or above one another, no small face behind a nearer body. */
const apart = (a: Pick<FaceSpec, "x" | "y" | "size">, b: Pick<FaceSpec, "x" | "y" | "size">): boolean => {
  const [near, far] = a.size >= b.size ? [a, b] : [b, a]
  const aside = Math.abs(a.x - b.x)
  if (aside > 0.9 * near.size + 0.45 * far.size) return true
  const above = near.y - far.y
  return above > 0.85 * (near.size + far.size)
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
  const intensity = within(r, o.intensity ?? [0.6, 1])
  const identity = index === 0 && o.identity !== undefined ? o.identity : r.seed
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
    if (others.every((other) => apart(other, { x, y, size }))) {
      const occlusion: Occlusion = r.chance(o.occlusion ?? 0.045)
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
