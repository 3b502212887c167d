import { join } from "node:path"
import sharp from "sharp"
import { drawAction, type FacialAction, restAction, type ShownExpression } from "./expression.ts"
import { centreFace, heldOutIdentity, type HeldOutSize, inTurn, note, put } from "./heldout.ts"
import { Random } from "./random.ts"
import { randomScene, renderScene, type SceneSpec } from "./scene.ts"

export interface CkPlusSize extends HeldOutSize {
  /** Persons, 1 to 999; default 24. */
  readonly subjects?: number
  /** Frames of a sequence; default 4. */
  readonly frames?: number
}

/** Emotion codes of CK+ (0, neutral, is never written as a label). */
export const ckPlusIds: readonly (readonly [ShownExpression, number])[] = [
  ["anger", 1],
  ["contempt", 2],
  ["disgust", 3],
  ["fear", 4],
  ["happiness", 5],
  ["sadness", 6],
  ["surprise", 7],
]

/** Share of sequences without a label, as 327 of 593 are labelled in CK+; fewer are left out here. */
const unlabelled = 0.15

/** The action on its way from rest (0) to its apex (1). */
export const partWay = (action: FacialAction, share: number): FacialAction => ({
  units: Object.fromEntries(Object.entries(action.units).map(([unit, strength]) => [unit, strength * share])),
  asymmetry: action.asymmetry,
})

/** CK+ writes numbers as `%16.7e` does. */
const scientific = (value: number): string => `   ${value.toFixed(7)}e+00\n`

const laboratory = (
  seed: string,
  identity: string,
  expression: ShownExpression,
  intensity: number,
): SceneSpec => {
  const spec = randomScene(seed, {
    width: 256,
    height: 196,
    expression,
    identity,
    intensity,
    faceSize: [98, 110],
    maxYaw: 5,
    maxPitch: 4,
    maxRoll: 4,
    backdrop: "lab",
    occlusion: 0,
    wear: 0.2,
  })
  return centreFace(
    {
      ...spec,
      light: {
        ...spec.light,
        direction: [spec.light.direction[0] * 0.5, -0.35, 1],
        strength: Math.min(0.55, spec.light.strength),
      },
      camera: { ...spec.camera, grey: true, noise: 0.8, blur: 0, contrast: 1 },
    },
    0.5,
    0.48,
  )
}

/**
 * Writes the tree of CK+: `cohn-kanade-images/S005/001/S005_001_00000001.png` … (640 × 490 grey, frontal, neutral
 * to peak) and `Emotion/S005/001/S005_001_0000000N_emotion.txt` for the labelled sequences.
 * @returns how many sequences were written and how many of them are labelled
 */
export const writeCkPlus = async (
  folder: string,
  size: CkPlusSize = {},
): Promise<{ readonly sequences: number; readonly labelled: number }> => {
  const seed = size.seed ?? 1
  const frames = Math.max(2, size.frames ?? 4)
  const jobs: (() => Promise<boolean>)[] = []
  for (let subject = 0; subject < (size.subjects ?? 24); subject++) {
    const r = new Random(`heldout/${seed}/ckplus/${subject}`)
    const name = `S${String(5 + subject).padStart(3, "0")}`
    const shown = ckPlusIds.filter(([expression]) => r.chance(expression === "contempt" ? 0.35 : 0.88))
    shown.forEach(([expression, id], k) => {
      jobs.push(() => writeSequence(folder, seed, subject, name, k + 1, expression, id, frames))
    })
  }
  const labels = await inTurn(jobs)
  await note(folder, "CK+")
  return { sequences: labels.length, labelled: labels.filter(Boolean).length }
}

/** One channel of a grey picture. */
const firstChannel = (rgb: Uint8Array): Uint8Array =>
  Uint8Array.from({ length: rgb.length / 3 }, (_, i) => rgb[i * 3])

const writeSequence = async (
  folder: string,
  seed: number,
  subject: number,
  name: string,
  number: number,
  expression: ShownExpression,
  id: number,
  frames: number,
): Promise<boolean> => {
  const key = `heldout/${seed}/ckplus/${subject}/${expression}`
  const r = new Random(key)
  const intensity = r.range(0.7, 1)
  const spec = laboratory(key, heldOutIdentity(seed, "ckplus", subject), expression, intensity)
  const apex = drawAction(expression, intensity, r.fork("action"))
  const take = String(number).padStart(3, "0")
  for (let frame = 1; frame <= frames; frame++) {
    const share = (frame - 1) / (frames - 1)
    const action = share === 0 ? restAction : partWay(apex, share)
    const drift = { yaw: r.normal(0, 0.4), pitch: r.normal(0, 0.4), roll: r.normal(0, 0.4) }
    const face = spec.faces[0]
    const pose = {
      yaw: face.pose.yaw + drift.yaw,
      pitch: face.pose.pitch + drift.pitch,
      roll: face.pose.roll + drift.roll,
    }
    const scene = await renderScene({
      ...spec,
      seed: `${key}/${frame}`,
      faces: [{ ...face, action, pose, occlusion: "none" }],
    })
    const png = await sharp(firstChannel(scene.rgb), {
      raw: { width: scene.width, height: scene.height, channels: 1 },
    })
      .resize(640, 490, { fit: "fill", kernel: "cubic" })
      .toColourspace("b-w")
      .png({ compressionLevel: 4 })
      .toBuffer()
    await put(
      join(folder, "cohn-kanade-images", name, take, `${name}_${take}_${String(frame).padStart(8, "0")}.png`),
      png,
    )
  }
  const labelled = !r.chance(unlabelled)
  if (labelled)
    await put(
      join(folder, "Emotion", name, take, `${name}_${take}_${String(frames).padStart(8, "0")}_emotion.txt`),
      scientific(id),
    )
  return labelled
}
