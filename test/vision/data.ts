import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parse } from "csv-parse/sync"
import { raster, toRgb, type Raster } from "../../src/vision/raster.ts"
import { resizeBilinear } from "../../src/vision/resize.ts"

/** Real photographs that lie beside a checkout on some machines only. */
export const dataFolder = fileURLToPath(new URL("../../../shared/data/", import.meta.url))

export const hasData = existsSync(`${dataFolder}detect/expected.json`)

if (!hasData) console.warn(`skipped: tests on real photographs; they need ${dataFolder}`)

export const readData = (path: string): Buffer => readFileSync(`${dataFolder}${path}`)

export interface ExpectedPhoto {
  readonly file: string
  readonly width: number
  readonly height: number
  readonly faces: ReadonlyArray<{
    readonly box: readonly [number, number, number, number]
    readonly score: number
    readonly landmarks: ReadonlyArray<readonly [number, number]>
  }>
  readonly stage_boxes: { readonly pnet: number; readonly rnet: number; readonly onet: number }
  readonly rgb_sha256: string
}

export const expectedPhotos = (): ReadonlyArray<ExpectedPhoto> =>
  JSON.parse(readData("detect/expected.json").toString()).photos

/** The lossless copy of a photo, where there is one. */
export const losslessPath = (photo: ExpectedPhoto): string | undefined => {
  const path = `detect/lossless/${photo.file.replace(/\.jpg$/, ".png")}`
  return existsSync(dataFolder + path) ? path : undefined
}

/** The files of a plain tar archive (ustar, short names). */
export function readTar(bytes: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  const text = (from: number, length: number) =>
    new TextDecoder().decode(bytes.subarray(from, from + length)).replace(/\0.*$/s, "")
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0;) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    files.set(text(at, 100), bytes.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

export interface FacePair {
  readonly a: Uint8Array
  readonly b: Uint8Array
  readonly name: string
  /** "exact", "near" or "different" */
  readonly kind: string
}

/** Labelled pairs of pictures: the same, nearly the same, and two people that a small hash confuses. */
export function facePairs(): ReadonlyArray<FacePair> {
  const files = readTar(readData("faces/pairs.tar"))
  const byName = new Map([...files].map(([name, bytes]) => [name.replace(/^.*\//, ""), bytes]))
  const rows: ReadonlyArray<ReadonlyArray<string>> = parse(readData("faces/pairs.csv"), { from: 2 })
  return rows.map(([file_a, file_b, kind]) => {
    const a = byName.get(file_a)
    const b = byName.get(file_b)
    if (a === undefined || b === undefined) throw new Error(`pairs.tar lacks ${file_a} or ${file_b}`)
    return { a, b, name: file_a.slice(0, 7), kind }
  })
}

/** A small generator of numbers in [0, 1): mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A smooth made picture: sums of waves, values away from the ends of the range. */
export function waves(width: number, height: number, channels: 1 | 3, seed: number): Raster {
  const next = random(seed)
  const terms = Array.from({ length: 6 }, () => ({
    fx: (next() - 0.5) * 0.15,
    fy: (next() - 0.5) * 0.15,
    phase: next() * 7,
    shift: next(),
  }))
  const data = new Uint8Array(width * height * channels)
  for (let i = 0; i < data.length; i++) {
    const c = i % channels
    const x = Math.floor(i / channels) % width
    const y = Math.floor(i / channels / width)
    let sum = 0
    for (const { fx, fy, phase, shift } of terms) sum += Math.sin(fx * x + fy * y + phase + c * shift)
    data[i] = Math.round(128 + 18 * sum)
  }
  return { width, height, channels, data }
}

/** A made picture with detail of every coarseness a small hash can see: random 9 × 9 cells, blended. */
export function blobs(width: number, height: number, seed: number): Raster {
  const next = random(seed)
  return resizeBilinear(
    toRgb(
      raster(
        9,
        9,
        1,
        Uint8Array.from({ length: 81 }, () => 20 + next() * 215),
      ),
    ),
    width,
    height,
  )
}
