import { toGray, type Raster } from "./raster.ts"
import { resizeArea } from "./resize.ts"

/**
 * A 64-bit fingerprint of what a picture looks like, as 16 lower-case hexadecimal digits, the first bit
 * highest. Pictures that look alike differ in few bits (`hammingDistance`).
 */
export type ImageHash = string

const side = 32
const kept = 8

/** cos((2x + 1)·u·π / 64), u < 8: the first rows of the 32-point DCT-II, unscaled: a sign test needs no scale. */
const cosines = Float64Array.from({ length: kept * side }, (_, i) => {
  const u = Math.floor(i / side)
  const x = i % side
  return Math.cos(((2 * x + 1) * u * Math.PI) / (2 * side))
})

function toHex(bits: Uint8Array): ImageHash {
  let text = ""
  for (let i = 0; i < bits.length; i += 4) {
    text += ((bits[i] << 3) | (bits[i + 1] << 2) | (bits[i + 2] << 1) | bits[i + 3]).toString(16)
  }
  return text
}

/**
 * Perceptual hash by discrete cosine transform (Zauner, "Implementation and Benchmarking of Perceptual Image
 * Hash Functions", 2010): grey, 32 × 32 by area means, DCT-II, the 8 × 8 lowest frequencies, one bit each for
 * "above their median". Survives scaling, recompression and contrast; not rotation or strong crops.
 */
export function perceptualHash(image: Raster): ImageHash {
  const { data } = resizeArea(toGray(image), side, side)
  const rows = new Float64Array(side * kept)
  for (let y = 0; y < side; y++) {
    for (let u = 0; u < kept; u++) {
      let sum = 0
      for (let x = 0; x < side; x++) sum += data[y * side + x] * cosines[u * side + x]
      rows[y * kept + u] = sum
    }
  }
  const low = new Float64Array(kept * kept)
  for (let v = 0; v < kept; v++) {
    for (let u = 0; u < kept; u++) {
      let sum = 0
      for (let y = 0; y < side; y++) sum += rows[y * kept + u] * cosines[v * side + y]
      // A flat picture's frequencies are zero but for rounding, and rounding must not decide a bit.
      low[v * kept + u] = Math.round(sum * 1024) / 1024
    }
  }
  const sorted = low.slice().sort()
  const median = (sorted[31] + sorted[32]) / 2
  return toHex(Uint8Array.from(low, (value) => (value > median ? 1 : 0)))
}

/**
 * Difference hash: grey, 9 × 8 by area means, one bit for each pair of horizontal neighbours: "brighter than
 * the one to its left". Cheaper than the perceptual hash and with other blind spots.
 */
export function differenceHash(image: Raster): ImageHash {
  const { data } = resizeArea(toGray(image), kept + 1, kept)
  const bits = new Uint8Array(kept * kept)
  for (let y = 0; y < kept; y++) {
    for (let x = 0; x < kept; x++) {
      bits[y * kept + x] = data[y * 9 + x + 1] > data[y * 9 + x] ? 1 : 0
    }
  }
  return toHex(bits)
}

/** How many of 32 bits are set. */
export function popcount(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555)
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333)
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** The two 32-bit halves of a hash, high one first. @throws RangeError when it is not 16 hexadecimal digits */
export function hashWords(hash: ImageHash): [high: number, low: number] {
  if (!/^[0-9a-f]{16}$/.test(hash)) {
    throw new RangeError(`An image hash is 16 lower-case hexadecimal digits, not ${JSON.stringify(hash)}.`)
  }
  return [Number.parseInt(hash.slice(0, 8), 16), Number.parseInt(hash.slice(8), 16)]
}

/** In how many bits, 0 to 64, two hashes differ. */
export function hammingDistance(a: ImageHash, b: ImageHash): number {
  const [ah, al] = hashWords(a)
  const [bh, bl] = hashWords(b)
  return popcount(ah ^ bh) + popcount(al ^ bl)
}
