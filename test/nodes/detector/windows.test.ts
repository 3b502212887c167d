import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { landmarkError, matchFaces } from "../../../src/learning/mtcnn/detection-score.ts"
import {
  drawBackground,
  drawConfusing,
  drawNear,
  isInside,
} from "../../../src/learning/mtcnn/draw-windows.ts"
import {
  type Box,
  boxTargets,
  kindOf,
  landmarkTargets,
  nearestFace,
  overlap,
  type TrueFace,
  type Window,
  windowBox,
} from "../../../src/learning/mtcnn/windows.ts"
import { randomOf } from "../../../src/learning/random.ts"
import { regionOf } from "../../../src/nodes/detector/cascade.ts"
import { regress } from "../../../src/vision/mtcnn/boxes.ts"

const side = fc.double({ min: 1, max: 200, noNaN: true })
const place = fc.double({ min: -100, max: 300, noNaN: true })
const box: fc.Arbitrary<Box> = fc
  .tuple(place, place, side, side)
  .map(([x, y, w, h]) => [x, y, x + w, y + h] as const)
const window: fc.Arbitrary<Window> = fc.record({ left: place, top: place, side })

const faceAt = (x: number, y: number, width: number, height: number): TrueFace => ({
  box: [x, y, x + width, y + height],
  landmarks: [
    [x + 0.3 * width, y + 0.4 * height],
    [x + 0.7 * width, y + 0.4 * height],
    [x + 0.5 * width, y + 0.6 * height],
    [x + 0.35 * width, y + 0.8 * height],
    [x + 0.65 * width, y + 0.8 * height],
  ],
})

describe("overlap", () => {
  it("is symmetric, between 0 and 1, and 1 only for the same box", () => {
    fc.assert(
      fc.property(box, box, (a, b) => {
        const value = overlap(a, b)
        expect(value).toBe(overlap(b, a))
        expect(value).toBeGreaterThanOrEqual(0)
        expect(value).toBeLessThanOrEqual(1)
        expect(overlap(a, a)).toBeCloseTo(1, 12)
      }),
    )
  })

  it("does not change when both boxes are moved and scaled alike", () => {
    fc.assert(
      fc.property(box, box, place, fc.double({ min: 0.1, max: 10, noNaN: true }), (a, b, d, s) => {
        const change = ([x1, y1, x2, y2]: Box): Box => [x1 * s + d, y1 * s - d, x2 * s + d, y2 * s - d]
        expect(overlap(change(a), change(b))).toBeCloseTo(overlap(a, b), 6)
      }),
    )
  })

  it("counts known pairs", () => {
    expect(overlap([0, 0, 10, 10], [5, 0, 15, 10])).toBeCloseTo(1 / 3, 12)
    expect(overlap([0, 0, 10, 10], [10, 0, 20, 10])).toBe(0)
    expect(overlap([0, 0, 10, 10], [0, 0, 10, 5])).toBe(0.5)
  })
})

describe("kinds of windows", () => {
  it("go by the overlap with the nearest face", () => {
    expect([0, 0.29, 0.3, 0.39, 0.4, 0.65, 0.66, 1].map(kindOf)).toEqual([
      "negative",
      "negative",
      undefined,
      undefined,
      "part",
      "part",
      "positive",
      "positive",
    ])
  })

  it("are judged by the face that overlaps most", () => {
    const faces = [faceAt(0, 0, 40, 50), faceAt(60, 0, 40, 50)]
    expect(nearestFace([58, 0, 102, 50], faces).index).toBe(1)
    expect(nearestFace([200, 0, 240, 40], faces)).toEqual({ index: -1, overlap: 0 })
  })
})

describe("targets", () => {
  // What the cascade does with an output, by its own function: P-Net's cells are 11/12 of what they see.
  const applied = (net: "pnet" | "rnet" | "onet", { left, top, side }: Window, offsets: Array<number>) => {
    const near = net === "pnet" ? side / 12 - 0.5 : 1
    const far = net === "pnet" ? side - 0.5 : side
    const boxes = {
      count: 1,
      xyxy: Float32Array.of(left + near, top + near, left + far, top + far),
      scores: Float32Array.of(1),
      offsets: Float32Array.from(offsets),
    }
    return [...regress(boxes, net === "pnet" ? 0 : 1).xyxy]
  }

  it.each(["pnet", "rnet"] as const)("of %s make the next stage look at the face itself", (net) => {
    fc.assert(
      fc.property(
        window.filter((w) => w.side >= 12),
        fc.integer({ min: 20, max: 60 }),
        fc.integer({ min: 20, max: 60 }),
        fc.integer({ min: 12, max: 60 }),
        (w, x, y, size) => {
          const face = faceAt(x, y, size, size)
          const [x1, y1, x2, y2] = applied(net, w, boxTargets(net, w, face))
          expect(y1 - x1).toBeCloseTo(y - x, 2)
          expect(y2 - x2).toBeCloseTo(y - x, 2)
          // The cascade's square box as a window of ours; half pixels are on their way to being cut.
          const region = regionOf(
            { left: x1 - 1, top: y1 - 1, side: x2 - x1 + 1 },
            { width: 200, height: 200 },
          )
          expect(region).toEqual({ x, y, width: size, height: size })
        },
      ),
      { numRuns: 200 },
    )
  })

  it("of onet give the box and the points in the detector's coordinates", () => {
    const w: Window = { left: 10, top: 20, side: 50 }
    const face = faceAt(15, 22, 36, 44)
    expect(applied("onet", w, boxTargets("onet", w, face)).map((v) => v + 0.5)).toEqual(
      face.box.map((v) => expect.closeTo(v, 4)),
    )
    const points = landmarkTargets(w, face)
    // As the cascade reads them: x · side + left, the first pixel's centre being 0.
    expect(points.slice(0, 5).map((v) => v * 50 + 10 + 0.5)).toEqual(
      face.landmarks.map(([x]) => expect.closeTo(x, 9)),
    )
    expect(points.slice(5).map((v) => v * 50 + 20 + 0.5)).toEqual(
      face.landmarks.map(([, y]) => expect.closeTo(y, 9)),
    )
  })
})

describe("windows drawn at random", () => {
  const extent = { width: 200, height: 150 }
  const faces = [faceAt(30, 40, 40, 50), faceAt(120, 30, 60, 78)]

  it("of the background touch no face by 0.3 or more and stay inside", () => {
    const windows = drawBackground(randomOf("test", 1), extent, faces, 200, 12)
    expect(windows.length).toBeGreaterThan(150)
    for (const w of windows) {
      expect(isInside(w, extent)).toBe(true)
      expect(nearestFace(windowBox(w), faces).overlap).toBeLessThan(0.3)
    }
  })

  it("ask nothing of a picture smaller than the least window", () => {
    expect(drawBackground(randomOf("test", 1), { width: 10, height: 50 }, [], 5, 12)).toEqual([])
  })

  it("near a face are mostly positives and parts with a small spread, mostly others with a large one", () => {
    const random = randomOf("test", 2)
    const share = (spread: number, kinds: ReadonlyArray<string | undefined>): number => {
      const all = Array.from({ length: 500 }, () =>
        kindOf(overlap(windowBox(drawNear(random, faces[1], spread)), faces[1].box)),
      )
      return all.filter((kind) => kinds.includes(kind)).length / all.length
    }
    expect(share(0.12, ["positive", "part"])).toBeGreaterThan(0.9)
    expect(share(0.12, ["positive"])).toBeGreaterThan(0.25)
    expect(share(0.6, ["negative", undefined])).toBeGreaterThan(0.5)
  })

  it("to confuse are much smaller or larger than the face", () => {
    const random = randomOf("test", 3)
    for (let i = 0; i < 200; i++) {
      const { side } = drawConfusing(random, faces[1])
      expect(side < 0.62 * 78 || side > 1.58 * 78).toBe(true)
    }
  })

  it("come from the seed alone", () => {
    const draw = (seed: number) => drawBackground(randomOf("test", seed), extent, faces, 5, 12)
    expect(draw(4)).toEqual(draw(4))
    expect(draw(4)).not.toEqual(draw(5))
  })
})

describe("matching", () => {
  const truth = [faceAt(0, 0, 40, 50), faceAt(100, 0, 40, 50)]
  const at = (x: number, score: number) => ({ box: [x, 0, x + 40, 50] as Box, score })

  it("gives each true face its best find, and calls second finds and far ones wrong", () => {
    const found = [at(4, 0.8), at(0, 0.9), at(300, 0.99), at(104, 0.7)]
    expect(matchFaces(truth, found)).toEqual({ found: [1, 3], wrong: [2, 0] })
  })

  it("never gives a find away twice and leaves none out", () => {
    fc.assert(
      fc.property(fc.array(box, { maxLength: 6 }), fc.array(box, { maxLength: 6 }), (a, b) => {
        const { found, wrong } = matchFaces(
          a.map((box) => ({ box })),
          b.map((box, i) => ({ box, score: i / 10 })),
          0.3,
        )
        const used = [...found.filter((i) => i >= 0), ...wrong].sort((x, y) => x - y)
        expect(used).toEqual(b.map((_, i) => i))
      }),
    )
  })

  it("measures landmarks against the distance of the eyes", () => {
    const { landmarks } = faceAt(0, 0, 50, 50)
    expect(landmarkError(landmarks, landmarks)).toBe(0)
    expect(
      landmarkError(
        landmarks,
        landmarks.map(([x, y]) => [x + 2, y] as const),
      ),
    ).toBeCloseTo(0.1, 12)
  })
})
