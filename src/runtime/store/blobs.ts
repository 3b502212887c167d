import * as fs from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import type { BlobRef } from "../../schema/blob.ts"
import { digestOf } from "../../schema/digest.ts"
import { transaction } from "./database.ts"
import { StoreDamaged } from "./errors.ts"

/** Blobs of this size and more are files of their own. */
export const LOOSE_BYTES = 1 << 20
const PACK_BYTES = 256 << 20
const BUFFER_BYTES = 4 << 20

interface Place {
  readonly pack: string | null
  readonly offset: number
  readonly bytes: number
}

/** Where a blob is a file of its own. */
export const objectPath = (root: string, digest: string): string =>
  join(root, "objects", digest.slice(0, 2), digest.slice(2))
export const packPath = (root: string, pack: string): string => join(root, "packs", `${pack}.pack`)

const syncFolder = (folder: string): void => {
  const fd = fs.openSync(folder, "r")
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

const writeAll = (fd: number, bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(fd, bytes, at, bytes.length - at)
}

/** Writes a file so that its name only ever stands for the whole content: temporary file, fsync, rename, fsync. */
export const publishFile = (root: string, path: string, bytes: Uint8Array): void => {
  const temporary = join(root, "tmp", `${process.pid}-${crypto.randomUUID()}`)
  fs.mkdirSync(join(root, "tmp"), { recursive: true })
  const fd = fs.openSync(temporary, "wx")
  try {
    writeAll(fd, bytes)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
  fs.mkdirSync(join(path, ".."), { recursive: true })
  fs.renameSync(temporary, path)
  syncFolder(join(path, ".."))
}

/**
 * The blobs of a store. Small ones are appended to a pack file that only this process writes; `flush` makes the
 * bytes durable first and only then, in one transaction, findable. Whatever a crash leaves behind in a pack is
 * never referred to.
 */
export class BlobStore {
  readonly #root: string
  readonly #db: DatabaseSync
  readonly #find
  readonly #insert
  readonly #readers = new Map<string, number>()
  #pending = new Map<string, { readonly place: Place; readonly bytes?: Uint8Array }>()
  #buffer: Array<Uint8Array> = []
  #buffered = 0
  #pack: { readonly name: string; readonly fd: number; size: number; fresh: boolean } | undefined
  /** Set by a failed write: what was put since the last flush may be lost, so nothing may be published any more. */
  #broken: unknown

  constructor(root: string, db: DatabaseSync) {
    this.#root = root
    this.#db = db
    this.#find = db.prepare("SELECT pack, offset, bytes FROM blobs WHERE digest = ?")
    this.#insert = db.prepare("INSERT OR IGNORE INTO blobs (digest, pack, offset, bytes) VALUES (?, ?, ?, ?)")
  }

  /** Whether the blob is in the store (or about to be, by this process). */
  has(digest: string): boolean {
    return this.#pending.has(digest) || this.#find.get(digest) !== undefined
  }

  size(digest: string): number | undefined {
    return this.#place(digest)?.bytes
  }

  put(bytes: Uint8Array, media?: string): BlobRef {
    this.#refuseIfBroken()
    const digest = digestOf(bytes)
    const ref: BlobRef = { $blob: digest, bytes: bytes.length, ...(media === undefined ? {} : { media }) }
    if (this.has(digest)) return ref
    if (bytes.length >= LOOSE_BYTES) {
      publishFile(this.#root, objectPath(this.#root, digest), bytes)
      this.#pending.set(digest, { place: { pack: null, offset: 0, bytes: bytes.length } })
      return ref
    }
    const pack = this.#currentPack()
    const copy = Uint8Array.from(bytes)
    this.#pending.set(digest, {
      place: { pack: pack.name, offset: pack.size, bytes: bytes.length },
      bytes: copy,
    })
    this.#buffer.push(copy)
    this.#buffered += copy.length
    pack.size += copy.length
    if (this.#buffered >= BUFFER_BYTES) this.#drain()
    return ref
  }

  /** The bytes of a blob, checked against the digest. */
  get(digest: string): Uint8Array {
    const waiting = this.#pending.get(digest)?.bytes
    if (waiting !== undefined) return waiting
    for (let attempt = 0; ; attempt++) {
      const place = this.#place(digest)
      if (place === undefined) {
        throw new StoreDamaged({ digest, message: `blob ${digest} is not in the store` })
      }
      try {
        const bytes = this.#read(digest, place)
        if (bytes.length === place.bytes && digestOf(bytes) === digest) return bytes
        throw new StoreDamaged({
          digest,
          message: `blob ${digest} is damaged (${place.pack === null ? objectPath(this.#root, digest) : `${packPath(this.#root, place.pack)} at ${place.offset}`}): run \`dag cache verify --repair\``,
        })
      } catch (error) {
        // A collector may have moved it between the look-up and the read: look once more.
        const gone = error instanceof Error && "code" in error && error.code === "ENOENT"
        if (!gone || attempt > 0) {
          if (!gone) throw error
          throw new StoreDamaged({
            digest,
            message: `the file that held blob ${digest} is gone: run \`dag cache verify --repair\``,
          })
        }
      }
    }
  }

  /**
   * Makes everything put so far durable, then visible to all processes; `also` writes to the index in the same
   * transaction, so that what it says of the blobs is true or not there.
   */
  flush(also?: () => void): void {
    this.#refuseIfBroken()
    if (this.#pending.size === 0) {
      if (also !== undefined) transaction(this.#db, also)
      return
    }
    this.#drain()
    this.#syncPack()
    const pending = this.#pending
    transaction(this.#db, () => {
      for (const [digest, { place }] of pending)
        this.#insert.run(digest, place.pack, place.offset, place.bytes)
      also?.()
    })
    this.#pending = new Map()
    if (this.#pack !== undefined && this.#pack.size >= PACK_BYTES) this.#closePack()
  }

  /** Copies blobs into the current pack and points the index there, in one transaction; the old copies stay. */
  move(digests: ReadonlyArray<string>): void {
    const moved: Array<readonly [string, Place]> = []
    for (const digest of digests) {
      const bytes = this.get(digest)
      const pack = this.#currentPack()
      moved.push([digest, { pack: pack.name, offset: pack.size, bytes: bytes.length }])
      this.#buffer.push(bytes)
      this.#buffered += bytes.length
      pack.size += bytes.length
      if (this.#buffered >= BUFFER_BYTES) this.#drain()
    }
    this.#drain()
    this.#syncPack()
    const point = this.#db.prepare("UPDATE blobs SET pack = ?, offset = ? WHERE digest = ?")
    transaction(this.#db, () => {
      for (const [digest, place] of moved) point.run(place.pack, place.offset, digest)
    })
  }

  close(): void {
    if (this.#broken === undefined) this.flush()
    this.#closePack()
    for (const fd of this.#readers.values()) fs.closeSync(fd)
    this.#readers.clear()
  }

  #place(digest: string): Place | undefined {
    const waiting = this.#pending.get(digest)
    if (waiting !== undefined) return waiting.place
    const row = this.#find.get(digest)
    if (row === undefined) return undefined
    return { pack: row["pack"] as string | null, offset: Number(row["offset"]), bytes: Number(row["bytes"]) }
  }

  #read(digest: string, place: Place): Uint8Array {
    if (place.pack === null) return fs.readFileSync(objectPath(this.#root, digest))
    let fd = this.#readers.get(place.pack)
    if (fd === undefined) {
      fd = fs.openSync(packPath(this.#root, place.pack), "r")
      this.#readers.set(place.pack, fd)
    }
    const bytes = new Uint8Array(place.bytes)
    for (let at = 0; at < bytes.length;) {
      const got = fs.readSync(fd, bytes, at, bytes.length - at, place.offset + at)
      if (got === 0) return bytes.subarray(0, at)
      at += got
    }
    return bytes
  }

  #currentPack() {
    if (this.#pack === undefined) {
      fs.mkdirSync(join(this.#root, "packs"), { recursive: true })
      const name = `${Date.now().toString(36)}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`
      this.#pack = { name, fd: fs.openSync(packPath(this.#root, name), "wx"), size: 0, fresh: true }
    }
    return this.#pack
  }

  #drain(): void {
    if (this.#pack === undefined || this.#buffered === 0) return
    const { fd } = this.#pack
    this.#orBreak(() => writeAll(fd, Buffer.concat(this.#buffer)))
    this.#buffer = []
    this.#buffered = 0
  }

  #orBreak(write: () => void): void {
    try {
      write()
    } catch (error) {
      this.#broken = error
      throw error
    }
  }

  #refuseIfBroken(): void {
    if (this.#broken !== undefined) throw this.#broken
  }

  #syncPack(): void {
    const pack = this.#pack
    if (pack === undefined) return
    this.#orBreak(() => {
      fs.fsyncSync(pack.fd)
      if (pack.fresh) syncFolder(join(this.#root, "packs"))
    })
    pack.fresh = false
  }

  #closePack(): void {
    if (this.#pack === undefined) return
    fs.closeSync(this.#pack.fd)
    this.#pack = undefined
  }
}
