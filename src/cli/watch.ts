import { existsSync, readdirSync, realpathSync, statSync, watch, type FSWatcher } from "node:fs"
import { basename, dirname, join } from "node:path"

/** Calm that has to follow a change, in ms: editors write a file in several steps. But not for ever. */
const [CALM, PATIENCE] = [150, 2000]
/** How often what the system cannot watch is looked at, in ms. */
const LOOK = 1000

/**
 * Something whose changes matter, whether it is there or not: a file; a folder with all that is in it, or a file,
 * whichever is there (`any`); or a file with those beside it, for modules whose imports are not known.
 */
export interface Watched {
  readonly path: string
  readonly kind: "file" | "any" | "beside"
}

/** What a change of a file or a folder's own list of names shows in. */
const stampOf = (path: string): string => {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? "" : `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`
}

/**
 * Notices changes of files and folders, also those that come while nobody waits. Everything is watched by its folder,
 * by name, since editors and other programs replace files and folders rather than write them; what is not there, by
 * the nearest folder that is.
 */
export class Watcher {
  readonly #ignored: ReadonlySet<string>
  /** Per folder what tells of changes in it, and the names that matter there; undefined: all. */
  #folders = new Map<
    string,
    { readonly names: Set<string> | undefined; readonly watcher: FSWatcher | undefined }
  >()
  /** What the system could not watch, with its stamp. */
  #looked = new Map<string, string>()
  readonly #look: NodeJS.Timeout
  #changed = false
  #wake: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  #since: number | undefined

  /** `ignored`: folders that are none of it, wherever they lie: the store, which every run writes. */
  constructor(ignored: ReadonlyArray<string>) {
    this.#ignored = new Set(ignored)
    this.#look = setInterval(() => this.#compare(), LOOK)
    this.#look.unref()
  }

  /**
   * From now on these are what matters. To be called before they are read: what was replaced since is found again,
   * and what changes from here on is noticed.
   */
  watch(all: ReadonlyArray<Watched>): void {
    const names = new Map<string, Set<string> | undefined>()
    for (const { path, kind } of all) {
      for (const real of new Set([path, resolved(path)])) {
        byName(real, names)
        if (kind === "any") this.#walk(real, names)
        if (kind === "beside" && existsSync(dirname(real))) names.set(dirname(real), undefined)
      }
    }
    const before = this.#folders
    this.#folders = new Map()
    this.#looked = new Map()
    // The new ones first, so that nothing falls between.
    for (const [folder, wanted] of names) this.#open(folder, wanted)
    for (const { watcher } of before.values()) watcher?.close()
  }

  /** Resolves with the next change, at once if there was one since the last call. */
  async next(): Promise<void> {
    if (!this.#changed) await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#changed = false
    this.#wake = undefined
  }

  close(): void {
    clearTimeout(this.#timer)
    clearInterval(this.#look)
    for (const { watcher } of this.#folders.values()) watcher?.close()
  }

  #walk(folder: string, names: Map<string, Set<string> | undefined>): void {
    if (this.#ignored.has(folder)) return
    let entries
    try {
      entries = readdirSync(folder, { withFileTypes: true })
    } catch {
      // No folder, or none that may be read: the run says so.
      return
    }
    names.set(folder, undefined)
    for (const entry of entries) if (entry.isDirectory()) this.#walk(join(folder, entry.name), names)
  }

  #open(folder: string, names: Set<string> | undefined): void {
    const noticed = (entry: string | null): void => {
      if (entry !== null && this.#ignored.has(join(folder, entry))) return
      if (entry === null || names === undefined || names.has(entry)) this.#notice()
    }
    try {
      const watcher = watch(folder, (_, entry) => noticed(entry))
      watcher.on("error", () => this.#notice())
      this.#folders.set(folder, { names, watcher })
    } catch {
      // Too many are watched already, or the file system cannot: then it is looked at from time to time.
      this.#folders.set(folder, { names, watcher: undefined })
      const paths = names === undefined ? [folder] : Array.from(names, (name) => join(folder, name))
      for (const path of paths) this.#looked.set(path, stampOf(path))
    }
  }

  #compare(): void {
    for (const [path, stamp] of this.#looked) {
      const now = stampOf(path)
      if (now === stamp) continue
      this.#looked.set(path, now)
      this.#notice()
    }
  }

  #notice(): void {
    this.#since ??= performance.now()
    clearTimeout(this.#timer)
    const wait = Math.min(CALM, Math.max(0, this.#since + PATIENCE - performance.now()))
    this.#timer = setTimeout(() => {
      this.#since = undefined
      this.#changed = true
      this.#wake?.()
    }, wait)
  }
}

/** What a path leads to; itself where it leads nowhere. */
const resolved = (path: string): string => {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** Watches the name of a path in its folder; where that is not there, the name that is missing in the nearest one. */
const byName = (path: string, names: Map<string, Set<string> | undefined>): void => {
  let [folder, name] = [dirname(path), basename(path)]
  while (!existsSync(folder) && folder !== dirname(folder))
    [folder, name] = [dirname(folder), basename(folder)]
  if (!names.has(folder)) names.set(folder, new Set([name]))
  else names.get(folder)?.add(name)
}
