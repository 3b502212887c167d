/**
 * Loaded with `--import` into the engine and its worker processes: counts what they do to the files of a store, and
 * at the n-th operation kills the process (as a power switch would) or makes the operation fail. What it is to do
 * comes in `FACET_FAULT` (see `Fault`).
 */
import { createRequire, syncBuiltinESMExports } from "node:module"
import { join, sep } from "node:path"
import type * as FileSystem from "node:fs"

export interface Fault {
  /** Only operations below this folder count. */
  readonly root: string
  /** A folder outside of it: workers are numbered here, and operations written down. */
  readonly state: string
  /** `engine`, `w0`, `w1` … (workers in the order of their start), or `any`; absent: only write down. */
  readonly role?: string
  /** From 0; of the process's own operations. */
  readonly at?: number
  /**
   * `kill`: before the operation. `torn`: in the middle of it, where it writes. A signal: sent to the process itself,
   * which then goes on. Otherwise the error code the operation fails with; a write that fails for want of space has
   * written a half first.
   */
  readonly what?: string
  /** Whether the same goes for all operations after it. */
  readonly sticky?: boolean
  /** `change` (writes, names, durability) or `read` (opening and reading what is there). Default `change`. */
  readonly kind?: "change" | "read"
}

const NEEDS_NO_SPACE = new Set(["rm", "unlink", "rmdir", "chmod", "utimes", "fsync", "fdatasync"])

type Any = (...args: ReadonlyArray<unknown>) => unknown
type Module = Record<string, unknown>

const fs = createRequire(import.meta.url)("node:fs") as Module & { readonly promises: Module }
const original = { ...fs } as unknown as typeof FileSystem
const fault = JSON.parse(process.env["FACET_FAULT"] ?? "null") as Fault | null

/** `engine` for the command line, `w0` … for its workers; nothing for other programs that Node may run. */
const roleOf = (state: string): string | undefined => {
  const entry = process.argv[1] ?? ""
  if (/[/\\]dag(\.js)?$/u.test(entry)) return "engine"
  if (!/worker\.(js|ts)$/u.test(entry)) return undefined
  for (let at = 0; ; at++) {
    try {
      original.mkdirSync(join(state, `w${at}`))
      return `w${at}`
    } catch {
      continue
    }
  }
}

const inside = (path: unknown): path is string =>
  typeof path === "string" && (path === fault!.root || path.startsWith(fault!.root + sep))

const install = (fault: Fault, role: string): void => {
  const watched = new Map<number, string>()
  const log = original.openSync(join(fault.state, `${role}.log`), "a")
  let count = 0

  /** Counts an operation; throws, kills, or says that it is to be done by half. */
  const step = (operation: string, path: string, halves: boolean): boolean => {
    const at = count++
    original.writeSync(log, `${operation} ${path.slice(fault.root.length)}\n`)
    if (fault.role !== undefined && fault.role !== "any" && fault.role !== role) return false
    if (fault.at === undefined || (fault.sticky === true ? at < fault.at : at !== fault.at)) return false
    // A full disk still lets go of things.
    if (fault.what === "ENOSPC" && at !== fault.at && NEEDS_NO_SPACE.has(operation)) return false
    if (fault.what === "kill" || (fault.what === "torn" && !halves)) process.kill(process.pid, "SIGKILL")
    if (fault.what === "torn") return true
    if (fault.what?.startsWith("SIG") === true) {
      process.kill(process.pid, fault.what)
      return false
    }
    if (fault.what === "ENOSPC" && halves && at === fault.at && fault.sticky === true) return true
    throw Object.assign(new Error(`${fault.what}: injected, ${operation} '${path}'`), {
      code: fault.what,
      syscall: operation,
      path,
    })
  }
  const half = (data: unknown): unknown =>
    typeof data === "string"
      ? data.slice(0, data.length >> 1)
      : ArrayBuffer.isView(data)
        ? Buffer.from(data.buffer, data.byteOffset, data.byteLength).subarray(0, data.byteLength >> 1)
        : data
  const die = (): void => {
    if (fault.what === "torn") process.kill(process.pid, "SIGKILL")
  }
  const changes = fault.kind !== "read"
  const opensToChange = (flags: unknown): boolean =>
    typeof flags === "string" ? /[wa+]/u.test(flags) : typeof flags === "number" && (flags & 0o1103) !== 0

  /** Wraps a function in all its forms; `around` gets a call of the original. */
  const wrap = (
    name: string,
    around: (call: (args: ReadonlyArray<unknown>) => unknown, args: ReadonlyArray<unknown>) => unknown,
  ): void => {
    const replace = (module: Module, key: string, asynchronous: boolean): void => {
      const before = module[key] as Any | undefined
      if (before === undefined) return
      module[key] = Object.assign((...args: ReadonlyArray<unknown>): unknown => {
        const callback = args.at(-1)
        try {
          return around((args) => before(...args), args)
        } catch (error) {
          if (!asynchronous) throw error
          if (typeof callback !== "function") return Promise.reject(error)
          process.nextTick(callback, error)
          return undefined
        }
      }, before)
    }
    replace(fs, `${name}Sync`, false)
    replace(fs, name, true)
    replace(fs.promises, name, true)
  }

  wrap("open", (call, args) => {
    const path = args[0]
    if (!inside(path)) return call(args)
    const flags = args[1] ?? "r"
    if (opensToChange(flags) === changes) step("open", path, false)
    const opened = call(args)
    if (typeof opened === "number") watched.set(opened, path)
    else if (opened instanceof Promise) return opened.then((handle: unknown) => watchHandle(handle, path))
    return opened
  })
  const watchHandle = (handle: unknown, path: string): unknown => {
    const methods = handle as Record<string, Any>
    const names = changes
      ? ["write", "writev", "writeFile", "appendFile", "sync", "datasync", "truncate"]
      : ["read", "readFile"]
    for (const name of names) {
      const before = methods[name].bind(handle)
      methods[name] = (...args: ReadonlyArray<unknown>) => {
        step(`handle.${name}`, path, false)
        return before(...args)
      }
    }
    return handle
  }
  wrap("close", (call, args) => {
    watched.delete(args[0] as number)
    return call(args)
  })
  for (const name of changes ? ["write", "writev", "fsync", "fdatasync", "ftruncate"] : ["read"])
    wrap(name, (call, args) => {
      const path = watched.get(args[0] as number)
      if (path === undefined) return call(args)
      if (name !== "write" || typeof args[1] === "string") {
        step(name, path, false)
        return call(args)
      }
      const bytes = args[1] as Uint8Array
      if (!step(name, path, true)) return call(args)
      const offset = (args[2] as number | undefined) ?? 0
      const length = (args[3] as number | undefined) ?? bytes.length - offset
      const written = call([args[0], bytes, offset, length >> 1, ...args.slice(4)])
      die()
      return written
    })
  const byPath = changes
    ? [
        "mkdir",
        "mkdtemp",
        "rename",
        "unlink",
        "rm",
        "rmdir",
        "copyFile",
        "link",
        "symlink",
        "chmod",
        "truncate",
        "utimes",
        "cp",
      ]
    : ["readFile", "readdir", "copyFile"]
  for (const name of byPath)
    wrap(name, (call, args) => {
      const path = [args[0], args[1]].find(inside)
      if (path !== undefined) step(name, path, false)
      return call(args)
    })
  if (changes)
    for (const name of ["writeFile", "appendFile"])
      wrap(name, (call, args) => {
        const path = args[0]
        if (!inside(path)) return call(args)
        if (!step(name, path, true)) return call(args)
        const written = call([path, half(args[1]), ...args.slice(2)])
        die()
        throw Object.assign(new Error(`${fault.what}: injected, ${name} '${path}'`), {
          code: fault.what,
          written,
        })
      })
  syncBuiltinESMExports()
}

const role = fault === null ? undefined : roleOf(fault.state)
if (fault !== null && role !== undefined) install(fault, role)
