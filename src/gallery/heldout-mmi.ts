import { join } from "node:path"
import sharp from "sharp"
import { drawAction, type Expression, restAction } from "./expression.ts"
import { partWay } from "./heldout-ckplus.ts"
import { heldOutIdentity, type HeldOutSize, inTurn, note, put } from "./heldout.ts"
import { Random } from "./random.ts"
import { randomScene, renderScene } from "./scene.ts"

export interface MmiSize extends HeldOutSize {
  /** Persons, 1 to 999; default 17. */
  readonly subjects?: number
}

/** Emotion codes of MMI: the position in this list plus 1. */
export const mmiIds: readonly Expression[] = ["anger", "disgust", "fear", "happiness", "sadness", "surprise"]

/** How far the expression is at each extracted frame: a clip goes from rest over the apex back to rest. */
const course = [0, 1, 0.3]

interface Frame {
  readonly session: number
  readonly frame: string
  readonly view: number
  readonly emotion: number
  readonly subject: string
}

/**
 * Writes `Sessions/<n>/session.xml` with the clip's frames beside it as JPEG (360 × 288, colour, a television
 * studio's light), `<n>.xml` with the emotion code, and a `manifest.csv` (session,frame,view,emotion,subject) that
 * names every frame. The apex is the middle frame, which the set itself does not say.
 */
export const writeMmi = async (
  folder: string,
  size: MmiSize = {},
): Promise<{ readonly sessions: number; readonly frames: number }> => {
  const seed = size.seed ?? 1
  const jobs: (() => Promise<Frame[]>)[] = []
  let session = 100
  for (let subject = 0; subject < (size.subjects ?? 17); subject++) {
    mmiIds.forEach((expression, k) => {
      const number = ++session
      jobs.push(() => writeSession(folder, seed, subject, number, expression, k + 1))
    })
  }
  const frames = (await inTurn(jobs)).flat()
  const lines = frames.map((f) => `${f.session},${f.frame},${f.view},${f.emotion},${f.subject}`)
  await put(join(folder, "manifest.csv"), `session,frame,view,emotion,subject\n${lines.join("\n")}\n`)
  await note(folder, "MMI")
  return { sessions: jobs.length, frames: frames.length }
}

const writeSession = async (
  folder: string,
  seed: number,
  subject: number,
  session: number,
  expression: Expression,
  emotion: number,
): Promise<Frame[]> => {
  const key = `heldout/${seed}/mmi/${session}`
  const r = new Random(key)
  const intensity = r.range(0.6, 1)
  const spec = randomScene(key, {
    width: 360,
    height: 288,
    expression,
    identity: heldOutIdentity(seed, "mmi", subject),
    intensity,
    faceSize: [130, 165],
    maxYaw: 8,
    maxPitch: 6,
    maxRoll: 5,
    backdrop: "studio",
    occlusion: 0,
    wear: 0.6,
  })
  const apex = drawAction(expression, intensity, r.fork("action"))
  const face = spec.faces[0]
  const name = `S${String(subject + 1).padStart(3, "0")}`
  const frames: Frame[] = []
  for (let i = 0; i < course.length; i++) {
    const pose = {
      yaw: face.pose.yaw + r.normal(0, 0.7),
      pitch: face.pose.pitch + r.normal(0, 0.7),
      roll: face.pose.roll + r.normal(0, 0.7),
    }
    const action = course[i] === 0 ? restAction : partWay(apex, course[i])
    const scene = await renderScene({ ...spec, seed: `${key}/${i}`, faces: [{ ...face, action, pose }] })
    const file = `Sessions/${session}/${name}-${String(session).padStart(3, "0")}-${String(i + 1).padStart(4, "0")}.jpg`
    const jpeg = await sharp(scene.rgb, { raw: { width: scene.width, height: scene.height, channels: 3 } })
      .jpeg({ quality: 88 })
      .toBuffer()
    await put(join(folder, file), jpeg)
    frames.push({ session, frame: file, view: 0, emotion, subject: name })
  }
  const clip = `${name}-${String(session).padStart(3, "0")}`
  await put(
    join(folder, "Sessions", String(session), "session.xml"),
    `<?xml version="1.0" encoding="utf-8"?>\n<session sessionId="${session}">\n  <subject id="${name}" />\n  <track type="Video" filename="${clip}.avi" view="0" />\n</session>\n`,
  )
  await put(
    join(folder, "Sessions", String(session), `${clip}.xml`),
    `<?xml version="1.0" encoding="utf-8"?>\n<AnnotationOfFacialExpression>\n  <Metatag Name="Emotion" Value="${emotion}" />\n  <Metatag Name="Session" Value="${session}" />\n</AnnotationOfFacialExpression>\n`,
  )
  return frames
}
