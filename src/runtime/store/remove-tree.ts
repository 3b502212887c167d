import { chmodSync, lstatSync, readdirSync, rmSync, type Dirent } from "node:fs"
import { chmod, readdir, rmdir, unlink } from "node:fs/promises"
import { join } from "node:path"

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined

/**
 * Removes a folder with all that is in it, folders that are read-only as well (inputs are laid out so). Others have
 * their turn meanwhile: next to a disk that is busy, each removal may take a millisecond. One that is not there is no
 * error.
 */
export const removeTree = async (folder: string): Promise<void> => {
  try {
    await empty(folder)
  } catch (error) {
    if (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM") throw error
    await chmod(folder, 0o700)
    await empty(folder)
  }
}

const empty = async (folder: string): Promise<void> => {
  let entries: ReadonlyArray<Dirent>
  try {
    entries = await readdir(folder, { withFileTypes: true })
  } catch (error) {
    if (codeOf(error) === "ENOENT") return
    throw error
  }
  await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? removeTree(path) : unlink(path)
    }),
  )
  await rmdir(folder)
}

/** The same at once, for what is removed seldom; a file as well. */
export const removeNow = (path: string): void => {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    if (codeOf(error) !== "EACCES" && codeOf(error) !== "EPERM") throw error
    open(path)
    rmSync(path, { recursive: true, force: true })
  }
}

const open = (path: string): void => {
  if (!lstatSync(path).isDirectory()) return
  chmodSync(path, 0o700)
  for (const name of readdirSync(path)) open(join(path, name))
}
