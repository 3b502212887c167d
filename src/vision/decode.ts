import { ImageError } from "./imageError.ts"
import type { Raster } from "./raster.ts"
import { loadSharp } from "./sharp.ts"
import { decodableTypes, lacksEnd, sniffType, type SniffedType } from "./sniff.ts"

export interface DecodeOptions {
  /** The most pixels (width × height) a picture may have; the header is checked before any decoding. */
  readonly maxPixels?: number
}

const defaultMaxPixels = 64_000_000

const readable = [...decodableTypes].join(", ")

function refuse(type: SniffedType): ImageError {
  if (type === "empty") return new ImageError("empty", type, "The file is empty (0 bytes).")
  if (type === "svg") {
    return new ImageError(
      "unsupported",
      type,
      "The file is an SVG drawing: not read, because it may refer to other files and is no photograph. Convert it to PNG first.",
    )
  }
  if (type === "heic" || type === "bmp" || type === "ico" || type === "jxl") {
    return new ImageError("unsupported", type, `The file is a ${type} picture; readable are ${readable}.`)
  }
  const what = type === "unknown" ? "of no known type" : type
  return new ImageError("not-an-image", type, `The content is ${what}, not a picture (${readable}).`)
}

function failed(bytes: Uint8Array, type: SniffedType, cause: unknown): ImageError {
  const detail = cause instanceof Error ? cause.message.trim().split("\n")[0] : String(cause)
  return lacksEnd(bytes, type)
    ? new ImageError(
        "truncated",
        type,
        `The ${type} file ends too early, after ${bytes.length} bytes: ${detail}`,
        cause,
      )
    : new ImageError("corrupt", type, `The ${type} file cannot be decoded: ${detail}`, cause)
}

/**
 * Decodes a picture file to 8-bit sRGB. The type is told by content, not by name. Of an animation or a file
 * of several pages the first is taken; the EXIF orientation is applied; an embedded colour profile, CMYK,
 * grey and 16 bits are converted; transparency is laid on white.
 * @throws ImageError (as a rejection) when the bytes are no picture, are cut off or broken, are of a type that
 * is not read (SVG among them), or when the header announces more than `maxPixels`
 */
export async function decodeImage(bytes: Uint8Array, options: DecodeOptions = {}): Promise<Raster> {
  const maxPixels = options.maxPixels ?? defaultMaxPixels
  const type = sniffType(bytes)
  if (!decodableTypes.has(type)) throw refuse(type)
  const sharp = await loadSharp()
  const input = { failOn: "error", pages: 1 } as const

  const header = await sharp(bytes, { ...input, limitInputPixels: false })
    .metadata()
    .catch((cause: unknown) => {
      throw failed(bytes, type, cause)
    })
  const pixels = header.width * header.height
  if (pixels > maxPixels) {
    throw new ImageError(
      "too-large",
      type,
      `The picture is ${header.width} × ${header.height}, ${pixels} pixels; the limit is ${maxPixels} (maxPixels).`,
    )
  }

  const { data, info } = await sharp(bytes, { ...input, limitInputPixels: maxPixels })
    .autoOrient()
    .flatten({ background: "#ffffff" })
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw failed(bytes, type, cause)
    })
  if (info.channels !== 3) {
    throw new ImageError(
      "corrupt",
      type,
      `The ${type} file decodes to ${info.channels} channels instead of RGB.`,
    )
  }
  return {
    width: info.width,
    height: info.height,
    channels: 3,
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  }
}
