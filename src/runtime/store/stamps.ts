import { readdirSync, readFileSync, statSync, type BigIntStats } from "node:fs"
import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import { digestOf, digestRecord, type Digest } from "../../schema/digest.ts"

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

  #folder(path: string): Digest {
    const entries: Array<readonly [string, string, boolean]> = []
    const walk = (folder: string, as: string): void => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const at = join(folder, entry.name)
        const name = as === "" ? entry.name : `${as}/${entry.name}`
        const stat = statSync(at, { bigint: true })
        if (stat.isDirectory()) walk(at, name)
        else entries.push([name, this.#file(at, stat), (stat.mode & 0o111n) !== 0n])
      }
    }
    walk(path, "")
    entries.sort((a, b) => (a[0] < b[0] ? -1 : 1))
    return digestRecord("folder", entries)
  }

  #file(path: string, stat: BigIntStats): Digest {
    const stamp = `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`
    const known = this.#find.get(path, stamp)
    if (known !== undefined) return known["digest"] as Digest
    const digest = digestOf(readFileSync(path))
    const newest = Number((stat.mtimeNs > stat.ctimeNs ? stat.mtimeNs : stat.ctimeNs) / 1_000_000n)
    if (newest < this.#now() - 2000) this.#remember.run(path, stamp, digest)
    return digest
  }
}
