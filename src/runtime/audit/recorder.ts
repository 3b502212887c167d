import { realpathSync } from "node:fs"
import { resolve, sep } from "node:path"
import type { AmbientKind, AmbientRead, Place } from "../../schema/audit.ts"
import type { Watch } from "../run/task.ts"
import { framesAbove, packageOfFile, type Frame } from "./frames.ts"

/** What the node may read, besides its inputs. */
export interface Allowed extends Watch {
  /** Declared files and folders, absolute. */
  readonly files: ReadonlyArray<string>
  /** Beginnings of the paths of the node's scratch folders. */
  readonly scratch: ReadonlyArray<string>
}

/** Tells the recorder of a read; `below` is the function that the caller called. */
export type Note = (
  kind: AmbientKind,
  what: string,
  below: (...args: ReadonlyArray<never>) => unknown,
  /** Only whether something is there was asked: packages look around, and that is their business. */
  probe?: boolean,
) => void

/** Folders of the system, where packages find their libraries and the machine describes itself. */
const SYSTEM =
  /^\/(usr|lib|lib64|etc|proc|sys|dev|opt|System|Library)(\/|$)|^[A-Z]:\\(Windows|Program Files)/u

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep)

const real = (path: string): string => {
  try {
    return realpathSync.native(path)
  } catch {
    return path
  }
}

/** How far down the stack the caller is looked for: reads of files are rare and matter most. */
const DEPTH: Readonly<Partial<Record<AmbientKind, number>>> = { clock: 12, random: 12 }

/**
 * Keeps what is read while a node's code runs, and by whom: the nearest frame outside of Node itself decides. In the
 * node's own modules it is the node's doing; in a package it is the package's (a note), unless what is read is a
 * file of the user, a host or a program; in the engine it is no business of the node.
 */
export class Recorder {
  #allowed: Allowed | undefined
  readonly #reads = new Map<string, AmbientRead>()
  #busy = false

  /** From now on everything is read by the node that may read this. */
  begin(allowed: Allowed): void {
    const paths = (list: ReadonlyArray<string>) => [...new Set(list.flatMap((path) => [path, real(path)]))]
    this.#allowed = { ...allowed, files: paths(allowed.files), modules: paths(allowed.modules) }
  }

  /** What was read since the last time, and nothing twice. */
  take(): ReadonlyArray<AmbientRead> {
    const reads = [...this.#reads.values()]
    this.#reads.clear()
    return reads
  }

  readonly note: Note = (kind, what, below, probe = false) => {
    const allowed = this.#allowed
    // What the recorder itself does (source maps, real paths) is nobody's read.
    if (allowed === undefined || this.#busy || allowed.ambient.includes(kind)) return
    this.#busy = true
    try {
      const read = this.#judge(allowed, kind, what, framesAbove(below, DEPTH[kind] ?? 60))
      if (read !== undefined && !(probe && read.through !== undefined)) this.#add(read)
    } finally {
      this.#busy = false
    }
  }

  /** A module was loaded that may be outside of the node's fingerprint. */
  readonly loaded = (file: string, by: string): void => {
    const allowed = this.#allowed
    if (allowed === undefined || this.#busy || allowed.ambient.includes("code")) return
    if (isAllowed(file, allowed)) return
    const own = framesAbove(this.loaded, 60).find((frame) => frame.owner === "own")
    const through = packageOfFile(by)
    const where =
      own === undefined
        ? through === undefined
          ? { file: by, line: 1, column: 1 }
          : undefined
        : placeOf(own)
    this.#add({
      kind: "code",
      what: file,
      ...(where === undefined ? {} : { where }),
      ...(through === undefined ? {} : { through }),
    })
  }

  #judge(
    allowed: Allowed,
    kind: AmbientKind,
    what: string,
    frames: ReadonlyArray<Frame>,
  ): Omit<AmbientRead, "times"> | undefined {
    const reader = frames.find((frame) => frame.owner !== "node")
    // The loader's reads are judged where modules are resolved.
    if (reader === undefined || reader.owner === "engine" || reader.owner === "loader") return undefined
    // What Node looks up for itself on the way (a colour setting, say) is not what was asked for.
    if (frames[0].owner === "node" && (kind === "environment" || kind === "clock" || kind === "random"))
      return undefined
    if (kind === "file" && isAllowed(resolve(what), allowed)) return undefined
    const own = frames.find((frame) => frame.owner === "own")
    return {
      kind,
      what,
      ...(own === undefined ? {} : { where: placeOf(own) }),
      ...(reader.package === undefined ? {} : { through: reader.package }),
    }
  }

  #add(read: Omit<AmbientRead, "times">): void {
    const { where } = read
    const at = where === undefined ? "" : `${where.file}:${where.line}:${where.column}`
    // A package's clock is told once, not once for each place of the node that led to it.
    const key = JSON.stringify([read.kind, read.what, read.through ?? "", isNote(read) ? "" : at])
    const known = this.#reads.get(key)
    this.#reads.set(key, { ...(known ?? read), times: (known?.times ?? 0) + 1 })
  }
}

const placeOf = ({ file, line, column }: Frame): Place => ({ file, line, column })

const isAllowed = (path: string, allowed: Allowed): boolean => {
  const paths = [path, real(path)]
  return paths.some(
    (one) =>
      allowed.files.some((folder) => within(one, folder)) ||
      allowed.modules.includes(one) ||
      allowed.scratch.some((start) => one.startsWith(start)),
  )
}

/**
 * Whether a read is only worth a note: a package that looks at the clock, at a variable, at its own files or at the
 * system's. What a package reads of the user's files, or over the network, it reads for the node.
 */
export const isNote = (read: Omit<AmbientRead, "times">): boolean => {
  if (read.through === undefined) return false
  if (read.kind === "network" || read.kind === "process" || read.kind === "code") return false
  return read.kind !== "file" || SYSTEM.test(read.what) || packageOfFile(read.what) !== undefined
}
