import * as fs from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import type { BlobRef } from "../../schema/blob.ts"
import { digestOf } from "../../schema/digest.ts"
import { BlobReader } from "./blob-reader.ts"
import { transaction } from "./database.ts"
import { currentEpoch } from "./epoch.ts"
import { StoreDamaged } from "./errors.ts"
import {
  adoptLarge,
  copyFile,
  digestOfFile,
  LARGE_BYTES,
  spool,
  temporaryPath,
  writeLarge,
} from "./large-file.ts"
import { releaseFile } from "./own-files.ts"
import { PackWriter } from "./pack.ts"

const PACK_BYTES = 256 << 20
/** What is put is made durable and findable after so many blobs or bytes, even if nobody asks for it. */
const FLUSH_BLOBS = 32_768
const FLUSH_BYTES = 192 << 20
/** Bytes of blobs that were there already and are held until it is sure that they stay. */
const HELD_BYTES = 32 << 20

/** A blob that this process has written and not yet told of. */
interface Pending {
  /** Null: in the current pack; else the file that holds it alone, relative to the store. */
  readonly file: string | null
  readonly offset: number
  readonly bytes: number
}

const key = (digest: string): Buffer => Buffer.from(digest, "hex")

/**
 * The blobs of a store. Small ones are appended to a pack that only this process writes, large ones are files of
 * their own; `flush` makes the bytes durable first and only then, in one transaction, findable. Whatever a crash
 * leaves behind is never referred to.
 *
 * A blob that is there already is not written again but touched (`epoch`), so that a collector knows it is in use;
 * should it have been collected before the touch, it is written after all. Whoever puts blobs holds a lease.
 */
export class BlobStore {
  readonly #root: string
  readonly #db: DatabaseSync
  readonly #reader: BlobReader
  readonly #insert
  readonly #touch
  readonly #enter
  #pending = new Map<string, Pending>()
  #held = new Map<string, Uint8Array>()
  #heldBytes = 0
  #pendingBytes = 0
  #pack: PackWriter | undefined
  #buffer: Buffer<ArrayBuffer> | undefined
  /** The epoch when the first blob since the last flush was put: rows of it or later need no touch. */
  #epoch: number | undefined
  /** Blobs that are not to be stored, whoever puts them: what was forgotten. */
  refuse: ((digest: string) => boolean) | undefined
  /** Set by a failed write: what was put since the last flush may be lost, so nothing may be published any more. */
  #broken: unknown

  constructor(root: string, db: DatabaseSync) {
    this.#root = root
    this.#db = db
    this.#reader = new BlobReader(root, db)
    this.#insert = db.prepare(
      "INSERT INTO blobs (digest, pack, offset, bytes, epoch) VALUES (?, ?, ?, ?, ?) ON CONFLICT (digest) DO UPDATE SET epoch = excluded.epoch RETURNING pack",
    )
    this.#enter = db.prepare("INSERT INTO packs (path) VALUES (?) RETURNING id")
    this.#touch = db.prepare("UPDATE blobs SET epoch = MAX(epoch, ?) WHERE digest = ?")
  }

  /** Whether a write failed: then nothing that was put since the last flush can be published. */
  get broken(): boolean {
    return this.#broken !== undefined
  }

  /** Whether the blob is in the store (or about to be, by this process). */
  has(digest: string): boolean {
    return this.#pending.has(digest) || this.#held.has(digest) || this.#reader.has(digest)
  }

  size(digest: string): number | undefined {
    return (
      this.#pending.get(digest)?.bytes ?? this.#held.get(digest)?.length ?? this.#reader.place(digest)?.bytes
    )
  }

  /** Takes a copy of the bytes; those of the caller are its own again. */
  put(bytes: Uint8Array, media?: string): BlobRef {
    this.#refuseIfBroken()
    const digest = digestOf(bytes)
    const ref: BlobRef = { $blob: digest, bytes: bytes.length, ...(media === undefined ? {} : { media }) }
    if (this.#pending.has(digest) || this.#held.has(digest) || this.refuse?.(digest) === true) return ref
    if (bytes.length >= LARGE_BYTES) {
      if (!this.#touchNow(digest))
        this.#wait(digest, {
          file: this.#orBreak(() => writeLarge(this.#root, digest, bytes)),
          offset: 0,
          bytes: bytes.length,
        })
      return ref
    }
    this.#epoch ??= currentEpoch(this.#db)
    const place = this.#reader.place(digest)
    if (place === undefined) this.#append(digest, bytes)
    else if (place.epoch < this.#epoch) this.#hold(digest, bytes)
    if (
      this.#pending.size + this.#held.size >= FLUSH_BLOBS ||
      this.#pendingBytes >= FLUSH_BYTES ||
      this.#heldBytes >= HELD_BYTES
    )
      this.flush()
    return ref
  }

  /**
   * Puts a file of any size without holding it in memory: copied by reference where the file system can. What is
   * stored is what the copy holds, whatever happens to the file meanwhile.
   */
  putFile(path: string, media?: string): BlobRef {
    this.#refuseIfBroken()
    if (fs.statSync(path).size < LARGE_BYTES) return this.put(fs.readFileSync(path), media)
    const known = digestOfFile(path)
    const ref = ({ digest, bytes }: typeof known): BlobRef => ({
      $blob: digest,
      bytes,
      ...(media === undefined ? {} : { media }),
    })
    if (this.refuse?.(known.digest) === true) return ref(known)
    if (this.#pending.has(known.digest) || this.#touchNow(known.digest)) return ref(known)
    const copy = temporaryPath(this.#root)
    try {
      this.#orBreak(() => copyFile(path, copy))
      return ref(this.#adopt(copy, digestOfFile(copy)))
    } finally {
      fs.rmSync(copy, { force: true })
    }
  }

  /** Puts what a stream gives, of any size, without holding it in memory. */
  async putStream(parts: AsyncIterable<Uint8Array>, media?: string): Promise<BlobRef> {
    this.#refuseIfBroken()
    const { path, digest, bytes } = await spool(this.#root, parts)
    try {
      if (bytes < LARGE_BYTES) return this.put(fs.readFileSync(path), media)
      const wanted = this.refuse?.(digest) !== true && !this.#pending.has(digest)
      if (wanted && !this.#touchNow(digest)) this.#adopt(path, { digest, bytes })
      return { $blob: digest, bytes, ...(media === undefined ? {} : { media }) }
    } finally {
      fs.rmSync(path, { force: true })
    }
  }

  /**
   * Says of blobs whose bytes nobody puts again that something will refer to them: a collector leaves them alone as
   * if they were put now. Gives those that are there.
   */
  keep(digests: Iterable<string>): ReadonlySet<string> {
    this.#refuseIfBroken()
    const kept = new Set<string>()
    transaction(this.#db, () => {
      const epoch = currentEpoch(this.#db)
      for (const digest of digests) {
        const waits = this.#pending.has(digest) || this.#held.has(digest)
        if (waits || this.#touch.run(epoch, key(digest)).changes === 1) kept.add(digest)
      }
    })
    return kept
  }

  /** The bytes of a blob, checked against the digest. */
  get(digest: string): Uint8Array {
    const pending = this.#pending.get(digest)
    if (pending === undefined) {
      const held = this.#held.get(digest)
      return held === undefined ? this.#reader.read(digest) : held.slice()
    }
    const place = { path: pending.file ?? this.#pack!.path, offset: pending.offset, bytes: pending.bytes }
    const waiting = pending.file === null ? this.#pack!.waiting(pending.offset, pending.bytes) : undefined
    return waiting ?? this.#reader.readAt(digest, place)
  }

  /**
   * Writes a blob to a new file, without holding it in memory where it is large; checked against the digest. The
   * file is the caller's: changing it changes nothing in the store.
   */
  copyTo(digest: string, target: string): void {
    const pending = this.#pending.get(digest)
    const file = pending === undefined ? this.#reader.fileOf(digest) : pending.file
    if (file === null || file === undefined) return fs.writeFileSync(target, this.get(digest))
    copyFile(join(this.#root, file), target)
    if (digestOfFile(target).digest === digest) return
    fs.rmSync(target, { force: true })
    throw new StoreDamaged({ digest, message: this.#reader.damage(digest, file) })
  }

  /**
   * Makes everything put so far durable, then visible to all processes; `also` writes to the index in the same
   * transaction, so that what it says of the blobs is true or not there.
   */
  flush(also?: () => void): void {
    this.#refuseIfBroken()
    if (this.#pending.size === 0 && this.#held.size === 0) {
      if (also !== undefined) transaction(this.#db, also)
      return
    }
    this.#orBreak(() => this.#pack?.sync())
    const unneeded = transaction(this.#db, () => {
      const epoch = currentEpoch(this.#db)
      for (const [digest, bytes] of this.#held)
        if (this.#touch.run(epoch, key(digest)).changes === 0) this.#append(digest, bytes)
      this.#orBreak(() => this.#pack?.sync())
      const lost = this.#tell(epoch)
      also?.()
      return lost
    })
    for (const { file } of this.#pending.values()) if (file !== null) releaseFile(file)
    this.#forget()
    for (const file of unneeded) fs.rmSync(join(this.#root, file), { force: true })
    if (this.#pack !== undefined && this.#pack.size >= PACK_BYTES) this.#closePack()
  }

  close(): void {
    try {
      if (this.#broken === undefined) this.flush()
    } finally {
      this.#closePack()
      this.#reader.close()
    }
  }

  /** Enters what waits into the index, in the order of the digests: neighbours in the tree are written together. */
  #tell(epoch: number): ReadonlyArray<string> {
    const lost: Array<string> = []
    const own = this.#pack === undefined ? 0 : this.#packId(this.#pack)
    for (const digest of [...this.#pending.keys()].sort()) {
      const { file, offset, bytes } = this.#pending.get(digest)!
      const id = file === null ? own : Number(this.#enter.get(file)!["id"])
      const kept = this.#insert.get(key(digest), id, offset, bytes, epoch)!
      if (file !== null && kept["pack"] !== id) {
        this.#db.prepare("DELETE FROM packs WHERE id = ?").run(id)
        lost.push(file)
      }
    }
    return lost
  }

  /** The number of the pack in the index; entered anew where an earlier transaction came to nothing. */
  #packId({ path }: PackWriter): number {
    if (!fs.existsSync(join(this.#root, path))) throw new Error(`${path} was removed while it was written to`)
    const known = this.#db.prepare("SELECT id FROM packs WHERE path = ?").get(path)
    return Number((known ?? this.#enter.get(path)!)["id"])
  }

  #append(digest: string, bytes: Uint8Array): void {
    if (this.#pack === undefined) {
      this.#pack = this.#orBreak(() => new PackWriter(this.#root, this.#buffer))
      this.#buffer = this.#pack.buffer
    }
    const pack = this.#pack
    const offset = this.#orBreak(() => pack.append(key(digest), bytes))
    this.#wait(digest, { file: null, offset, bytes: bytes.length })
  }

  #wait(digest: string, pending: Pending): void {
    this.#pending.set(digest, pending)
    this.#pendingBytes += pending.bytes
  }

  #hold(digest: string, bytes: Uint8Array): void {
    this.#held.set(digest, bytes.slice())
    this.#heldBytes += bytes.length
  }

  /** Touches a large blob at once, so that its bytes need not be held; false where it is not there. */
  #touchNow(digest: string): boolean {
    const place = this.#reader.place(digest)
    if (place === undefined) return false
    return this.#touch.run(currentEpoch(this.#db), key(digest)).changes === 1
  }

  #adopt<F extends { readonly digest: string; readonly bytes: number }>(path: string, found: F): F {
    if (found.bytes < LARGE_BYTES) this.put(fs.readFileSync(path))
    else
      this.#wait(found.digest, {
        file: this.#orBreak(() => adoptLarge(this.#root, found.digest, path)),
        offset: 0,
        bytes: found.bytes,
      })
    return found
  }

  #forget(): void {
    this.#pending = new Map()
    this.#held = new Map()
    this.#pendingBytes = 0
    this.#heldBytes = 0
    this.#epoch = undefined
  }

  #orBreak<A>(write: () => A): A {
    try {
      return write()
    } catch (error) {
      this.#broken ??= error
      throw error
    }
  }

  #refuseIfBroken(): void {
    if (this.#broken !== undefined) throw this.#broken
  }

  #closePack(): void {
    this.#pack?.close()
    this.#pack = undefined
  }
}
