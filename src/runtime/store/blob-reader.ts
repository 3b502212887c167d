import * as fs from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { digestOf } from "../../schema/digest.ts"
import { LARGE_BYTES } from "./large-file.ts"
import { StoreDamaged } from "./errors.ts"

/** Packs kept open for reading. */
const MOST_OPEN = 64

/** Where the index says a blob lies. `path` is relative to the store. */
export interface Place {
  readonly path: string
  readonly offset: number
  readonly bytes: number
  readonly epoch: number
}

/** Reads blobs where the index says they are. */
export class BlobReader {
  readonly #root: string
  readonly #find
  readonly #known
  readonly #pathOf
  /** Numbers of packs are never given twice, so what was known of one stays true until it is gone. */
  readonly #paths = new Map<number, string>()
  readonly #open = new Map<string, number>()

  constructor(root: string, db: DatabaseSync) {
    this.#root = root
    this.#find = db.prepare("SELECT pack, offset, bytes, epoch FROM blobs WHERE digest = ?")
    this.#known = db.prepare("SELECT 1 FROM blobs WHERE digest = ?")
    this.#pathOf = db.prepare("SELECT path FROM packs WHERE id = ?")
  }

  has(digest: string): boolean {
    return this.#known.get(Buffer.from(digest, "hex")) !== undefined
  }

  place(digest: string): Place | undefined {
    const row = this.#find.get(Buffer.from(digest, "hex"))
    if (row === undefined) return undefined
    const path = this.#path(Number(row["pack"]))
    return { path, offset: Number(row["offset"]), bytes: Number(row["bytes"]), epoch: Number(row["epoch"]) }
  }

  /** The file that holds a blob alone. */
  fileOf(digest: string): string | undefined {
    const path = this.place(digest)?.path
    return path?.startsWith("objects/") === true ? path : undefined
  }

  /** The bytes of a blob, checked. Throws `StoreDamaged`. */
  read(digest: string): Uint8Array {
    for (let attempt = 0; ; attempt++) {
      const place = this.place(digest)
      if (place === undefined)
        throw new StoreDamaged({ digest, message: `blob ${digest} is not in the store` })
      try {
        return this.readAt(digest, place)
      } catch (error) {
        // A collector may have moved it between the look-up and the read: look once more.
        if (!isGone(error)) throw error
        if (attempt > 2)
          throw new StoreDamaged({
            digest,
            message: `${place.path}, which held blob ${digest}, is gone: run \`dag cache verify --repair\``,
          })
      }
    }
  }

  readAt(digest: string, place: Omit<Place, "epoch">): Uint8Array {
    const bytes = this.#bytes(place)
    if (bytes.length === place.bytes && digestOf(bytes) === digest) return bytes
    throw new StoreDamaged({ digest, message: this.damage(digest, `${place.path} at ${place.offset}`) })
  }

  damage(digest: string, where: string): string {
    return `blob ${digest} is damaged (${join(this.#root, where)}): run \`dag cache verify --repair\``
  }

  close(): void {
    for (const fd of this.#open.values()) fs.closeSync(fd)
    this.#open.clear()
  }

  #path(pack: number): string {
    let path = this.#paths.get(pack)
    if (path === undefined) {
      path = String(this.#pathOf.get(pack)?.["path"] ?? `packs/(number ${pack})`)
      this.#paths.set(pack, path)
    }
    return path
  }

  #bytes({ path, offset, bytes }: Omit<Place, "epoch">): Uint8Array {
    if (path.startsWith("objects/")) {
      const whole = fs.readFileSync(join(this.#root, path))
      return new Uint8Array(whole.buffer, whole.byteOffset, whole.byteLength)
    }
    // No blob of a pack is as large: the index is damaged.
    if (!(bytes >= 0 && bytes < LARGE_BYTES && offset >= 0)) return new Uint8Array()
    const fd = this.#pack(path)
    const into = new Uint8Array(bytes)
    for (let at = 0; at < bytes;) {
      const got = fs.readSync(fd, into, at, bytes - at, offset + at)
      if (got === 0) return into.subarray(0, at)
      at += got
    }
    return into
  }

  #pack(path: string): number {
    let fd = this.#open.get(path)
    if (fd !== undefined) this.#open.delete(path)
    else {
      fd = fs.openSync(join(this.#root, path), "r")
      if (this.#open.size >= MOST_OPEN) {
        const [oldest, other] = this.#open.entries().next().value!
        fs.closeSync(other)
        this.#open.delete(oldest)
      }
    }
    this.#open.set(path, fd)
    return fd
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT"
