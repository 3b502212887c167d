import { createHash } from "node:crypto"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { backdrops } from "../../src/gallery/background.ts"
import { drawAction, expressions, restAction } from "../../src/gallery/expression.ts"
import { drawIdentity } from "../../src/gallery/identity.ts"
import { Random } from "../../src/gallery/random.ts"
import { measureFace, randomScene, renderScene, type SceneSpec } from "../../src/gallery/scene.ts"

const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** A plain frontal scene without camera flaws, whose one face can be changed. */
const plain = (seed: string, change: Partial<SceneSpec["faces"][number]> = {}): SceneSpec => {
  const spec = randomScene(seed, {
    expression: "neutral",
    identity: seed,
    faceSize: [150, 150],
    maxYaw: 0,
    maxPitch: 0,
    maxRoll: 0,
    occlusion: 0,
  })
  return {
    ...spec,
    faces: [{ ...spec.faces[0], action: restAction, gaze: { x: 0, y: 0 }, ...change }],
    light: { ...spec.light, strength: 0 },
    camera: { blur: 0, noise: 0, grey: false, exposure: 1, contrast: 1, tint: [1, 1, 1] },
  }
}

/** The first person of a series that wears nothing on the face. */
const bareFace = (from = 0): string => {
  for (let i = from; ; i++) {
    const person = drawIdentity(`bare/${i}`)
    if (person.glasses === "none" && person.headwear === "none" && person.hairStyle === "short")
      return `bare/${i}`
  }
}

const luminance = (rgb: Uint8Array, width: number, x: number, y: number): number => {
  const o = (Math.round(y) * width + Math.round(x)) * 3
  return 0.299 * rgb[o] + 0.587 * rgb[o + 1] + 0.114 * rgb[o + 2]
}

describe("random", () => {
  it("gives the same stream for the same seed and another for another", () => {
    const stream = (seed: string): number[] =>
      Array.from(
        { length: 8 },
        (
          (r) => () =>
            r.uint32()
        )(new Random(seed)),
      )
    expect(stream("a")).toEqual(stream("a"))
    expect(stream("a")).not.toEqual(stream("b"))
  })

  it("is uniform enough: mean and spread of 20,000 draws", () => {
    const r = new Random("uniform")
    const draws = Array.from({ length: 20_000 }, () => r.next())
    const mean = draws.reduce((a, b) => a + b, 0) / draws.length
    const variance = draws.reduce((a, b) => a + (b - mean) ** 2, 0) / draws.length
    expect(mean).toBeCloseTo(0.5, 1)
    expect(variance).toBeCloseTo(1 / 12, 2)
  })

  it("draws by weight", () => {
    const r = new Random("weights")
    const counts = { a: 0, b: 0 }
    for (let i = 0; i < 4000; i++)
      counts[
        r.weighted([
          ["a", 1],
          ["b", 3],
        ] as const)
      ]++
    expect(counts.b / counts.a).toBeGreaterThan(2.6)
    expect(counts.b / counts.a).toBeLessThan(3.4)
  })
})

describe("renderScene", () => {
  it("gives the same bytes for the same seed and others for another", async () => {
    const options = { width: 120, height: 100, faces: 2, faceSize: [30, 50], distractors: 2 } as const
    const [a, b, c] = await Promise.all([
      renderScene(randomScene("one", options)),
      renderScene(randomScene("one", options)),
      renderScene(randomScene("two", options)),
    ])
    expect(digest(a.rgb)).toBe(digest(b.rgb))
    expect(a.faces).toEqual(b.faces)
    expect(digest(a.rgb)).not.toBe(digest(c.rgb))
    expect(a.rgb.length).toBe(120 * 100 * 3)
  })

  it("survives a round trip of its spec through JSON", async () => {
    const spec = randomScene("json", { width: 90, height: 90 })
    const copy: SceneSpec = JSON.parse(JSON.stringify(spec))
    expect(digest((await renderScene(copy)).rgb)).toBe(digest((await renderScene(spec)).rgb))
  })

  it("draws every backdrop and scenes without a face", async () => {
    for (const backdrop of backdrops) {
      const scene = await renderScene(
        randomScene(`backdrop ${backdrop}`, { width: 64, height: 48, faces: 0, distractors: 2, backdrop }),
      )
      expect(scene.faces).toEqual([])
      expect(scene.rgb.length).toBe(64 * 48 * 3)
    }
  })

  it("puts dark pupils where the eyes are said to be", async () => {
    for (let k = 0; k < 4; k++) {
      const scene = await renderScene(plain(bareFace(k * 7)))
      const face = scene.faces[0]
      const [left, right, nose] = face.landmarks
      for (const eye of [left, right]) {
        const cheek = luminance(scene.rgb, scene.width, eye[0], nose[1] - 4)
        expect(luminance(scene.rgb, scene.width, eye[0], eye[1])).toBeLessThan(cheek * 0.6)
      }
    }
  })

  it("moves pupils with the landmarks when the head rolls", async () => {
    const person = bareFace()
    const upright = plain(person)
    const tilted = plain(person, { pose: { yaw: 0, pitch: 0, roll: 25 } })
    const [a, b] = await Promise.all([renderScene(upright), renderScene(tilted)])
    const [al, ar] = a.faces[0].landmarks
    const [bl, br] = b.faces[0].landmarks
    const angle =
      (Math.atan2(br[1] - bl[1], br[0] - bl[0]) - Math.atan2(ar[1] - al[1], ar[0] - al[0])) * (180 / Math.PI)
    expect(angle).toBeCloseTo(25, 5)
    expect(Math.hypot(br[0] - bl[0], br[1] - bl[1])).toBeCloseTo(Math.hypot(ar[0] - al[0], ar[1] - al[1]), 6)
    for (const eye of [bl, br]) expect(luminance(b.rgb, b.width, eye[0], eye[1])).toBeLessThan(90)
  })

  it("turns the nose further than the eyes when the head yaws", () => {
    const person = bareFace()
    const at = (yaw: number) =>
      measureFace(plain(person, { pose: { yaw, pitch: 0, roll: 0 } }).faces[0]).landmarks
    const [front, turned] = [at(0), at(20)]
    const shift = (i: number): number => turned[i][0] - front[i][0]
    expect(shift(2)).toBeGreaterThan((shift(0) + shift(1)) / 2)
    expect(shift(2)).toBeGreaterThan(5)
  })
})

describe("ground truth", () => {
  it("keeps landmarks inside the box, in order and inside the picture", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 8 }),
        fc.constantFrom(...expressions),
        fc.double({ min: 20, max: 150, noNaN: true }),
        (seed, expression, size) => {
          const spec = randomScene(seed, { width: 240, height: 240, expression, faceSize: [size, size] })
          for (const face of spec.faces) {
            const { box, landmarks } = measureFace(face)
            const [x1, y1, x2, y2] = box
            const [le, re, nose, lm, rm] = landmarks
            for (const [x, y] of landmarks) {
              expect(x).toBeGreaterThan(Math.max(0, x1))
              expect(x).toBeLessThan(Math.min(240, x2))
              expect(y).toBeGreaterThan(Math.max(0, y1))
              expect(y).toBeLessThan(Math.min(240, y2))
            }
            expect(le[0]).toBeLessThan(re[0])
            expect(lm[0]).toBeLessThan(rm[0])
            expect(nose[1]).toBeGreaterThan(Math.min(le[1], re[1]))
            expect((lm[1] + rm[1]) / 2).toBeGreaterThan(nose[1] - 0.06 * size)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it("has the proportions that MTCNN's boxes have on photographs", () => {
    // Quartiles of 608 reference faces: eyes at 0.36–0.41 of the height, mouth at 0.74–0.79, width 0.75–0.83.
    const shares: number[][] = []
    for (let i = 0; i < 200; i++) {
      const { box, landmarks } = measureFace(
        randomScene(`proportion ${i}`, { expression: "neutral" }).faces[0],
      )
      const height = box[3] - box[1]
      const y = (a: number, b: number): number => ((landmarks[a][1] + landmarks[b][1]) / 2 - box[1]) / height
      shares.push([y(0, 1), y(3, 4), (box[2] - box[0]) / height])
    }
    const mean = (k: number): number => shares.reduce((sum, s) => sum + s[k], 0) / shares.length
    expect(mean(0)).toBeGreaterThan(0.33)
    expect(mean(0)).toBeLessThan(0.43)
    expect(mean(1)).toBeGreaterThan(0.71)
    expect(mean(1)).toBeLessThan(0.81)
    expect(mean(2)).toBeGreaterThan(0.73)
    expect(mean(2)).toBeLessThan(0.86)
  })

  it("places several faces of many sizes without covering one by another", () => {
    let many = 0
    const sizes: number[] = []
    for (let i = 0; i < 40; i++) {
      const { faces } = randomScene(`crowd ${i}`, {
        width: 480,
        height: 360,
        faces: [2, 6],
        faceSize: [20, 200],
      })
      if (faces.length > 1) many++
      const boxes = faces.map((face) => measureFace(face).box)
      sizes.push(...faces.map((face) => face.size))
      boxes.forEach((a, k) => {
        for (const b of boxes.slice(k + 1)) {
          const wide = Math.min(a[2], b[2]) - Math.max(a[0], b[0])
          const high = Math.min(a[3], b[3]) - Math.max(a[1], b[1])
          expect(wide > 0 && high > 0).toBe(false)
        }
      })
    }
    expect(many).toBeGreaterThan(25)
    expect(Math.min(...sizes)).toBeLessThan(30)
    expect(Math.max(...sizes)).toBeGreaterThan(120)
  })
})

describe("expressions", () => {
  const mean = (expression: (typeof expressions)[number], unit: 1 | 4 | 9 | 12 | 15 | 20 | 26): number => {
    let sum = 0
    for (let i = 0; i < 100; i++)
      sum += drawAction(expression, 1, new Random(`${expression} ${i}`)).units[unit] ?? 0
    return sum / 100
  }

  it("use the action units of the prototypes", () => {
    expect(mean("happiness", 12)).toBeGreaterThan(0.8)
    expect(mean("sadness", 15)).toBeGreaterThan(0.7)
    expect(mean("anger", 4)).toBeGreaterThan(0.8)
    expect(mean("disgust", 9)).toBeGreaterThan(0.6)
    expect(mean("fear", 20)).toBeGreaterThan(0.7)
    expect(mean("surprise", 26)).toBeGreaterThan(mean("fear", 26))
    expect(mean("neutral", 12)).toBeLessThan(0.1)
  })

  it("grow with the intensity", () => {
    for (const expression of expressions) {
      if (expression === "neutral") continue
      const total = (intensity: number): number =>
        Object.values(drawAction(expression, intensity, new Random("same")).units).reduce((a, b) => a + b, 0)
      expect(total(1)).toBeGreaterThan(total(0.4))
    }
  })

  it("raise the mouth's corners in happiness and lower them in sadness, in the landmarks too", () => {
    const corners = (expression: "happiness" | "sadness" | "neutral"): number => {
      let sum = 0
      for (let i = 0; i < 30; i++) {
        const spec = plain(`mouth ${i}`, {
          action: expression === "neutral" ? restAction : drawAction(expression, 1, new Random(`${i}`)),
          expression,
        })
        const { landmarks } = measureFace(spec.faces[0])
        sum += (landmarks[3][1] + landmarks[4][1]) / 2 - landmarks[2][1]
      }
      return sum / 30
    }
    expect(corners("happiness")).toBeLessThan(corners("neutral") - 2)
    expect(corners("sadness")).toBeGreaterThan(corners("neutral") + 2)
  })

  it("open the mouth dark or toothed where the jaw drops", async () => {
    const person = bareFace()
    const wide = plain(person, { action: { units: { 25: 1, 27: 1 }, asymmetry: 0 } })
    const [open, shut] = await Promise.all([renderScene(wide), renderScene(plain(person))])
    const middle = (scene: typeof open): number => {
      const [, , , l, r] = scene.faces[0].landmarks
      return luminance(scene.rgb, scene.width, (l[0] + r[0]) / 2, (l[1] + r[1]) / 2 + 2)
    }
    expect(Math.abs(middle(open) - middle(shut))).toBeGreaterThan(25)
    expect(open.faces[0].box[3]).toBeGreaterThan(shut.faces[0].box[3] + 5)
  })
})
