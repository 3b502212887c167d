import { existsSync, readFileSync, realpathSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { digestRecord } from "../schema/digest.ts"

/** `@scope/name/sub/path.js` → `@scope/name`. */
export const packageOf = (specifier: string): string => {
  const [scope, name] = specifier.split("/")
  return specifier.startsWith("@") ? `${scope}/${name}` : scope
}

interface Manifest {
  readonly version?: string
  readonly sideEffects?: unknown
  readonly dependencies?: Readonly<Record<string, string>>
}

/** An installed package, as seen from a file that imports it. */
export interface Installed {
  /** Its folder, links resolved. */
  readonly folder: string
  /** A folder outside of every `node_modules`: its code is the user's own, and its version says nothing of it. */
  readonly isLinked: boolean
  /** What it says of itself: importing it for nothing but its bindings does nothing else. */
  readonly isPure: boolean
  readonly version: string
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest

const folderOf = (name: string, from: string): string | undefined => {
  for (const folder of createRequire(from).resolve.paths(name) ?? []) {
    const at = join(folder, name)
    if (existsSync(join(at, "package.json"))) return realpathSync(at)
  }
  return undefined
}

/** The package of that name that a file would import; undefined where none is installed. */
export const installed = (name: string, from: string): Installed | undefined => {
  const folder = folderOf(name, from)
  if (folder === undefined) return undefined
  const manifest = manifestOf(folder)
  return {
    folder,
    isLinked: !/[/\\]node_modules[/\\]/u.test(folder),
    isPure: manifest.sideEffects === false,
    version: manifest.version ?? "unknown",
  }
}

/**
 * The version of a package, with a digest of the exact versions of all that it depends on in turn: an upgrade below
 * it changes what it does as much as one of its own. Optional dependencies are left out: they are what is different
 * from one platform to the next. `read` is told of each package.json.
 */
export const exactVersion = (found: Installed, read: (file: string) => void): string => {
  const versions = new Map<string, string>()
  const visit = (folder: string): void => {
    const file = join(folder, "package.json")
    read(file)
    for (const name of Object.keys(manifestOf(folder).dependencies ?? {}).sort()) {
      const below = installed(name, file)
      const key = `${name}@${below?.version ?? "none"}`
      if (versions.has(key)) continue
      versions.set(key, key)
      if (below !== undefined) visit(below.folder)
    }
  }
  visit(found.folder)
  if (versions.size === 0) return found.version
  const below = digestRecord("dependencies", [...versions.keys()].sort())
  return `${found.version} (with dependencies ${below.slice(0, 8)})`
}
