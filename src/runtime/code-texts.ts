import type { NodeTrace } from "../schema/trace.ts"
import type { CatalogueEntry } from "./catalogue.ts"
import { lineDiff, type ChangedLine } from "./line-diff.ts"
import type { OpenStore } from "./store/store.ts"

const isDigest = (value: string | undefined): value is string =>
  value !== undefined && /^[0-9a-f]{64}$/u.test(value)

const kept = new WeakMap<OpenStore, WeakSet<CatalogueEntry>>()

/**
 * Puts the texts of a node type's modules into the store, by the digests that its traces name: without them a later
 * run could say that a file changed, but not what.
 */
export const keepTexts = (store: OpenStore, entry: CatalogueEntry): void => {
  const known = kept.get(store) ?? new WeakSet()
  kept.set(store, known)
  if (entry.texts === undefined || known.has(entry)) return
  known.add(entry)
  const missing = Object.values(entry.modules).filter((value) => isDigest(value) && !store.blobs.has(value))
  if (missing.length === 0) return
  const texts = entry.texts()
  for (const digest of missing) {
    const text = texts[digest]
    if (text !== undefined) store.blobs.put(new TextEncoder().encode(text), "text/javascript")
  }
}

/** What is different in a file (`lines`) or in the version of a package. */
export interface CodeChange {
  readonly name: string
  readonly kind: "changed" | "new" | "gone"
  /** Packages: their exact versions. */
  readonly before?: string
  readonly after?: string
  /** Files: the lines that differ, comments and formatting left out; absent where a text is no longer there. */
  readonly lines?: ReadonlyArray<ChangedLine>
}

/** What is different between the code of a trace and the code of now. */
export const codeChanges = (
  store: OpenStore,
  trace: NodeTrace,
  entry: CatalogueEntry,
): ReadonlyArray<CodeChange> => {
  const texts = entry.texts?.() ?? {}
  const textOf = (value: string | undefined): string | undefined => {
    if (value === undefined) return ""
    if (!isDigest(value)) return undefined
    return (
      texts[value] ?? (store.blobs.has(value) ? new TextDecoder().decode(store.blobs.get(value)) : undefined)
    )
  }
  const names = new Set([...Object.keys(trace.modules), ...Object.keys(entry.modules)])
  return [...names].sort().flatMap((name): ReadonlyArray<CodeChange> => {
    const [before, after] = [trace.modules[name], entry.modules[name]]
    if (before === after) return []
    const kind = before === undefined ? "new" : after === undefined ? "gone" : "changed"
    const isFile = isDigest(before ?? after) || isDigest(after)
    if (!isFile) {
      return [
        {
          name,
          kind,
          ...(before === undefined ? {} : { before }),
          ...(after === undefined ? {} : { after }),
        },
      ]
    }
    const [a, b] = [textOf(before), textOf(after)]
    return [{ name, kind, ...(a === undefined || b === undefined ? {} : { lines: lineDiff(a, b) }) }]
  })
}
