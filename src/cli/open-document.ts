import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Effect from "effect/Effect"
import type { Catalogue } from "../runtime/catalogue.ts"
import type { DocumentCache } from "../runtime/document/cache.ts"
import type { DocumentError, DocumentOptions, LoadedDocument } from "../runtime/document/index.ts"
import { projectOf } from "../runtime/document/project.ts"
import { packageRoot } from "../runtime/package-root.ts"
import type { PluginError } from "../runtime/plugins.ts"
import type { StoreDamaged, StoreError } from "../runtime/store/errors.ts"
import type { OpenStore } from "../runtime/store/store.ts"

// Start-up is what these cost: a document that was checked before needs the first only.
const keeping = Effect.promise(() => import("../runtime/document/kept.ts"))
export const documentModule = Effect.promise(() => import("../runtime/document/index.ts"))

/** A checked document and the node types that it was checked against. */
export interface Opened {
  readonly document: LoadedDocument
  readonly catalogue: Catalogue
}

/** The node types there are with those of plugins; with a store, whose memory of fingerprints saves time. */
export type MakeTypes = (
  plugins: ReadonlyArray<string>,
  root: string,
  store: OpenStore | undefined,
) => Effect.Effect<Catalogue, PluginError | StoreError | StoreDamaged>

/** Reads and checks a document, without the help of a store. */
export const openDocument = (
  options: DocumentOptions,
  types: MakeTypes,
): Effect.Effect<Opened, DocumentError | StoreError | StoreDamaged> =>
  Effect.flatMap(openFresh(options, types), ({ finish }) => finish(undefined))

/**
 * Begins to open a document before the store is open, and gives what finishes it. Where it was checked before, in the
 * store of `folder`, and nothing that it was made of is different, its graph is taken from there; else it is checked
 * anew, before the store is opened where that can be, so that a mistake leaves no folder behind, and is kept.
 */
export const beginDocument = Effect.fnUntraced(function* (
  options: DocumentOptions,
  folder: string,
  types: MakeTypes,
) {
  const cache = documentCache(folder)
  const { findDocument, keepDocument, readText, DocumentError } = yield* keeping
  const text = yield* Effect.try({
    try: () => readText(options.file, resolve(options.file)),
    catch: (cause) => {
      if (cause instanceof DocumentError) return cause
      throw cause
    },
  })
  const read = { ...options, text }
  const kept = cache === undefined ? undefined : findDocument(cache, read)
  const fresh = yield* Effect.cached(openFresh(read, types))
  if (kept === undefined) yield* fresh
  return Effect.fnUntraced(function* (store: OpenStore) {
    if (kept !== undefined) {
      // What is wrong with a plugin is told below, at the line that names it.
      const catalogue = yield* Effect.option(types(kept.plugins, projectOf(options.file), store))
      const document = catalogue._tag === "Some" ? kept.open(catalogue.value) : undefined
      if (catalogue._tag === "Some" && document !== undefined) return { document, catalogue: catalogue.value }
    }
    const { envelope, finish } = yield* fresh
    const opened = yield* finish(store)
    if (cache !== undefined) {
      const plugins = envelope.plugins.map(({ path }) => path)
      const declared = { plugins, environment: envelope.environment }
      keepDocument(cache, read, declared, opened.catalogue, opened.document)
    }
    return opened
  })
})

const openFresh = Effect.fnUntraced(function* (options: DocumentOptions, types: MakeTypes) {
  const { openDocument: open, checkWithPlugins } = yield* documentModule
  const envelope = yield* open(options)
  const check = Effect.fnUntraced(function* (store: OpenStore | undefined) {
    let catalogue: Catalogue = new Map()
    const known = (plugins: ReadonlyArray<string>, root: string) =>
      Effect.tap(types(plugins, root, store), (all) => Effect.sync(() => (catalogue = all)))
    const document = yield* checkWithPlugins(envelope, known, options.env)
    return { document, catalogue } satisfies Opened
  })
  // Fingerprints of plugins are kept in the store.
  if (envelope.plugins.length > 0 && !envelope.problems.failed) return { envelope, finish: check }
  const opened = yield* check(undefined)
  return { envelope, finish: () => Effect.succeed(opened) }
})

/** The kept documents of a store; none where the program runs from its sources, which have no build to go by. */
const documentCache = (folder: string): DocumentCache | undefined => {
  if (!import.meta.url.includes("/dist/")) return undefined
  try {
    const build = readFileSync(join(packageRoot, "dist", "build"), "utf8").trim()
    return { folder: join(folder, "documents"), build }
  } catch {
    return undefined
  }
}
