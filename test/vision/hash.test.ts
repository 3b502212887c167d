import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeImage } from "../../src/vision/decode.ts"
import { encodeJpeg } from "../../src/vision/encode.ts"
import {
  differenceHash,
  hammingDistance,
  hashWords,
  perceptualHash,
  popcount,
} from "../../src/vision/hash.ts"
import { nearDuplicates, nearPairs, type NearPair } from "../../src/vision/nearDuplicates.ts"
import { raster, type Raster } from "../../src/vision/raster.ts"
import { resize } from "../../src/vision/resize.ts"
import { blobs, random } from "./data.ts"

const brighter = (image: Raster): Raster => ({ ...image, data: image.data.map((v) => 20 + v * 0.8) })

describe("image hashes", () => {
  it("are 16 hexadecimal digits, far apart for unlike pictures", () => {
    for (const hash of [perceptualHash, differenceHash]) {
      const hashes = Array.from({ length: 12 }, (_, seed) => hash(blobs(90, 70, seed)))
      for (const h of hashes) expect(h).toMatch(/^[0-9a-f]{16}$/)
      for (let i = 0; i < 12; i++) {
        for (let j = 0; j < i; j++) expect(hammingDistance(hashes[i], hashes[j])).toBeGreaterThan(8)
      }
    }
  })

  it("change little by size, contrast and compression", async () => {
    for (const hash of [perceptualHash, differenceHash]) {
      for (let seed = 20; seed < 26; seed++) {
        const image = blobs(120, 90, seed)
        const own = hash(image)
        expect(hammingDistance(own, hash(resize(image, 77, 61)))).toBeLessThanOrEqual(4)
        expect(hammingDistance(own, hash(resize(image, 240, 180)))).toBeLessThanOrEqual(4)
        expect(hammingDistance(own, hash(brighter(image)))).toBeLessThanOrEqual(4)
        expect(
          hammingDistance(own, hash(await decodeImage(await encodeJpeg(image, 60)))),
        ).toBeLessThanOrEqual(4)
      }
    }
  })

  it("of a flat picture do not hang on rounding", () => {
    const hashes = [0, 1, 77, 200, 255].map((v) =>
      perceptualHash(raster(50, 40, 1, new Uint8Array(2000).fill(v))),
    )
    // Black has no mean either; all others have the mean and nothing else.
    expect(hashes).toEqual(["0000000000000000", ...Array.from({ length: 4 }, () => "8000000000000000")])
  })

  it("turn with the picture's frequencies: a horizontal wave sets the first row of bits", () => {
    const data = Uint8Array.from(
      { length: 64 * 64 },
      (_, i) => 128 + 100 * Math.cos(((2 * (i % 64) + 1) * 3 * Math.PI) / 128),
    )
    const hash = perceptualHash(raster(64, 64, 1, data))
    // Frequency (3, 0) and the mean, first row of eight bits: 1 at places 0 and 3.
    expect(Number.parseInt(hash.slice(0, 2), 16) & 0b10010000).toBe(0b10010000)
  })

  it("have a distance that counts bits and refuses what is no hash", () => {
    expect(hammingDistance("0000000000000000", "ffffffffffffffff")).toBe(64)
    expect(hammingDistance("8000000000000001", "0000000000000000")).toBe(2)
    expect(popcount(-1)).toBe(32)
    expect(() => hammingDistance("xyz", "0000000000000000")).toThrow("16 lower-case hexadecimal digits")
  })
})

const hex = (high: number, low: number) =>
  (high >>> 0).toString(16).padStart(8, "0") + (low >>> 0).toString(16).padStart(8, "0")

/** Hashes in families: each new one is an earlier one with some bits turned, or a fresh one. */
function families(count: number, seed: number, maxTurned: number): Array<string> {
  const next = random(seed)
  const words: Array<[number, number]> = []
  for (let i = 0; i < count; i++) {
    if (i === 0 || next() < 0.4) {
      words.push([Math.floor(next() * 2 ** 32), Math.floor(next() * 2 ** 32)])
      continue
    }
    const word: [number, number] = [...words[Math.floor(next() * i)]]
    for (let turned = Math.floor(next() * (maxTurned + 1)); turned > 0; turned--) {
      const bit = Math.floor(next() * 64)
      word[bit >> 5] = (word[bit >> 5] ^ (1 << (bit & 31))) >>> 0
    }
    words.push(word)
  }
  return words.map(([h, l]) => hex(h, l))
}

function bruteForce(hashes: ReadonlyArray<string>, maxDistance: number): Array<NearPair> {
  const words = hashes.map(hashWords)
  const pairs: Array<NearPair> = []
  for (let a = 0; a < hashes.length; a++) {
    for (let b = a + 1; b < hashes.length; b++) {
      const distance = popcount(words[a][0] ^ words[b][0]) + popcount(words[a][1] ^ words[b][1])
      if (distance <= maxDistance) pairs.push({ a, b, distance })
    }
  }
  return pairs
}

/** Connected components by repeated spreading: slow and plain. */
function components(count: number, pairs: ReadonlyArray<NearPair>): Array<Array<number>> {
  const label = Array.from({ length: count }, (_, i) => i)
  for (let changed = true; changed;) {
    changed = false
    for (const { a, b } of pairs) {
      const least = Math.min(label[a], label[b])
      if (label[a] !== least || label[b] !== least) {
        label[a] = least
        label[b] = least
        changed = true
      }
    }
  }
  const sets = Map.groupBy(label.keys(), (i) => label[i])
  return [...sets.values()].filter((s) => s.length > 1)
}

describe("near duplicates", () => {
  it("are exactly the pairs that comparing each with each finds", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 0, max: 14 }),
        (seed, count, d) => {
          const hashes = families(count, seed, 16)
          expect(nearPairs(hashes, d)).toEqual(bruteForce(hashes, d))
          expect(nearDuplicates(hashes, d)).toEqual(components(count, bruteForce(hashes, d)))
        },
      ),
      { numRuns: 120 },
    )
  })

  it("are exact for many hashes and wide distances too", () => {
    const hashes = families(3000, 7, 24)
    for (const d of [2, 10, 20]) expect(nearPairs(hashes, d)).toEqual(bruteForce(hashes, d))
  })

  it("look at a small part of the pairs", () => {
    const hashes = families(40_000, 11, 6)
    let asked = 0
    nearDuplicates(hashes, 8, () => {
      asked++
      return true
    })
    // Asking only about pairs not yet joined: fewer questions than pictures, of 800 million pairs.
    expect(asked).toBeLessThan(40_000)
  })

  it("are joined only where the second look agrees", () => {
    const hashes = ["0000000000000000", "0000000000000001", "0000000000000000", "ffffffffffffffff"]
    expect(nearDuplicates(hashes, 2)).toEqual([[0, 1, 2]])
    expect(nearDuplicates(hashes, 2, (a, b) => a !== 1 && b !== 1)).toEqual([[0, 2]])
    expect(nearDuplicates(hashes, 2, () => false)).toEqual([])
    expect(nearDuplicates([], 2)).toEqual([])
  })

  it("refuse a distance that is none", () => {
    expect(() => nearDuplicates(["0000000000000000"], 33)).toThrow("from 0 to 32")
    expect(() => nearDuplicates(["0000000000000000"], 1.5)).toThrow(RangeError)
    expect(() => nearDuplicates(["nonsense"], 3)).toThrow("hexadecimal")
  })
})
