import { closeSync, fstatSync, openSync, readSync } from "node:fs"
import { readdirSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import type { Diagnostic } from "../../schema/diagnostic.ts"
import { limits } from "./limits.ts"
import { DocumentError, nearest } from "./problems.ts"

/** A document that could not be read at all: line 0, as no line of it is known. */
const unreadable = (file: string, message: string, hint?: string): DocumentError =>
  new DocumentError({
    diagnostics: [
      {
        severity: "error",
        file,
        line: 0,
        column: 0,
        length: 1,
        path: "",
        message,
        ...(hint === undefined ? {} : { hint }),
      } satisfies Diagnostic,
    ],
    sources: new Map(),
  })

const tooLarge = (name: string, bytes: number): DocumentError =>
  unreadable(
    name,
    `the document is too large (${(bytes / 1024 / 1024).toFixed(1)} MiB)`,
    `the limit is ${limits.bytes / 1024 / 1024} MiB; data belongs in files that nodes read`,
  )

/**
 * Text of a document from its bytes: UTF-8, without its byte order mark.
 * @throws DocumentError where it is too large or no UTF-8.
 */
export const decodeText = (name: string, bytes: Uint8Array): string => {
  if (bytes.length > limits.bytes) throw tooLarge(name, bytes.length)
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    throw unreadable(name, "the document is UTF-16", "save it as UTF-8")
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    // The longest start that is valid tells the place.
    let low = 0
    let high = bytes.length
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (validStart(bytes, middle)) low = middle
      else high = middle - 1
    }
    const before = new TextDecoder("utf-8").decode(bytes.subarray(0, low), { stream: true })
    const line = before.split("\n").length
    throw unreadable(
      name,
      `the document is not UTF-8: line ${line} has a byte that fits nothing`,
      "save it as UTF-8",
    )
  }
}

const validStart = (bytes: Uint8Array, length: number): boolean => {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length), { stream: true })
    return true
  } catch {
    return false
  }
}

/**
 * Reads a document's text, never more than the limit of it.
 * @throws DocumentError where it cannot be read, is too large or no UTF-8.
 */
export const readText = (name: string, file: string): string => {
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, "r")
    const stat = fstatSync(descriptor)
    if (stat.isDirectory()) throw unreadable(name, "this is a folder", "name the document in it with -f FILE")
    if (!stat.isFile()) throw unreadable(name, "this is not a plain file")
    if (stat.size > limits.bytes) throw tooLarge(name, stat.size)
    const bytes = new Uint8Array(stat.size)
    let filled = 0
    while (filled < bytes.length) {
      const read = readSync(descriptor, bytes, filled, bytes.length - filled, null)
      if (read === 0) break
      filled += read
    }
    return decodeText(name, bytes.subarray(0, filled))
  } catch (cause) {
    if (cause instanceof DocumentError) throw cause
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined
    if (code === "ENOENT" || code === "ENOTDIR")
      throw unreadable(name, "there is no such file", like(name, file))
    if (code === "EACCES" || code === "EPERM") throw unreadable(name, "the file may not be read")
    throw unreadable(name, `the file cannot be read: ${String(code ?? cause)}`)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

const like = (name: string, file: string): string => {
  const general = "-f FILE names a document; `dag init` writes one to start from"
  try {
    const there = readdirSync(dirname(file)).filter((entry) => /\.ya?ml$/.test(entry))
    const similar = nearest(basename(file), there)
    if (similar !== undefined) return `did you mean "${join(dirname(name), similar)}"?`
    return there.length > 0 ? `there: ${there.sort().slice(0, 6).join(", ")}` : general
  } catch {
    return general
  }
}
