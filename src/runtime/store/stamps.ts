import { readFileSync, statSync, type BigIntStats } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { digestOf, digestRecord, type Digest } from "../../schema/digest.ts"
import { transaction } from "./database.ts"
import { folderStamp } from "./folder-stamp.ts"
import { digestOfFile, LARGE_BYTES } from "./large-file.ts"
import { walk } from "./walk.ts"

/** A file that was read, with its stamp from before. */
export interface ReadFile {
  readonly file: string
  readonly stat: BigIntStats
  readonly digest: Digest
}

/** A stamp younger than this, in ms, may be that of a later write as well. */
const RACY = 2000

/**
 * Digests of files of the project, by content. A digest is remembered under the file's stamp (size, mtime, ctime,
 * inode); a stamp younger than two seconds is not trusted, since a later write could leave it the same ("racy
 * timestamps"). Touching a file costs one more hash and nothing else.
 */
export class FileDigests {
  readonly #db: DatabaseSync
  readonly #find
  readonly #remember
  readonly #now: () => number

  constructor(db: DatabaseSync, now: () => number = Date.now) {
    this.#db = db
    this.#find = db.prepare("SELECT digest FROM stamps WHERE path = ? AND stamp = ?")
    this.#remember = db.prepare("INSERT OR REPLACE INTO stamps (path, stamp, digest) VALUES (?, ?, ?)")
    this.#now = now
  }

  /** Digest of a file or a folder (of its relative paths, executable bits and contents). Throws what `stat` throws. */
  digest(path: string): Digest {
    const since = this.now()
    const stat = statSync(path, { bigint: true })
    if (stat.isDirectory()) return this.#folder(path, since)
    const read: Array<ReadFile> = []
    const digest = this.#file(path, stat, read)
    this.remember(read, since)
    return digest
  }

  /** The clock that stamps are judged by, Unix ms. */
  now(): number {
    return this.#now()
  }

  /** The digest of a file, where its stamp tells. */
  known(path: string, stat: BigIntStats): Digest | undefined {
    return this.#find.get(path, stampOf(stat))?.["digest"] as Digest | undefined
  }

  /**
   * Keeps the digests of files that were read after `stat`, but for those whose stamps are too young to be trusted.
   * @param since the time before the first of them was looked at: reading them may have taken long
   */
  remember(files: ReadonlyArray<ReadFile>, since: number): void {
    const trusted = files.filter(({ stat }) => {
      const newest = Number((stat.mtimeNs > stat.ctimeNs ? stat.mtimeNs : stat.ctimeNs) / 1_000_000n)
      return newest < since - RACY
    })
    if (trusted.length === 0) return
    transaction(this.#db, () => {
      for (const { file, stat, digest } of trusted) this.#remember.run(file, stampOf(stat), digest)
    })
  }

  #folder(path: string, since: number): Digest {
    const scanned = folderStamp(path)
    const key = `${path}/`
    const known = scanned === undefined ? undefined : this.#find.get(key, scanned.stamp)
    if (known !== undefined) return known["digest"] as Digest
    const digest = this.#folderOf(path, since)
    const settled = scanned !== undefined && scanned.newest < since - RACY
    if (settled && folderStamp(path)?.stamp === scanned.stamp) this.#remember.run(key, scanned.stamp, digest)
    return digest
  }

  #folderOf(path: string, since: number): Digest {
    const read: Array<ReadFile> = []
    const entries = Array.from(
      walk(path),
      ({ file, path: name, stat }) =>
        [name, this.#file(file, stat, read), (stat.mode & 0o111n) !== 0n] as const,
    )
    this.remember(read, since)
    entries.sort((a, b) => (a[0] < b[0] ? -1 : 1))
    return digestRecord("folder", entries)
  }

  #file(file: string, stat: BigIntStats, read: Array<ReadFile>): Digest {
    const known = this.known(file, stat)
    if (known !== undefined) return known
    const digest = stat.size < LARGE_BYTES ? digestOf(readFileSync(file)) : digestOfFile(file).digest
    read.push({ file, stat, digest })
    return digest
  }
}

const stampOf = (stat: BigIntStats): string => `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`
