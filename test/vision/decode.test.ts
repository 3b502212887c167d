import { createHash } from "node:crypto"
import { crc32, deflateSync } from "node:zlib"
import sharp from "sharp"
import { describe, expect, it } from "vitest"
import { decodeImage } from "../../src/vision/decode.ts"
import { encodeJpeg, encodePng } from "../../src/vision/encode.ts"
import { ImageError, type ImageProblem } from "../../src/vision/imageError.ts"
import { raster, toRgb } from "../../src/vision/raster.ts"
import { sniffType } from "../../src/vision/sniff.ts"
import { expectedPhotos, hasData, losslessPath, random, readData, waves } from "./data.ts"

const text = (s: string) => new TextEncoder().encode(s)

async function problemOf(bytes: Uint8Array, maxPixels?: number): Promise<ImageError> {
  const result = await decodeImage(bytes, maxPixels === undefined ? {} : { maxPixels }).catch(
    (e: unknown) => e,
  )
  if (!(result instanceof ImageError)) throw new Error(`expected an ImageError, got ${String(result)}`)
  return result
}

function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([text(type), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(crc32(body), body.length + 4)
  return out
}

/** A PNG that announces any size and holds a few rows at most. */
function pngBomb(width: number, height: number): Uint8Array {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 2, 0, 0, 0], 8)
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk("IHDR", head),
    pngChunk("IDAT", deflateSync(new Uint8Array(100_000))),
    pngChunk("IEND", new Uint8Array(0)),
  ])
}

const picture = waves(40, 30, 3, 5)
const open = () => sharp(picture.data, { raw: { width: 40, height: 30, channels: 3 } })

describe("decoding", () => {
  it("gives back the pixels of a PNG, grey or RGB", async () => {
    expect(await decodeImage(await encodePng(picture))).toEqual(picture)
    const gray = waves(31, 17, 1, 6)
    expect(await decodeImage(await encodePng(gray))).toEqual(toRgb(gray))
  })

  it("reads every format it names, close to the original", async () => {
    const files = {
      jpeg: await open().jpeg({ quality: 95 }).toBuffer(),
      webp: await open().webp({ quality: 95 }).toBuffer(),
      gif: await open().gif().toBuffer(),
      tiff: await open().tiff().toBuffer(),
      avif: await open().avif({ quality: 90 }).toBuffer(),
    }
    for (const [type, bytes] of Object.entries(files)) {
      expect(sniffType(bytes)).toBe(type)
      const out = await decodeImage(bytes)
      const error = out.data.reduce((s, v, i) => s + Math.abs(v - picture.data[i]), 0) / out.data.length
      expect({ type, width: out.width, height: out.height }).toEqual({ type, width: 40, height: 30 })
      expect(error).toBeLessThan(type === "gif" ? 12 : 4)
    }
  })

  it("applies the EXIF orientation", async () => {
    const turned = await decodeImage(await open().withMetadata({ orientation: 6 }).png().toBuffer())
    expect([turned.width, turned.height]).toEqual([30, 40])
    // Orientation 6: the stored left column is shown as the top row, from right to left.
    const pixel = (r: typeof turned, x: number, y: number) => [
      ...r.data.subarray((y * r.width + x) * 3, (y * r.width + x) * 3 + 3),
    ]
    for (const [x, y] of [
      [0, 0],
      [29, 0],
      [3, 25],
      [29, 39],
    ]) {
      expect(pixel(turned, x, y)).toEqual(pixel(picture, y, 29 - x))
    }
  })

  it("takes the first frame of an animation", async () => {
    const frames = Buffer.concat([picture.data, new Uint8Array(picture.data.length)])
    const animation = await sharp(frames, { raw: { width: 40, height: 60, channels: 3, pageHeight: 30 } })
      .webp({ lossless: true, loop: 0 })
      .toBuffer()
    expect((await sharp(animation, { animated: true }).metadata()).pages).toBe(2)
    expect(await decodeImage(animation)).toEqual(picture)
  })

  it("lays transparency on white", async () => {
    const rgba = Uint8Array.of(255, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 128)
    const png = await sharp(rgba, { raw: { width: 3, height: 1, channels: 4 } })
      .png()
      .toBuffer()
    const { data } = await decodeImage(png)
    expect([...data.subarray(0, 6)]).toEqual([255, 0, 0, 255, 255, 255])
    expect(Math.abs(data[6] - 127)).toBeLessThanOrEqual(1)
  })

  it("brings 16 bits down to 8 by their high byte", async () => {
    const deep = Uint16Array.from({ length: 256 }, (_, i) => i * 257)
    const png = await sharp(deep, { raw: { width: 256, height: 1, channels: 1 } })
      .toColourspace("grey16")
      .png()
      .toBuffer()
    expect((await sharp(png).metadata()).depth).toBe("ushort")
    const { data } = await decodeImage(png)
    expect(data.filter((_, i) => i % 3 === 0)).toEqual(Uint8Array.from({ length: 256 }, (_, i) => i))
  })

  it("converts CMYK", async () => {
    const cmyk = await sharp({ create: { width: 8, height: 8, channels: 3, background: "#cc3311" } })
      .toColourspace("cmyk")
      .jpeg({ quality: 100 })
      .toBuffer()
    expect((await sharp(cmyk).metadata()).space).toBe("cmyk")
    const { data } = await decodeImage(cmyk)
    expect(data[0]).toBeGreaterThan(150)
    expect(data[1]).toBeLessThan(110)
    expect(data[2]).toBeLessThan(90)
  })

  it.skipIf(!hasData)("gives the reference's pixels for real photos, PNG and JPEG", async () => {
    const photos = expectedPhotos().filter((photo) => losslessPath(photo) !== undefined)
    expect(photos.length).toBeGreaterThan(20)
    for (const photo of photos) {
      for (const path of [losslessPath(photo)!, `detect/${photo.file}`]) {
        const out = await decodeImage(readData(path))
        expect([path, out.width, out.height]).toEqual([path, photo.width, photo.height])
        expect([path, createHash("sha256").update(out.data).digest("hex")]).toEqual([path, photo.rgb_sha256])
      }
    }
  })
})

describe("bytes that are no picture", () => {
  const refused: ReadonlyArray<[string, Uint8Array, ImageProblem, string, RegExp]> = [
    ["nothing", new Uint8Array(0), "empty", "empty", /0 bytes/],
    ["a page", text("<!DOCTYPE html><html><body>Not found</body></html>"), "not-an-image", "html", /html/],
    ["a page with a comment before", text("\n<!-- x --><html></html>"), "not-an-image", "html", /html/],
    ["JSON", text('{"error":"no such file"}'), "not-an-image", "json", /json/],
    ["plain text", text("404 page not found"), "not-an-image", "text", /text/],
    ["a PDF", text("%PDF-1.7 ..."), "not-an-image", "pdf", /pdf/],
    [
      "noise",
      Uint8Array.from({ length: 64 }, (_, i) => (i * 37) & 31),
      "not-an-image",
      "unknown",
      /no known type/,
    ],
    [
      "an SVG that reaches out",
      text(
        '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
      ),
      "unsupported",
      "svg",
      /SVG.*Convert it to PNG/,
    ],
    ["a bare SVG", text('<svg width="9" height="9"></svg>'), "unsupported", "svg", /SVG/],
  ]
  it.each(refused)("%s", async (_, bytes, problem, type, message) => {
    const error = await problemOf(bytes)
    expect([error._tag, error.problem, error.type]).toEqual(["ImageError", problem, type])
    expect(error.message).toMatch(message)
  })

  it("cut off at any point are refused, and called so", async () => {
    const big = waves(160, 120, 3, 8)
    const files = [
      await encodeJpeg(big),
      await encodePng(big),
      await sharp(big.data, { raw: { width: 160, height: 120, channels: 3 } })
        .webp()
        .toBuffer(),
    ]
    for (const bytes of files) {
      for (const part of [0.02, 0.3, 0.6, 0.9]) {
        const error = await problemOf(bytes.subarray(0, Math.floor(bytes.length * part)))
        expect([error.type, part, error.problem]).toEqual([sniffType(bytes), part, "truncated"])
        expect(error.message).toContain("ends too early")
      }
    }
  })

  it("with rubbish in the middle are refused as corrupt", async () => {
    const png = Uint8Array.from(await encodePng(waves(160, 120, 3, 8)))
    png.fill(0x55, 200, 400)
    expect((await problemOf(png)).problem).toBe("corrupt")
  })

  it("damaged in any way give a picture or a typed refusal, nothing else", async () => {
    const next = random(5)
    const files = [
      await open().jpeg().toBuffer(),
      await open().jpeg({ progressive: true }).toBuffer(),
      await open().png().toBuffer(),
      await open().gif().toBuffer(),
      await open().webp().toBuffer(),
      await open().tiff({ compression: "lzw" }).toBuffer(),
      await open().avif().toBuffer(),
    ]
    const results = { picture: 0, refused: 0 }
    for (const file of files) {
      for (let i = 0; i < 12; i++) {
        let bytes = Uint8Array.from(file)
        if (i % 2 === 0) bytes = bytes.subarray(0, Math.floor(next() * bytes.length))
        else for (let k = 0; k < 8; k++) bytes[Math.floor(next() * bytes.length)] = next() * 256
        const result = await decodeImage(bytes, { maxPixels: 1_000_000 }).catch((e: unknown) => e)
        if (result instanceof ImageError) results.refused++
        else if (typeof result === "object" && result !== null && "data" in result) results.picture++
        else throw new Error(`neither a picture nor an ImageError: ${String(result)}`)
      }
    }
    expect(results.refused).toBeGreaterThan(42)
    expect(results.picture + results.refused).toBe(84)
  })

  it("that announce too many pixels are refused by their header", async () => {
    const error = await problemOf(pngBomb(50_000, 50_000))
    expect(error.problem).toBe("too-large")
    expect(error.message).toContain("50000 × 50000")
    expect(error.message).toContain("maxPixels")
    const small = await encodePng(picture)
    expect((await problemOf(small, 1199)).problem).toBe("too-large")
    expect((await decodeImage(small, { maxPixels: 1200 })).width).toBe(40)
  })
})

describe("encoding", () => {
  it("is the same bytes every time and keeps the channels", async () => {
    for (const image of [picture, waves(33, 21, 1, 4)]) {
      expect(await encodePng(image)).toEqual(await encodePng(image))
      const jpeg = await encodeJpeg(image, 92)
      expect(jpeg).toEqual(await encodeJpeg(image, 92))
      expect((await sharp(jpeg).metadata()).channels).toBe(image.channels)
      expect((await sharp(await encodePng(image)).metadata()).channels).toBe(image.channels)
    }
  })

  it("of JPEG loses little", async () => {
    const out = await decodeImage(await encodeJpeg(picture, 95))
    const worst = out.data.reduce((m, v, i) => Math.max(m, Math.abs(v - picture.data[i])), 0)
    expect(worst).toBeLessThan(12)
    expect(raster(40, 30, 3, out.data)).toEqual(out)
  })
})
