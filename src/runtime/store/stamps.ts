import { readFileSync, statSync, type BigIntStats } from "node:fs"
import type { DatabaseSync } from "node:sqlite"
import { digestOf, digestRecord, type Digest } from "../../schema/digest.ts"
import { digestOfFile, LARGE_BYTES } from "./large-file.ts"
import { walk } from "./walk.ts"

/**
 * Digests of files of the project, by content. A digest is remembered under the file's stamp (size, mtime, ctime,
 * inode); a stamp younger than two seconds is not trusted, since a later write could leave it the same ("racy
 * timestamps"). Touching a file costs one more hash and nothing else.
 */
export class FileDigests {
  readonly #find
  readonly #remember
  readonly #now: () => number

  constructor(db: DatabaseSync, now: () => number = Date.now) {
    this.#find = db.prepare("SELECT digest FROM stamps WHERE path = ? AND stamp = ?")
    this.#remember = db.prepare("INSERT OR REPLACE INTO stamps (path, stamp, digest) VALUES (?, ?, ?)")
    this.#now = now
  }

  /** Digest of a file or a folder (of its relative paths, executable bits and contents). Throws what `stat` throws. */
  digest(path: string): Digest {
    const stat = statSync(path, { bigint: true })
    return stat.isDirectory() ? this.#folder(path) : this.#file(path, stat)
  }

  /** The digest of a file, where its stamp tells. */
  known(path: string, stat: BigIntStats): Digest | undefined {
    return this.#find.get(path, stampOf(stat))?.["digest"] as Digest | undefined
  }

  /** Keeps the digest of a file that was read after `stat`, unless its stamp is too young to be trusted. */
  remember(path: string, stat: BigIntStats, digest: Digest): void {
    const newest = Number((stat.mtimeNs > stat.ctimeNs ? stat.mtimeNs : stat.ctimeNs) / 1_000_000n)
    if (newest < this.#now() - 2000) this.#remember.run(path, stampOf(stat), digest)
  }

  #folder(path: string): Digest {
    const entries = Array.from(
      walk(path),
      ({ file, path: name, stat }) => [name, this.#file(file, stat), (stat.mode & 0o111n) !== 0n] as const,
    )
    entries.sort((a, b) => (a[0] < b[0] ? -1 : 1))
    return digestRecord("folder", entries)
  }

  #file(path: string, stat: BigIntStats): Digest {
    const known = this.known(path, stat)
    if (known !== undefined) return known
    const digest = stat.size < LARGE_BYTES ? digestOf(readFileSync(path)) : digestOfFile(path).digest
    this.remember(path, stat, digest)
    return digest
  }
}

const stampOf = (stat: BigIntStats): string => `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`
