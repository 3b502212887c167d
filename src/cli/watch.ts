import { watch, type FSWatcher } from "node:fs"
import { basename, dirname } from "node:path"

/** Calm that has to follow a change, in ms: editors write a file in several steps. */
const CALM = 150

/**
 * Notices changes of files and folders, also those that come while nobody waits. A file is watched by its folder,
 * since editors replace files rather than write them.
 */
export class Watcher {
  private readonly watchers = new Map<string, FSWatcher>()
  private changed = false
  private wake: (() => void) | undefined
  private timer: NodeJS.Timeout | undefined

  add(path: string, kind: "file" | "folder"): void {
    if (this.watchers.has(path)) return
    const [folder, name] = kind === "file" ? [dirname(path), basename(path)] : [path, undefined]
    try {
      const watcher = watch(folder, { recursive: kind === "folder" }, (_, entry) => {
        if (name === undefined || entry === null || entry === name) this.notice()
      })
      watcher.on("error", () => this.notice())
      this.watchers.set(path, watcher)
    } catch {
      // A path that is not there cannot be watched; the run says that it is missing.
    }
  }

  private notice(): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      this.changed = true
      this.wake?.()
    }, CALM)
  }

  /** Resolves with the next change, at once if there was one since the last call. */
  async next(): Promise<void> {
    if (!this.changed) await new Promise<void>((resolve) => (this.wake = resolve))
    this.changed = false
    this.wake = undefined
  }

  close(): void {
    clearTimeout(this.timer)
    for (const watcher of this.watchers.values()) watcher.close()
  }
}
