import * as fs from "node:fs"
import { join } from "node:path"
import { digestOf } from "../../schema/digest.ts"
import { processToken } from "../process-token.ts"
import { ensureFolder, syncFolder, writeAll } from "./durable-files.ts"
import { claimFile, releaseFile } from "./own-files.ts"

/** Begins a pack whose records have headers. */
const FILE_MAGIC = Buffer.from("facet pack 2\n\n\n\n", "latin1")
export const PACK_HEADER = FILE_MAGIC.length
/** Begins every record: then the length (uint32, little endian) and the sha256 of the bytes that follow. */
const RECORD_MAGIC = 0x0a424c42
export const RECORD_HEADER = 40
const BUFFER_BYTES = 4 << 20
/** After so many bytes the disk is asked to begin. */
const BEGIN_BYTES = 16 << 20

export interface PackRecord {
  readonly digest: string
  /** Where the bytes begin, behind the header. */
  readonly offset: number
  readonly bytes: number
}

let count = 0

/** The name that a new pack of this process gets: who writes it is told by its name. */
const newPackPath = (): string => `packs/${Date.now().toString(36)}-${processToken()}-${count++}.pack`

/** Whether a record begins with the header of these bytes. */
export const isHeaderOf = (record: Buffer, digest: string, bytes: number): boolean =>
  record.readUInt32LE(0) === RECORD_MAGIC &&
  record.readUInt32LE(4) === bytes &&
  record.toString("hex", 8, RECORD_HEADER) === digest

/** A pack that this process appends to. What was appended is on the disk after `sync`, and not before. */
export class PackWriter {
  /** Relative to the store. */
  readonly path: string
  readonly #folder: string
  readonly #file: string
  readonly #fd: number
  readonly #buffer: Buffer<ArrayBuffer>
  #buffered = 0
  #written = 0
  #begun = 0
  #writeback: Writeback | undefined
  #dirty = false
  #fresh = true

  constructor(root: string, buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)) {
    this.path = newPackPath()
    claimFile(this.path)
    this.#folder = join(root, "packs")
    ensureFolder(this.#folder)
    this.#file = join(root, this.path)
    this.#fd = fs.openSync(this.#file, "wx")
    this.#buffer = buffer
    FILE_MAGIC.copy(buffer)
    this.#buffered = FILE_MAGIC.length
  }

  /** The buffer, for the next pack of this writer's owner. */
  get buffer(): Buffer<ArrayBuffer> {
    return this.#buffer
  }

  get size(): number {
    return this.#written + this.#buffered
  }

  /** Appends a record; the bytes are copied. Gives the offset of the bytes. */
  append(digest: Uint8Array, bytes: Uint8Array): number {
    if (this.#buffered + RECORD_HEADER + bytes.length > this.#buffer.length) this.drain()
    const at = this.#buffered
    const offset = this.#written + at + RECORD_HEADER
    this.#buffer.writeUInt32LE(RECORD_MAGIC, at)
    this.#buffer.writeUInt32LE(bytes.length, at + 4)
    this.#buffer.set(digest, at + 8)
    this.#dirty = true
    if (RECORD_HEADER + bytes.length > this.#buffer.length - at) {
      this.#buffered = at + RECORD_HEADER
      this.drain()
      writeAll(this.#fd, bytes)
      this.#written += bytes.length
    } else {
      this.#buffer.set(bytes, at + RECORD_HEADER)
      this.#buffered = at + RECORD_HEADER + bytes.length
    }
    return offset
  }

  /** A copy of bytes that are not written yet; undefined where they have to be read from the file. */
  waiting(offset: number, bytes: number): Uint8Array | undefined {
    const at = offset - this.#written
    return at < 0 ? undefined : new Uint8Array(this.#buffer.subarray(at, at + bytes))
  }

  drain(): void {
    if (this.#buffered === 0) return
    writeAll(this.#fd, this.#buffer.subarray(0, this.#buffered))
    this.#written += this.#buffered
    this.#buffered = 0
    if (this.#written - this.#begun >= BEGIN_BYTES) this.#beginWriting()
  }

  #beginWriting(): void {
    this.#begun = this.#written
    this.#writeback ??= new Writeback(this.#file)
    this.#writeback.begin()
  }

  sync(): void {
    if (!this.#dirty) return
    this.drain()
    fs.fsyncSync(this.#fd)
    if (this.#fresh) syncFolder(this.#folder)
    this.#fresh = false
    this.#dirty = false
  }

  close(): void {
    this.#writeback?.end()
    fs.closeSync(this.#fd)
    releaseFile(this.path)
  }
}

/**
 * Lets the disk begin while more is put, so that `sync` waits for less. Through a descriptor of its own: an error of
 * the disk is told once to each, and `sync` has to get it.
 */
class Writeback {
  readonly #fd: number
  #pending = 0
  #ended = false

  constructor(file: string) {
    this.#fd = fs.openSync(file, "r")
  }

  begin(): void {
    this.#pending++
    fs.fdatasync(this.#fd, () => {
      this.#pending--
      this.#closeWhenDone()
    })
  }

  end(): void {
    this.#ended = true
    this.#closeWhenDone()
  }

  /** Not before: the number would be given to another file. */
  #closeWhenDone(): void {
    if (this.#ended && this.#pending === 0) fs.closeSync(this.#fd)
  }
}

const MAGIC_BYTES = Buffer.alloc(4)
MAGIC_BYTES.writeUInt32LE(RECORD_MAGIC)

/**
 * The records of a pack that are whole, each checked against its digest. Behind a damaged one the next header is
 * looked for. A pack of an earlier version has no headers and gives nothing.
 */
export const scanPack = (path: string, found: (record: PackRecord) => void): void => {
  // A pack is little more than 256 MiB.
  const pack = fs.readFileSync(path)
  for (let at = pack.indexOf(MAGIC_BYTES); at >= 0; at = pack.indexOf(MAGIC_BYTES, at)) {
    const offset = at + RECORD_HEADER
    const bytes = offset <= pack.length ? pack.readUInt32LE(at + 4) : Infinity
    const digest = pack.toString("hex", at + 8, at + 40)
    if (offset + bytes <= pack.length && digestOf(pack.subarray(offset, offset + bytes)) === digest) {
      found({ digest, offset, bytes })
      at = offset + bytes
    } else at++
  }
}
