import type { Backdrop } from "./background.ts"
import type { Distractor } from "./distractors.ts"
import type { FacialAction, ShownExpression } from "./expression.ts"
import type { Gaze } from "./face-eyes.ts"
import type { Occlusion } from "./face-extras.ts"
import type { Point, Pose } from "./head.ts"
import type { Light } from "./shading.ts"

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
