import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  alignFace,
  faceTemplate,
  invertSimilarity,
  mapPoint,
  similarityBetween,
  templatePoints,
  warp,
  type FivePoints,
  type Point,
  type Similarity,
} from "../../src/vision/align.ts"
import { measureQuality } from "../../src/vision/quality.ts"
import { raster } from "../../src/vision/raster.ts"
import { waves } from "./data.ts"

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true })
const points = fc.array(fc.tuple(number(-500, 500), number(-500, 500)), { minLength: 2, maxLength: 8 })
const similarity: fc.Arbitrary<Similarity> = fc
  .record({
    scale: number(0.05, 20),
    angle: number(-Math.PI, Math.PI),
    tx: number(-900, 900),
    ty: number(-900, 900),
  })
  .map(({ scale, angle, tx, ty }) => ({ a: scale * Math.cos(angle), b: scale * Math.sin(angle), tx, ty }))

const spread = (list: ReadonlyArray<Point>) =>
  Math.max(...list.map((p) => Math.hypot(p[0] - list[0][0], p[1] - list[0][1])))
const move = (s: Similarity, [e, f, n, l, r]: FivePoints): FivePoints => [
  mapPoint(s, e),
  mapPoint(s, f),
  mapPoint(s, n),
  mapPoint(s, l),
  mapPoint(s, r),
]

describe("similarity transforms", () => {
  it("are recovered from the points they moved", () => {
    fc.assert(
      fc.property(points, similarity, (from, s) => {
        fc.pre(spread(from) > 1)
        const found = similarityBetween(
          from,
          from.map((p) => mapPoint(s, p)),
        )
        for (const p of from) {
          const wanted = mapPoint(s, p)
          const got = mapPoint(found, p)
          expect(Math.hypot(wanted[0] - got[0], wanted[1] - got[1])).toBeLessThan(1e-6)
        }
      }),
    )
  })

  it("are least squares: no nearby similarity fits better", () => {
    fc.assert(
      fc.property(
        points,
        fc.infiniteStream(number(-30, 30)),
        number(-0.1, 0.1),
        number(-0.1, 0.1),
        number(-5, 5),
        number(-5, 5),
        (from, noise, da, db, dx, dy) => {
          fc.pre(spread(from) > 1)
          const to = from.map(([x, y]): Point => [
            0.5 * x - y + noise.next().value,
            x + 0.5 * y + noise.next().value,
          ])
          const error = (s: Similarity) =>
            from.reduce((sum, p, i) => {
              const [x, y] = mapPoint(s, p)
              return sum + (x - to[i][0]) ** 2 + (y - to[i][1]) ** 2
            }, 0)
          const s = similarityBetween(from, to)
          const other = { a: s.a + da, b: s.b + db, tx: s.tx + dx, ty: s.ty + dy }
          expect(error(s)).toBeLessThanOrEqual(error(other) * (1 + 1e-9) + 1e-6)
        },
      ),
    )
  })

  it("are undone by their inverse", () => {
    fc.assert(
      fc.property(similarity, number(-500, 500), number(-500, 500), (s, x, y) => {
        const [u, v] = mapPoint(invertSimilarity(s), mapPoint(s, [x, y]))
        expect(Math.hypot(u - x, v - y)).toBeLessThan(1e-6)
      }),
    )
  })

  it("refuse points that coincide or are not numbers", () => {
    expect(() =>
      similarityBetween(
        [
          [1, 1],
          [1, 1],
        ],
        [
          [0, 0],
          [1, 1],
        ],
      ),
    ).toThrow("coincide")
    expect(() =>
      similarityBetween(
        [
          [Number.NaN, 1],
          [1, 1],
        ],
        [
          [0, 0],
          [1, 1],
        ],
      ),
    ).toThrow(RangeError)
    expect(() => similarityBetween([[1, 1]], [[0, 0]])).toThrow("two or more")
  })
})

describe("aligning", () => {
  it("of a face already in place changes no pixel", () => {
    const image = waves(112, 112, 3, 2)
    expect(alignFace(image, faceTemplate).data).toEqual(image.data)
  })

  it("keeps the crop's centre with a margin and scales with the size", () => {
    templatePoints(112, 0).forEach((p, i) => {
      expect(p[0]).toBeCloseTo(faceTemplate[i][0], 9)
      expect(p[1]).toBeCloseTo(faceTemplate[i][1], 9)
    })
    const wide = templatePoints(112, 0.25)
    faceTemplate.forEach((p, i) => {
      expect(wide[i][0] - 55.5).toBeCloseTo((p[0] - 55.5) / 1.5, 9)
      expect(wide[i][1] - 55.5).toBeCloseTo((p[1] - 55.5) / 1.5, 9)
    })
    const half = templatePoints(56, 0)
    faceTemplate.forEach((p, i) => expect(half[i][0] - 27.5).toBeCloseTo((p[0] - 55.5) / 2, 9))
  })

  it("lands the five points on the template, however face lies, and whatever the size", () => {
    // A bright spot on each point must be found where the template says.
    fc.assert(
      fc.property(
        number(0.6, 9),
        number(-Math.PI, Math.PI),
        fc.constantFrom(64, 112, 160),
        number(0, 0.4),
        (scale, angle, size, margin) => {
          const a = scale * Math.cos(angle)
          const b = scale * Math.sin(angle)
          const side = Math.ceil(112 * scale * 1.5)
          const [cx, cy] = mapPoint({ a, b, tx: 0, ty: 0 }, [55.5, 55.5])
          const five = move({ a, b, tx: side / 2 - cx, ty: side / 2 - cy }, faceTemplate)
          const targets = templatePoints(size, margin)
          // Spots as wide as about two output pixels: a Gaussian in the source.
          const width = Math.max(1.5, (2 * scale * 112 * (1 + 2 * margin)) / size)
          for (let k = 0; k < 5; k++) {
            const image = raster(side, side, 1)
            const [px, py] = five[k]
            const reach = Math.ceil(4 * width)
            for (let y = Math.max(0, Math.floor(py) - reach); y < Math.min(side, py + reach); y++) {
              for (let x = Math.max(0, Math.floor(px) - reach); x < Math.min(side, px + reach); x++) {
                image.data[y * side + x] =
                  255 * Math.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * width * width))
              }
            }
            const out = alignFace(image, five, { size, margin })
            let sum = 0
            let sx = 0
            let sy = 0
            out.data.forEach((v, i) => {
              sum += v
              sx += v * (i % size)
              sy += v * Math.floor(i / size)
            })
            expect(Math.hypot(sx / sum - targets[k][0], sy / sum - targets[k][1])).toBeLessThan(0.1)
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  it("is zero where the view leaves the picture", () => {
    const white = raster(112, 112, 3, new Uint8Array(112 * 112 * 3).fill(255))
    const out = alignFace(white, faceTemplate, { margin: 0.5 })
    expect([...out.data.subarray(0, 3)]).toEqual([0, 0, 0])
    const middle = (56 * 112 + 56) * 3
    expect([...out.data.subarray(middle, middle + 3)]).toEqual([255, 255, 255])
    const away = warp(white, { a: 1, b: 0, tx: 5000, ty: 0 }, 20, 20)
    expect(away.data.every((v) => v === 0)).toBe(true)
    const farSmall = warp(white, { a: 0.1, b: 0, tx: 5000, ty: 0 }, 20, 20)
    expect(farSmall.data.every((v) => v === 0)).toBe(true)
  })

  it("shrinks without aliasing: a fine checkerboard becomes grey", () => {
    const side = 896
    const board = raster(side, side, 1)
    for (let i = 0; i < board.data.length; i++)
      board.data[i] = ((i % side) + Math.floor(i / side)) % 2 === 0 ? 255 : 0
    const out = alignFace(board, move({ a: 8, b: 0, tx: 3.5, ty: 3.5 }, faceTemplate))
    expect(out.data.every((v) => v > 120 && v < 135)).toBe(true)
  })

  it("refuses bad sizes", () => {
    const image = waves(20, 20, 1, 1)
    expect(() => alignFace(image, faceTemplate, { size: 0 })).toThrow(RangeError)
    expect(() => alignFace(image, faceTemplate, { margin: -0.5 })).toThrow(RangeError)
  })
})

describe("quality", () => {
  it("measures what its words say", () => {
    const flat = measureQuality(raster(9, 9, 3, new Uint8Array(243).fill(70)))
    expect(flat).toEqual({ sharpness: 0, luminance: 70, contrast: 0 })
    const halves = raster(
      8,
      8,
      1,
      Uint8Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 0 : 255)),
    )
    expect(measureQuality(halves)).toMatchObject({ luminance: 127.5, contrast: 127.5 })
    // Of the six inner columns two see the edge: Laplacian +255 and −255, the mean square 2/6 of 255².
    expect(measureQuality(halves).sharpness).toBeCloseTo((255 * 255) / 3, 6)
  })

  it("finds a blurred picture less sharp, and takes pictures of one pixel", () => {
    const sharp = waves(100, 80, 1, 3)
    const blurred = warp(
      warp(sharp, { a: 0.25, b: 0, tx: 0, ty: 0 }, 25, 20),
      { a: 4, b: 0, tx: 1.5, ty: 1.5 },
      100,
      80,
    )
    const inner = (r: typeof sharp) => measureQuality(r).sharpness
    expect(inner(blurred)).not.toBe(inner(sharp))
    expect(measureQuality(raster(1, 1, 1, Uint8Array.of(9)))).toEqual({
      sharpness: 0,
      luminance: 9,
      contrast: 0,
    })
  })
})
