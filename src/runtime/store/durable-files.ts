import * as fs from "node:fs"
import { dirname, join } from "node:path"

/** Makes the names in a folder durable. */
export const syncFolder = (folder: string): void => {
  const fd = fs.openSync(folder, "r")
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Makes a folder and those above it, durably: a file in it is not lost with its folder's name. */
export const ensureFolder = (folder: string): void => {
  const first = fs.mkdirSync(folder, { recursive: true })
  if (first === undefined) return
  for (let at = folder; ; at = dirname(at)) {
    syncFolder(dirname(at))
    if (at === first || dirname(at) === at) return
  }
}

export const writeAll = (fd: number, bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(fd, bytes, at, bytes.length - at)
}

/** Writes a new file and makes it durable, name and all. Fails where one of that name is there. */
export const writeNewFile = (path: string, bytes: Uint8Array): void => {
  ensureFolder(join(path, ".."))
  const fd = fs.openSync(path, "wx")
  try {
    writeAll(fd, bytes)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
  syncFolder(join(path, ".."))
}

/** Makes a file that was written by others durable under another name of the same file system. */
export const publishAs = (from: string, to: string): void => {
  const fd = fs.openSync(from, "r+")
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
  ensureFolder(join(to, ".."))
  fs.renameSync(from, to)
  syncFolder(join(to, ".."))
}
