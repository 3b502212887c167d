import { findSourceMap } from "node:module"
import { join, sep } from "node:path"
import { fileURLToPath } from "node:url"
import type { Place } from "../../schema/audit.ts"
import { packageRoot } from "../package-root.ts"

/** Whose code a frame is in. */
export type Owner = "own" | "package" | "engine" | "node" | "loader"

export interface Frame extends Place {
  readonly owner: Owner
  /** Frames in packages: the package's name. */
  readonly package?: string
}

/** What belongs to the engine: it acts on what nodes have declared. */
const ENGINE = ["src/runtime", "src/schema", "src/cli", "src/api.ts", "dist", "bin"].map((path) =>
  join(packageRoot, path),
)

const LOADER = /^node:internal\/(modules|process\/esm)/u
const PACKAGE = /^.*[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)/u

/** The package that a file belongs to, if it is one that was installed. */
export const packageOfFile = (file: string): string | undefined =>
  PACKAGE.exec(file)?.[1].replaceAll("\\", "/")

const ownerOf = (file: string): Pick<Frame, "owner" | "package"> => {
  if (LOADER.test(file)) return { owner: "loader" }
  if (file.startsWith("node:")) return { owner: "node" }
  const name = packageOfFile(file)
  if (name !== undefined) return { owner: "package", package: name }
  const inside = ENGINE.some((path) => file === path || file.startsWith(path + sep))
  return { owner: inside ? "engine" : "own" }
}

/** A place in a compiled file, where its source map says it came from. */
const original = (place: Place): Place => {
  const entry = findSourceMap(place.file)?.findEntry(place.line - 1, place.column - 1)
  if (entry === undefined || !("originalSource" in entry)) return place
  const { originalSource } = entry
  return {
    file: originalSource.startsWith("file:") ? fileURLToPath(originalSource) : originalSource,
    line: entry.originalLine + 1,
    column: entry.originalColumn + 1,
  }
}

const asFrame = (site: NodeJS.CallSite): Frame | undefined => {
  const name = site.getFileName() ?? undefined
  if (name === undefined || name === "") return undefined
  const file = name.startsWith("file:") ? fileURLToPath(name) : name
  const place = { file, line: site.getLineNumber() ?? 1, column: site.getColumnNumber() ?? 1 }
  const owner = ownerOf(file)
  return owner.owner === "own" ? { ...original(place), ...owner } : { ...place, ...owner }
}

/** The frames above a function, nearest first, with the awaiting callers that V8 knows of. */
export const framesAbove = (
  below: (...args: ReadonlyArray<never>) => unknown,
  most: number,
): ReadonlyArray<Frame> => {
  const before = { prepare: Error.prepareStackTrace?.bind(Error), limit: Error.stackTraceLimit }
  const holder: { stack?: unknown } = {}
  try {
    Error.stackTraceLimit = most
    Error.prepareStackTrace = (_, sites) => sites
    Error.captureStackTrace(holder, below)
    const sites = holder.stack
    return Array.isArray(sites) ? sites.flatMap((site: NodeJS.CallSite) => asFrame(site) ?? []) : []
  } finally {
    Error.prepareStackTrace = before.prepare
    Error.stackTraceLimit = before.limit
  }
}
