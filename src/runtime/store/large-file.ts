import * as fs from "node:fs"
import { join } from "node:path"
import { digestStream, type Digest } from "../../schema/digest.ts"
import { processToken } from "../process-token.ts"
import { claimFile, releaseFile } from "./own-files.ts"
import { ensureFolder, publishAs, writeAll, writeNewFile } from "./durable-files.ts"

/** Blobs of this size and more are files of their own. */
export const LARGE_BYTES = 1 << 20
const PART_BYTES = 1 << 20

let count = 0

/**
 * The name of a new file for a large blob, relative to the store. No two files ever have one name, even of one
 * content: whoever deletes a file that the index has dropped can not hit the one that another has just written.
 */
const newPath = (digest: string): string => {
  const path = `objects/${digest.slice(0, 2)}/${digest.slice(2)}.${processToken()}-${count++}`
  claimFile(path)
  return path
}

/** A new name for a file that is not published yet. */
export const temporaryPath = (root: string): string => {
  const folder = join(root, "tmp")
  fs.mkdirSync(folder, { recursive: true })
  return join(folder, `${process.pid}-${crypto.randomUUID()}`)
}

/** Writes a large blob, durably; gives its path relative to the store. */
export const writeLarge = (root: string, digest: string, bytes: Uint8Array): string => {
  const path = newPath(digest)
  try {
    writeNewFile(join(root, path), bytes)
  } catch (error) {
    fs.rmSync(join(root, path), { force: true })
    releaseFile(path)
    throw error
  }
  return path
}

/** Moves a file of the store's own file system into its place, durably. */
export const adoptLarge = (root: string, digest: string, from: string): string => {
  const path = newPath(digest)
  publishAs(from, join(root, path))
  return path
}

/** Digest and size of a file, read in parts. */
export const digestOfFile = (path: string): { readonly digest: Digest; readonly bytes: number } => {
  const fd = fs.openSync(path, "r")
  try {
    const hash = digestStream()
    const part = Buffer.allocUnsafeSlow(PART_BYTES)
    let bytes = 0
    for (;;) {
      const got = fs.readSync(fd, part, 0, part.length, bytes)
      if (got === 0) return { digest: hash.done(), bytes }
      hash.update(part.subarray(0, got))
      bytes += got
    }
  } finally {
    fs.closeSync(fd)
  }
}

/** Copies a file by reference where the file system can, else by its bytes; the copy shares nothing that can change. */
export const copyFile = (from: string, to: string): void =>
  fs.copyFileSync(from, to, fs.constants.COPYFILE_FICLONE)

/** Writes what a stream gives to a new temporary file. The caller publishes or removes it. */
export const spool = async (
  root: string,
  parts: AsyncIterable<Uint8Array>,
): Promise<{ readonly path: string; readonly digest: Digest; readonly bytes: number }> => {
  ensureFolder(join(root, "tmp"))
  const path = temporaryPath(root)
  const fd = fs.openSync(path, "wx")
  const hash = digestStream()
  let bytes = 0
  try {
    for await (const part of parts) {
      writeAll(fd, part)
      hash.update(part)
      bytes += part.length
    }
  } catch (error) {
    fs.rmSync(path, { force: true })
    throw error
  } finally {
    fs.closeSync(fd)
  }
  return { path, digest: hash.done(), bytes }
}
