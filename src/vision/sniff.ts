/** What the first bytes of a file say it is, whatever its name or its server claims. */
export type SniffedType =
  | "jpeg"
  | "png"
  | "gif"
  | "webp"
  | "tiff"
  | "avif"
  | "heic"
  | "bmp"
  | "ico"
  | "jxl"
  | "svg"
  | "html"
  | "xml"
  | "json"
  | "pdf"
  | "zip"
  | "gzip"
  | "text"
  | "empty"
  | "unknown"

/** The types that `decodeImage` reads. */
export const decodableTypes: ReadonlySet<SniffedType> = new Set<SniffedType>([
  "jpeg",
  "png",
  "gif",
  "webp",
  "tiff",
  "avif",
])

const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  String.fromCharCode(...bytes.subarray(from, to))

function startsWith(bytes: Uint8Array, ...prefix: ReadonlyArray<number>): boolean {
  return bytes.length >= prefix.length && prefix.every((value, i) => bytes[i] === value)
}

/** ISO base media files (AVIF, HEIC) name their brands in the first box: any of them may be the telling one. */
function brandOf(bytes: Uint8Array): SniffedType {
  const length = Math.min(bytes.length, new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), 64)
  for (let at = 8; at + 4 <= length; at += 4) {
    const brand = ascii(bytes, at, at + 4)
    if (brand === "avif" || brand === "avis") return "avif"
    if (/^(heic|heix|heim|heis|hevc|hevx)$/.test(brand)) return "heic"
  }
  return "unknown"
}

function textType(bytes: Uint8Array): SniffedType {
  const head = bytes.subarray(0, 1024)
  // A control character that no text has means a binary format that is not known here.
  if (head.some((b) => b < 9 || (b > 13 && b < 32 && b !== 27))) return "unknown"
  const text = new TextDecoder().decode(head).trimStart().toLowerCase()
  if (/<svg[\s>:]/.test(text)) return "svg"
  if (/^<(!doctype\s+html|html|head|body|script|title|meta|div|p|h1|a|table|iframe)\b/.test(text))
    return "html"
  if (text.startsWith("<!--") && /<html\b/.test(text)) return "html"
  if (/^<(\?xml|!doctype|!--)/.test(text)) return /<html\b/.test(text) ? "html" : "xml"
  if (/^[{[]/.test(text)) return "json"
  return "text"
}

/** Tells the type of a file from its content alone; at most the first 1024 bytes are read. */
export function sniffType(bytes: Uint8Array): SniffedType {
  if (bytes.length === 0) return "empty"
  if (startsWith(bytes, 0xff, 0xd8, 0xff)) return "jpeg"
  if (startsWith(bytes, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return "png"
  if (/^GIF8[79]a/.test(ascii(bytes, 0, 6))) return "gif"
  if (ascii(bytes, 0, 4) === "RIFF" && ascii(bytes, 8, 12) === "WEBP") return "webp"
  if (startsWith(bytes, 0x49, 0x49, 0x2a, 0) || startsWith(bytes, 0x4d, 0x4d, 0, 0x2a)) return "tiff"
  if (bytes.length >= 16 && ascii(bytes, 4, 8) === "ftyp") return brandOf(bytes)
  if (startsWith(bytes, 0xff, 0x0a) || ascii(bytes, 4, 8) === "JXL ") return "jxl"
  if (startsWith(bytes, 0x42, 0x4d) && bytes.length >= 26 && bytes[6] === 0 && bytes[8] === 0) return "bmp"
  if (startsWith(bytes, 0, 0, 1, 0)) return "ico"
  if (ascii(bytes, 0, 5) === "%PDF-") return "pdf"
  if (startsWith(bytes, 0x50, 0x4b, 3, 4)) return "zip"
  if (startsWith(bytes, 0x1f, 0x8b)) return "gzip"
  return textType(bytes)
}

/**
 * Whether a file of that type stops before its own end mark (or before the length that it announces). Only a
 * hint for the wording of an error: some readable files lack the mark.
 */
export function lacksEnd(bytes: Uint8Array, type: SniffedType): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (type) {
    case "jpeg":
      return !tailHas(bytes, [0xff, 0xd9])
    case "png":
      return !tailHas(bytes, [0x49, 0x45, 0x4e, 0x44])
    case "gif":
      return !tailHas(bytes, [0x3b])
    case "webp":
      return bytes.length < 8 || view.getUint32(4, true) + 8 > bytes.length
    case "tiff": {
      const directory = bytes.length < 8 ? 0 : view.getUint32(4, bytes[0] === 0x49)
      return bytes.length < 8 || directory + 2 > bytes.length
    }
    case "avif":
      return boxesOverrun(view)
    default:
      return false
  }
}

/** Looks for an end mark in the last 64 bytes: some writers add padding after it. */
function tailHas(bytes: Uint8Array, mark: ReadonlyArray<number>): boolean {
  for (let at = bytes.length - mark.length; at >= Math.max(0, bytes.length - 64); at--) {
    if (mark.every((value, i) => bytes[at + i] === value)) return true
  }
  return false
}

function boxesOverrun(view: DataView): boolean {
  let at = 0
  while (at + 8 <= view.byteLength) {
    const size = view.getUint32(at)
    if (size === 0) return false
    if (size < 8) return true
    at += size
  }
  return at !== view.byteLength
}
