/**
 * The safetensors container: named typed arrays and string metadata in one file.
 * Layout (https://github.com/huggingface/safetensors, "Format"): 8 bytes header length N (unsigned 64-bit
 * little-endian), N bytes of JSON, then the raw little-endian data without holes.
 */

const DTYPES = {
  F64: Float64Array,
  F32: Float32Array,
  /** Raw bits of IEEE binary16. */
  F16: Uint16Array,
  /** Raw bits of bfloat16. */
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const

export type SafetensorsDtype = keyof typeof DTYPES
export type SafetensorsData =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Uint32Array
  | Int16Array
  | Int8Array
  | Uint8Array

/** One tensor: row major (last index fastest), `data.length` = product of `shape` (1 for a scalar). */
export interface SafetensorsTensor {
  readonly dtype: SafetensorsDtype
  readonly shape: ReadonlyArray<number>
  readonly data: SafetensorsData
}

export interface Safetensors {
  readonly tensors: Map<string, SafetensorsTensor>
  readonly metadata: Record<string, string>
}

/** The bytes (or the tensors to be written) are not valid safetensors; the message says where. */
export class SafetensorsError extends Error {
  readonly _tag = "SafetensorsError"
  override readonly name = "SafetensorsError"
}

const METADATA = "__metadata__"
/** The reference implementation's limit; keeps a damaged length field from asking for all memory. */
const MAX_HEADER = 100_000_000

const fail = (what: string): never => {
  throw new SafetensorsError(`safetensors: ${what}`)
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const isDtype = (value: unknown): value is SafetensorsDtype =>
  typeof value === "string" && Object.hasOwn(DTYPES, value)

const isSize = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0

const parseHeader = (bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } => {
  if (bytes.byteLength < 8) fail(`${bytes.byteLength} bytes are too few for a header (8 at least)`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = view.getBigUint64(0, true)
  if (length > BigInt(MAX_HEADER)) fail(`header length ${length} is above the limit of ${MAX_HEADER} bytes`)
  const dataStart = 8 + Number(length)
  if (dataStart > bytes.byteLength)
    fail(`header of ${length} bytes announced, but only ${bytes.byteLength - 8} follow (file cut short?)`)
  let text = ""
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(8, dataStart))
  } catch {
    fail("header is not UTF-8")
  }
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch (error) {
    fail(`header is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
  if (!isRecord(header)) return fail("header is not a JSON object")
  return { header, dataStart }
}

const parseMetadata = (value: unknown): Record<string, string> => {
  if (value === undefined) return {}
  if (!isRecord(value)) return fail(`${METADATA} is not an object`)
  const entries = Object.entries(value).map(([key, text]): [string, string] =>
    typeof text === "string" ? [key, text] : fail(`${METADATA}.${key} is not a string`),
  )
  return Object.fromEntries(entries)
}

interface Entry {
  readonly name: string
  readonly dtype: SafetensorsDtype
  readonly shape: ReadonlyArray<number>
  readonly begin: number
  readonly end: number
}

const parseEntry = (name: string, value: unknown): Entry => {
  const at = `tensor "${name}"`
  if (!isRecord(value)) return fail(`${at} is not an object`)
  const { dtype, shape, data_offsets: offsets } = value
  if (!isDtype(dtype)) return fail(`${at}: unknown dtype ${JSON.stringify(dtype)}`)
  if (!Array.isArray(shape) || !shape.every(isSize))
    return fail(`${at}: shape ${JSON.stringify(shape)} is not a list of sizes`)
  const [begin, end]: Array<unknown> = Array.isArray(offsets) && offsets.length === 2 ? offsets : []
  if (!isSize(begin) || !isSize(end))
    return fail(`${at}: data_offsets ${JSON.stringify(offsets)} is not [begin, end]`)
  const need = shape.reduce((n: number, d: number) => n * d, DTYPES[dtype].BYTES_PER_ELEMENT)
  if (!Number.isSafeInteger(need)) return fail(`${at}: shape [${shape.join(", ")}] is too large`)
  if (end - begin !== need)
    return fail(`${at}: ${dtype} [${shape.join(", ")}] needs ${need} bytes, its offsets span ${end - begin}`)
  return { name, dtype, shape, begin, end }
}

/**
 * Read a safetensors file; the data are copies. The host must be little-endian (all Node runs on but s390x).
 * @throws SafetensorsError on anything malformed, naming the place.
 */
export const readSafetensors = (bytes: Uint8Array): Safetensors => {
  const { header, dataStart } = parseHeader(bytes)
  const metadata = parseMetadata(Object.hasOwn(header, METADATA) ? header[METADATA] : undefined)
  const entries = Object.entries(header)
    .filter(([name]) => name !== METADATA)
    .map(([name, value]) => parseEntry(name, value))
  const available = bytes.byteLength - dataStart
  let position = 0
  for (const entry of entries.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== position)
      fail(`tensor "${entry.name}" begins at ${entry.begin}, expected ${position} (a hole or an overlap)`)
    position = entry.end
    if (position > available)
      fail(`tensor "${entry.name}" ends at ${position}, but there are ${available} data bytes (cut short?)`)
  }
  if (position !== available) fail(`${available - position} bytes after the last tensor belong to none`)
  const tensors = new Map<string, SafetensorsTensor>()
  for (const { name, dtype, shape, begin, end } of entries) {
    const TypedArray = DTYPES[dtype]
    // Not bytes.slice: a Buffer's slice is a view.
    const data = new TypedArray(new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end)).buffer)
    tensors.set(name, { dtype, shape, data })
  }
  return { tensors, metadata }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Write safetensors. Byte-deterministic: tensors by element size (largest first, so that all are aligned), then
 * by name in code-unit order; metadata keys sorted; header padded with spaces to a multiple of 8.
 * @throws SafetensorsError when a tensor's type or length disagrees with its dtype or shape.
 */
export const writeSafetensors = (
  tensors: ReadonlyMap<string, SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array => {
  const order = [...tensors].toSorted(
    ([nameA, a], [nameB, b]) =>
      DTYPES[b.dtype].BYTES_PER_ELEMENT - DTYPES[a.dtype].BYTES_PER_ELEMENT || compare(nameA, nameB),
  )
  const fields: Array<string> = []
  const keys = Object.keys(metadata).toSorted(compare)
  if (keys.length > 0) {
    const texts = keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`)
    fields.push(`"${METADATA}":{${texts.join(",")}}`)
  }
  let size = 0
  for (const [name, { dtype, shape, data }] of order) {
    if (name === METADATA) fail(`"${METADATA}" cannot be a tensor's name`)
    if (!(data instanceof DTYPES[dtype]))
      fail(`tensor "${name}": ${dtype} data in a ${data.constructor.name}`)
    const length = shape.reduce((n, d) => n * d, 1)
    if (!shape.every(isSize) || length !== data.length)
      fail(`tensor "${name}": shape [${shape.join(", ")}] but ${data.length} values`)
    const end = size + data.byteLength
    fields.push(
      `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(",")}],"data_offsets":[${size},${end}]}`,
    )
    size = end
  }
  const text = new TextEncoder().encode(`{${fields.join(",")}}`)
  const headerLength = Math.ceil(text.byteLength / 8) * 8
  const bytes = new Uint8Array(8 + headerLength + size)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true)
  bytes.set(text, 8)
  bytes.fill(0x20, 8 + text.byteLength, 8 + headerLength)
  let position = 8 + headerLength
  for (const [, { data }] of order) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position)
    position += data.byteLength
  }
  return bytes
}
