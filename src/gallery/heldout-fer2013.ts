import { join } from "node:path"
import { randomScene } from "./compose.ts"
import {
  centreFace,
  fer2013Ids,
  greyCrop,
  heldOutIdentity,
  type HeldOutSize,
  inTurn,
  note,
  put,
} from "./heldout.ts"
import { Random } from "./random.ts"
import { renderScene } from "./scene.ts"

export interface Fer2013Size extends HeldOutSize {
  /** Rows labelled with each class; default 50. */
  readonly perClass?: number
}

/** Share of rows whose picture shows another class than its label says. */
export const fer2013LabelNoise = 0.03

/**
 * Writes `fer2013.csv` (`emotion,pixels,Usage`; 48 × 48 grey bytes, space-separated; ids as in FER2013) of
 * persons that the web corpus lacks: faces cropped with a small margin, wild pose and light, about 3 % of the
 * labels wrong. A tenth of the rows is Training, the rest PublicTest and PrivateTest by halves.
 */
export const writeFer2013 = async (
  folder: string,
  size: Fer2013Size = {},
): Promise<{ readonly path: string; readonly rows: number }> => {
  const seed = size.seed ?? 1
  const perClass = size.perClass ?? 50
  const order: { label: number; index: number; key: number }[] = []
  const shuffle = new Random(`heldout/${seed}/fer2013/order`)
  for (let label = 0; label < fer2013Ids.length; label++) {
    for (let index = 0; index < perClass; index++) order.push({ label, index, key: shuffle.next() })
  }
  order.sort((a, b) => a.key - b.key)
  const rows = await inTurn(
    order.map(({ label, index }, at) => async () => {
      const r = new Random(`heldout/${seed}/fer2013/${label}/${index}`)
      const meant = fer2013Ids[label]
      const shown = r.chance(fer2013LabelNoise) ? r.pick(fer2013Ids.filter((e) => e !== meant)) : meant
      const persons = Math.max(10, Math.round(perClass * 3))
      const spec = randomScene(`heldout/${seed}/fer2013/${label}/${index}`, {
        width: 128,
        height: 128,
        expression: shown,
        identity: heldOutIdentity(seed, "fer2013", r.int(0, persons - 1)),
        intensity: [0.65, 1],
        faceSize: [84, 96],
        wear: 1.1,
      })
      const scene = await renderScene(centreFace(spec, 0.5, 0.5))
      const pixels = await greyCrop(scene, 48, r.range(0.08, 0.28), [r.normal(0, 0.02), r.normal(0, 0.02)])
      const usage = at % 10 === 0 ? "Training" : at % 2 === 0 ? "PublicTest" : "PrivateTest"
      return `${label},${pixels.join(" ")},${usage}`
    }),
  )
  const path = join(folder, "fer2013.csv")
  await put(path, `emotion,pixels,Usage\n${rows.join("\n")}\n`)
  await note(folder, "FER2013")
  return { path, rows: rows.length }
}
