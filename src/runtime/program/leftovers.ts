import { readdirSync } from "node:fs"
import { join } from "node:path"

/** Caches that programs keep beside themselves or at home: nobody means them. */
const CACHES = new Set(["__pycache__", ".cache", ".config", ".local"])

/**
 * What lies in a folder and is not declared: relative paths in the order of their names, folders with a `/` at the
 * end and without what is in them. What lies in a declared folder is declared.
 */
export const leftovers = (folder: string, declared: ReadonlyArray<string>): ReadonlyArray<string> => {
  const known = new Set(declared)
  const above = new Set<string>()
  for (const path of declared) {
    const parts = path.split("/")
    for (let depth = 1; depth < parts.length; depth++) above.add(parts.slice(0, depth).join("/"))
  }
  const found: Array<string> = []
  const look = (at: string, as: string): void => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const path = as === "" ? entry.name : `${as}/${entry.name}`
      if (known.has(path) || CACHES.has(entry.name)) continue
      if (entry.isDirectory() && above.has(path)) look(join(at, entry.name), path)
      else found.push(entry.isDirectory() ? `${path}/` : path)
    }
  }
  look(folder, "")
  return found.sort()
}
