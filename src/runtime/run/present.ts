import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { OutputRecord } from "../../schema/trace.ts"
import type { FileEntry } from "../handles.ts"
import { materialize, readFiles } from "../store/artifacts.ts"
import { removeNow } from "../store/remove-tree.ts"
import type { OpenStore } from "../store/store.ts"

/** A path that a person can open, made of an artifact of files. */
export interface Presented {
  readonly node: string
  readonly path: string
}

const safeName = (node: string): string => node.replaceAll(/[^A-Za-z0-9._=,-]/gu, "_")

/**
 * Lays an artifact of files where a person finds it: `out/NODE/…` under the store. Swapped in whole, and left alone
 * when it is already there.
 */
export const present = (store: OpenStore, node: string, output: OutputRecord): Presented => {
  const folder = join(store.root, "out", safeName(node))
  const mark = join(folder, ".digest")
  const { entries } = readFiles(store.blobs, output.digest, async () => folder)
  const path = join(folder, mainFile(entries))
  if (readIfThere(mark) === output.digest) return { node, path }
  const fresh = `${folder}.${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  materialize(store.blobs, entries, fresh)
  writeFileSync(join(fresh, ".digest"), output.digest)
  swapIn(fresh, folder)
  return { node, path }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined

/** Another process may take the folder away between a look and a reading. */
const readIfThere = (path: string): string | undefined => {
  try {
    return readFileSync(path, "utf8")
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  }
}

/** Puts a folder in the place of another, where other processes may be doing the same. */
const swapIn = (fresh: string, folder: string): void => {
  for (let attempt = 0; ; attempt++) {
    try {
      removeNow(folder)
      return renameSync(fresh, folder)
    } catch (error) {
      if (attempt === 20 || !["ENOTEMPTY", "EEXIST"].includes(String(codeOf(error)))) throw error
    }
  }
}

/** The one file, the first page, or the folder itself. */
const mainFile = (entries: ReadonlyArray<FileEntry>): string => {
  if (entries.length === 1) return entries[0].path === "" ? "file" : entries[0].path
  return entries.find(({ path }) => /\.html?$/u.test(path) && !path.includes("/"))?.path ?? ""
}
