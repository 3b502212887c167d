import { lstatSync, readdirSync, type Dirent } from "node:fs"
import { digestStream } from "../../schema/digest.ts"

export interface FolderStamp {
  /** Digest of the names and stamps (size, times, inode, mode) of everything in the folder. */
  readonly stamp: string
  /** The newest time of a file, Unix ms. */
  readonly newest: number
}

/** Numbers a file is stamped with. */
const FIELDS = 5

/**
 * The stamp of a whole folder: as long as it is the same, so is what was computed of the folder. One `lstat` a file
 * and nothing else, since this is what an unchanged folder of a hundred thousand files costs. Undefined where there
 * are links: what they point at has to be looked at as well.
 */
export const folderStamp = (root: string): FolderStamp | undefined => {
  const hash = digestStream()
  let newest = 0
  const folder = (at: string): boolean => {
    const entries = readdirSync(at, { withFileTypes: true })
    const stamps = new Float64Array(entries.length * FIELDS)
    const folders: Array<Dirent> = []
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]
      if (entry.isDirectory()) folders.push(entry)
      else if (!entry.isFile()) return false
      else {
        const { size, mtimeMs, ctimeMs, ino, mode } = lstatSync(`${at}/${entry.name}`)
        stamps.set([size, mtimeMs, ctimeMs, ino, mode], i * FIELDS)
        if (mtimeMs > newest) newest = mtimeMs
        if (ctimeMs > newest) newest = ctimeMs
      }
    }
    // No name holds a zero, so names and numbers cannot be taken for each other.
    hash.update(Buffer.from(`${entries.map(({ name }) => name).join("\0")}\0\0`))
    hash.update(new Uint8Array(stamps.buffer))
    return folders.every((entry) => folder(`${at}/${entry.name}`))
  }
  return folder(root) ? { stamp: hash.done(), newest } : undefined
}
