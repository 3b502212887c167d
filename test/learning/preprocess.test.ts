import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { imagesOf } from "../../src/learning/images.ts"
import { fitPreprocessing, normalise, perPicture } from "../../src/learning/preprocess.ts"

const pictures = fc.record({
  data: fc.uint8Array({ minLength: 2 * 4 * 4, maxLength: 2 * 4 * 4 }),
})

describe("normalising each picture by itself", () => {
  it("gives every picture mean 0 and a deviation of at most 1", () => {
    fc.assert(
      fc.property(pictures, ({ data }) => {
        const images = imagesOf(data, { height: 4, width: 4, channels: 1 })
        const out = normalise(images, perPicture(1))
        for (const start of [0, 16]) {
          const values = [...out.subarray(start, start + 16)]
          const mean = values.reduce((a, b) => a + b, 0) / 16
          expect(Math.abs(mean)).toBeLessThan(1e-5)
          expect(values.reduce((a, b) => a + b * b, 0) / 16).toBeLessThanOrEqual(1 + 1e-5)
        }
      }),
    )
  })

  it("does not see how bright a picture is, nor what its neighbours are", () => {
    const one = Uint8Array.from({ length: 16 }, (_, i) => 40 + ((i * 37) % 90))
    const brighter = one.map((v) => v + 60)
    const both = normalise(
      imagesOf(Uint8Array.from([...one, ...brighter]), { height: 4, width: 4, channels: 1 }),
      perPicture(1),
    )
    expect([...both.subarray(0, 16)].map((v) => v.toFixed(5))).toEqual(
      [...both.subarray(16)].map((v) => v.toFixed(5)),
    )
    const alone = normalise(imagesOf(one, { height: 4, width: 4, channels: 1 }), perPicture(1))
    expect([...alone]).toEqual([...both.subarray(0, 16)])
  })

  it("is not the same as normalising by the set", () => {
    const data = Uint8Array.from({ length: 32 }, (_, i) => (i < 16 ? i : 200 + i))
    const images = imagesOf(data, { height: 4, width: 4, channels: 1 })
    expect([...normalise(images, perPicture(1))]).not.toEqual([
      ...normalise(images, fitPreprocessing(images)),
    ])
  })
})
