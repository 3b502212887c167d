import fs from "node:fs"
import sqlite from "node:sqlite"
import { fileURLToPath } from "node:url"
import { precede, precedeNew, replace } from "./patch.ts"
import type { Note } from "./recorder.ts"

/** Functions that read content or names. Callback, synchronous and promise forms bear the same names. */
const READS = ["readFile", "createReadStream", "readdir", "opendir", "openAsBlob", "copyFile", "cp", "glob"]
/** Functions that tell whether and what something is. */
const PROBES = ["stat", "lstat", "statfs", "access", "exists", "realpath", "readlink", "watch", "watchFile"]

const pathOf = (value: unknown): string | undefined => {
  if (typeof value === "string") return value
  if (value instanceof URL) return value.protocol === "file:" ? fileURLToPath(value) : undefined
  if (value instanceof Uint8Array) return new TextDecoder().decode(value)
  // Numbers and handles are files that somebody has opened, and was seen to.
  return undefined
}

/** Whether a file opened so can only be written. */
const isWriteOnly = (flags: unknown): boolean => {
  if (typeof flags === "number")
    return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) === fs.constants.O_WRONLY
  return typeof flags === "string" && /^(w|a)[a-z]*$/u.test(flags)
}

const watchModule = (module: object, note: Note): void => {
  const see = (name: string, probe: boolean): void => {
    for (const form of [name, `${name}Sync`]) {
      precede(module, form, ([value], wrapper) => {
        const path = pathOf(value)
        if (path !== undefined) note("file", path, wrapper, probe)
      })
    }
  }
  for (const name of READS) see(name, false)
  for (const name of PROBES) see(name, true)
  for (const form of ["open", "openSync"]) {
    precede(module, form, ([value, flags], wrapper) => {
      const path = pathOf(value)
      if (path !== undefined && !isWriteOnly(flags)) note("file", path, wrapper)
    })
  }
}

/** Files: `node:fs` in all its forms, and SQLite's. */
export const watchFiles = (note: Note): void => {
  watchModule(fs, note)
  watchModule(fs.promises, note)
  replace(
    sqlite,
    "DatabaseSync",
    precedeNew(sqlite.DatabaseSync, ([value], trap) => {
      const path = pathOf(value)
      if (path !== undefined && path !== ":memory:" && path !== "") note("file", path, trap)
    }),
  )
}
