import { describe, expect, it } from "vitest"
import { decodeImage } from "../../src/vision/decode.ts"
import { duplicateClusters, duplicateDefaults, lookOf, type Look } from "../../src/vision/duplicates.ts"
import { encodeJpeg } from "../../src/vision/encode.ts"
import { crop, raster, type Raster } from "../../src/vision/raster.ts"
import { resize } from "../../src/vision/resize.ts"
import { thumbnail, thumbnailSimilarity } from "../../src/vision/thumbnail.ts"
import { blobs, facePairs, hasData } from "./data.ts"

const similarity = (a: Raster, b: Raster) => thumbnailSimilarity(thumbnail(a), thumbnail(b))
const flat = (value: number) => raster(40, 40, 1, new Uint8Array(1600).fill(value))

describe("thumbnail similarity", () => {
  it("is 1 for the same picture, high for crops, sizes and contrasts of it, low for others", () => {
    for (let seed = 0; seed < 6; seed++) {
      const image = blobs(200, 160, seed)
      expect(similarity(image, image)).toBeGreaterThan(0.99)
      const dim: Raster = { ...image, data: image.data.map((v) => 30 + v * 0.5) }
      expect(similarity(image, dim)).toBeGreaterThan(0.97)
      expect(similarity(image, resize(image, 70, 70))).toBeGreaterThan(0.97)
      expect(similarity(image, crop(image, 12, 9, 176, 141))).toBeGreaterThan(duplicateDefaults.similarity)
      expect(similarity(image, blobs(200, 160, seed + 100))).toBeLessThan(0.7)
    }
  })

  it("does not hang on the order", () => {
    for (let seed = 0; seed < 4; seed++) {
      const [a, b] = [blobs(90, 90, seed), blobs(90, 90, seed + 50)]
      expect(similarity(a, b)).toBe(similarity(b, a))
      const c = crop(a, 3, 2, 80, 84)
      expect(similarity(a, c)).toBe(similarity(c, a))
    }
  })

  it("of flat pictures goes by their grey", () => {
    expect(similarity(flat(10), flat(15))).toBe(1)
    expect(similarity(flat(10), flat(200))).toBe(0)
    expect(similarity(flat(10), blobs(40, 40, 1))).toBe(0)
  })

  it("refuses what is no thumbnail", () => {
    expect(() => thumbnailSimilarity(new Uint8Array(5), thumbnail(flat(1)))).toThrow("1024 bytes, not 5")
  })
})

describe("duplicate clusters", () => {
  it("gather the copies of each picture and nothing else, in whatever order they come", async () => {
    const pictures: Array<{ readonly look: Look; readonly of: number }> = []
    for (let seed = 0; seed < 8; seed++) {
      const image = blobs(160, 160, seed)
      const copies = [
        image,
        resize(image, 100, 100),
        await decodeImage(await encodeJpeg(image, 50)),
        { ...image, data: image.data.map((v) => 20 + v * 0.8) },
      ]
      for (const copy of seed < 5 ? copies : [image]) pictures.push({ look: lookOf(copy), of: seed })
    }
    for (const order of [pictures, [...pictures].reverse()]) {
      const clusters = duplicateClusters(order.map((p) => p.look))
      expect(clusters.map((c) => c.length)).toEqual([4, 4, 4, 4, 4])
      for (const cluster of clusters) expect(new Set(cluster.map((i) => order[i].of)).size).toBe(1)
    }
  })

  it("part two pictures that only the hash confuses", () => {
    const [a, b] = [lookOf(blobs(80, 80, 1)), lookOf(blobs(80, 80, 2))]
    const confused = { ...b, perceptual: a.perceptual, difference: a.difference }
    expect(duplicateClusters([a, confused])).toEqual([])
    expect(duplicateClusters([a, confused], { similarity: -1 })).toEqual([[0, 1]])
  })

  it.skipIf(!hasData)(
    "on labelled pairs of real faces: every join is right, and 42 of 43 copies are joined",
    async () => {
      const found = { exact: 0, near: 0, different: 0 }
      const total = { exact: 0, near: 0, different: 0 }
      const scores = { same: 1, different: -1 }
      for (const { a, b, kind } of facePairs()) {
        if (kind !== "exact" && kind !== "near" && kind !== "different")
          throw new Error(`unknown kind ${kind}`)
        const looks = [lookOf(await decodeImage(a)), lookOf(await decodeImage(b))]
        total[kind]++
        if (duplicateClusters(looks).length === 1) found[kind]++
        const score = thumbnailSimilarity(looks[0].thumbnail, looks[1].thumbnail)
        if (kind === "different") scores.different = Math.max(scores.different, score)
        else scores.same = Math.min(scores.same, score)
      }
      expect(total).toEqual({ exact: 2, near: 41, different: 20 })
      expect(found).toEqual({ exact: 2, near: 40, different: 0 })
      // The threshold stands well away from both kinds.
      expect(scores.same).toBeGreaterThan(duplicateDefaults.similarity + 0.02)
      expect(scores.different).toBeLessThan(duplicateDefaults.similarity - 0.1)
    },
  )
})
