import { statSync } from "node:fs"
import { join } from "node:path"
import { processState, processToken } from "../process-token.ts"

/** Files that this process is writing, relative to their stores. Names are unique, so that stores need not be told apart. */
const claimed = new Set<string>()
export const claimFile = (path: string): void => void claimed.add(path)
export const releaseFile = (path: string): void => void claimed.delete(path)

/** The process that writes, or wrote, a file of the store; undefined for files of earlier versions. */
const writerOf = (path: string): string | undefined =>
  /[-.]([0-9a-f]{8}\.\d+\.[0-9a-f]{8})-\d+(?:\.pack)?$/u.exec(path)?.[1]

/** Whether the records of a pack have headers: those of earlier versions, with names of another form, have none. */
export const hasHeaders = (pack: string): boolean => writerOf(pack) !== undefined

/** A process of another machine can not be asked: a file that it has not touched for this long is taken as ended. */
const FOREIGN = 7 * 24 * 3_600_000

/** Whether somebody may still write to a file of the store, or be about to tell the index of it. */
export const isBeingWritten = (root: string, path: string): boolean => {
  const writer = writerOf(path)
  if (writer === processToken()) return claimed.has(path)
  const state = writer === undefined ? "unknown" : processState(writer)
  if (state !== "unknown") return state === "live"
  const touched = statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs
  return touched !== undefined && writer !== undefined && touched > Date.now() - FOREIGN
}
