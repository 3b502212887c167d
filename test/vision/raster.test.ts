import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { crop, raster, toGray, toRgb, type Raster } from "../../src/vision/raster.ts"
import { resize, resizeArea, resizeBilinear } from "../../src/vision/resize.ts"
import { waves } from "./data.ts"

const gray = (rows: ReadonlyArray<ReadonlyArray<number>>): Raster =>
  raster(rows[0].length, rows.length, 1, Uint8Array.from(rows.flat()))

const anyRaster = fc
  .record({
    width: fc.integer({ min: 1, max: 24 }),
    height: fc.integer({ min: 1, max: 24 }),
    rgb: fc.boolean(),
  })
  .chain(({ width, height, rgb }) =>
    fc
      .uint8Array({ minLength: width * height * (rgb ? 3 : 1), maxLength: width * height * (rgb ? 3 : 1) })
      .map((data) => raster(width, height, rgb ? 3 : 1, data)),
  )
const sides = fc.integer({ min: 1, max: 40 })

describe("rasters", () => {
  it("refuse sizes that their data do not have", () => {
    expect(() => raster(2, 2, 3, new Uint8Array(11))).toThrow("needs 12 bytes, not 11")
    expect(() => raster(0, 2, 1)).toThrow(RangeError)
    expect(() => raster(1.5, 2, 1)).toThrow(RangeError)
  })

  it("become grey by BT.601", () => {
    const colours = raster(4, 1, 3, Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 20, 30))
    expect([...toGray(colours).data]).toEqual([76, 150, 29, 18])
  })

  it("keep every grey value through RGB and back", () => {
    const all = raster(
      256,
      1,
      1,
      Uint8Array.from({ length: 256 }, (_, i) => i),
    )
    expect(toGray(toRgb(all)).data).toEqual(all.data)
  })

  it("crop to what is inside and zero outside, at any place", () => {
    fc.assert(
      fc.property(
        anyRaster,
        fc.integer({ min: -30, max: 30 }),
        fc.integer({ min: -30, max: 30 }),
        sides,
        sides,
        (image, x, y, w, h) => {
          const out = crop(image, x, y, w, h)
          for (let v = 0; v < h; v++) {
            for (let u = 0; u < w; u++) {
              for (let c = 0; c < image.channels; c++) {
                const sx = x + u
                const sy = y + v
                const inside = sx >= 0 && sy >= 0 && sx < image.width && sy < image.height
                const wanted = inside ? image.data[(sy * image.width + sx) * image.channels + c] : 0
                expect(out.data[(v * w + u) * image.channels + c]).toBe(wanted)
              }
            }
          }
        },
      ),
    )
    expect(() => crop(waves(4, 4, 1, 1), 0.5, 0, 2, 2)).toThrow(RangeError)
  })
})

describe("resizing", () => {
  it("by area gives the exact mean of whole blocks and of shares of pixels", () => {
    expect([
      ...resizeArea(
        gray([
          [0, 10, 20, 30],
          [40, 50, 60, 70],
        ]),
        2,
        1,
      ).data,
    ]).toEqual([25, 45])
    // 3 → 2: each output covers one and a half pixels.
    expect([...resizeArea(gray([[0, 90, 240]]), 2, 1).data]).toEqual([30, 190])
  })

  it("bilinear puts pixel centres at halves and repeats the edges", () => {
    expect([...resizeBilinear(gray([[0, 100]]), 4, 1).data]).toEqual([0, 25, 75, 100])
    expect([...resizeBilinear(gray([[0], [100]]), 1, 4).data]).toEqual([0, 25, 75, 100])
  })

  it("stays within the range of the input, keeps flat pictures flat, and the sizes asked for", () => {
    fc.assert(
      fc.property(
        anyRaster,
        sides,
        sides,
        fc.constantFrom(resize, resizeArea, resizeBilinear),
        (image, w, h, how) => {
          const out = how(image, w, h)
          const low = Math.min(...image.data)
          const high = Math.max(...image.data)
          expect([out.width, out.height, out.data.length]).toEqual([w, h, w * h * image.channels])
          expect(out.data.every((v) => v >= low && v <= high)).toBe(true)
        },
      ),
    )
  })

  it("treats channels alike and axes alike", () => {
    fc.assert(
      fc.property(sides, sides, fc.constantFrom(resize, resizeArea, resizeBilinear), (w, h, how) => {
        const image = waves(17, 13, 1, 3)
        const transpose = (r: Raster) => {
          const data = new Uint8Array(r.data.length)
          for (let y = 0; y < r.height; y++) {
            for (let x = 0; x < r.width; x++) data[x * r.height + y] = r.data[y * r.width + x]
          }
          return raster(r.height, r.width, 1, data)
        }
        const out = how(image, w, h)
        expect(how(toRgb(image), w, h)).toEqual(toRgb(out))
        const turned = transpose(how(transpose(image), h, w)).data
        // The order of the two passes may turn a rounding, no more.
        expect(out.data.every((v, i) => Math.abs(v - turned[i]) <= 1)).toBe(true)
      }),
    )
  })

  it("by area keeps the mean", () => {
    const image = waves(64, 48, 1, 9)
    const mean = (r: Raster) => r.data.reduce((s, v) => s + v, 0) / r.data.length
    expect(Math.abs(mean(resizeArea(image, 13, 7)) - mean(image))).toBeLessThan(0.5)
  })
})
