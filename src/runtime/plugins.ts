import { realpathSync } from "node:fs"
import { dirname, resolve } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { CatalogueEntry } from "./catalogue.ts"
import { describeError } from "./describe-error.ts"
import { filesOfModule, fingerprintDefinition, type Fingerprint } from "./fingerprint.ts"
import type { NodeDefinition } from "./node.ts"
import { importAs, PluginChanged, type Contents } from "./plugin-loader.ts"
import { isStoreTrouble, storeFailure } from "./store/errors.ts"
import type { OpenStore } from "./store/store.ts"

/** A plugin that could not be read, or that declares no node type. */
export class PluginError extends Schema.TaggedError<PluginError>()("PluginError", {
  file: Schema.String,
  message: Schema.String,
}) {}

const isDefinition = (value: unknown): value is NodeDefinition =>
  typeof value === "object" &&
  value !== null &&
  "type" in value &&
  "outputs" in value &&
  typeof value.type === "string"

const EMPTY = Schema.Struct({})

/** A definition with what its author may leave out. */
const complete = (definition: NodeDefinition): NodeDefinition => ({
  ...definition,
  inputs: definition.inputs ?? {},
  params: definition.params ?? EMPTY,
})

/** A definition and the name under which its module exports it. */
interface Exported {
  readonly exported: string
  readonly definition: NodeDefinition
}

/**
 * The node types of a module: its default export (one, or a list) and every named export that is one. `contents` is
 * what the files of its closure have to hold.
 */
const exportsOf = async (file: string, contents: Contents): Promise<ReadonlyArray<Exported>> => {
  const module = (await importAs(file, contents)) as Readonly<Record<string, unknown>>
  const found = new Map<string, Exported>()
  // A name of its own tells a definition's code apart from that of its neighbours; a list does not.
  const names = Object.keys(module).filter((name) => name !== "default")
  for (const exported of [...names, "default"]) {
    for (const definition of [module[exported]].flat().filter(isDefinition)) {
      if (!found.has(definition.type))
        found.set(definition.type, { exported, definition: complete(definition) })
    }
  }
  return [...found.values()]
}

/** The node types of a plugin whose files hold what its fingerprints were made from; throws where they do not. */
export const definitionsOf = async (
  file: string,
  contents: Contents,
): Promise<ReadonlyArray<NodeDefinition>> =>
  (await exportsOf(file, contents)).map(({ definition }) => definition)

/**
 * Reads a plugin of the user. With a store, the fingerprint of each of its node types is kept by the stamps of the files it was
 * made from: a run in which nothing changed bundles nothing.
 */
export const loadPlugin = Effect.fnUntraced(function* (
  path: string,
  root: string,
  store: OpenStore | undefined,
) {
  const { file, kept, definitions } = yield* Effect.tryPromise({
    try: async () => {
      const file = realpathSync(resolve(root, path))
      return { file, ...(await currentPlugin(file, store)) }
    },
    // A store that cannot keep its fingerprint is not the plugin's mistake.
    catch: (cause) =>
      isStoreTrouble(cause)
        ? storeFailure(`read the plugin ${path}`, cause)
        : new PluginError({
            file: path,
            message: `the plugin ${path} could not be read: ${describeError(cause)}`,
          }),
  })
  if (definitions.length === 0) {
    return yield* new PluginError({
      file: path,
      message: `the plugin ${path} exports no node type (its default export should be what defineNode gives)`,
    })
  }
  return definitions.map((definition): CatalogueEntry => ({
    definition,
    ...kept.prints[definition.type],
    texts: () => kept.texts,
    origin: { kind: "plugin", file, contents: kept.contents },
  }))
})

/** What is remembered of a plugin. */
interface Kept {
  readonly prints: Readonly<Record<string, Fingerprint>>
  /** The texts that the fingerprints' modules name, by digest. */
  readonly texts: Readonly<Record<string, string>>
  /** Digests of all files that the fingerprints were made from, by absolute path. */
  readonly contents: Contents
}

interface Plugin {
  readonly kept: Kept
  readonly definitions: ReadonlyArray<NodeDefinition>
}

/** How often a plugin is read again that is edited while it is read. */
const TRIES = 5

/**
 * A plugin and its fingerprints, both of the same content: what changes in between is read again. Without a store
 * nothing is computed, so that fingerprints are of no use and there are none.
 */
const currentPlugin = async (file: string, store: OpenStore | undefined): Promise<Plugin> => {
  if (store === undefined) {
    const found = await definitionsOf(file, {})
    const prints = Object.fromEntries(found.map(({ type }) => [type, { fingerprint: "", modules: {} }]))
    return { kept: { prints, texts: {}, contents: {} }, definitions: found }
  }
  for (let left = TRIES; ; left--) {
    try {
      const kept = readKept(file, store)
      if (kept !== undefined) return { kept, definitions: await definitionsOf(file, kept.contents) }
      return await readPlugin(file, store)
    } catch (error) {
      if (!(error instanceof PluginChanged) || left === 0) throw error
    }
  }
}

const readPlugin = async (file: string, store: OpenStore): Promise<Plugin> => {
  const before = contentsOf(await filesOfModule(file), store)
  const found = await exportsOf(file, before)
  const prints = await Promise.all(
    found.map(({ exported, definition }) =>
      fingerprintDefinition({
        file,
        exported,
        impl: (definition.map ?? definition).impl?.toString(),
        root: dirname(file),
      }),
    ),
  )
  const contents = contentsOf([...Object.keys(before), ...prints.flatMap((print) => print.inputs)], store)
  // Made of other text than what was imported: both are to be done again.
  for (const path of Object.keys(before)) if (before[path] !== contents[path]) throw new PluginChanged(path)
  const kept: Kept = {
    prints: Object.fromEntries(
      prints.map(({ fingerprint, modules }, at) => [found[at].definition.type, { fingerprint, modules }]),
    ),
    texts: Object.assign({}, ...prints.map((print) => print.texts)) as Kept["texts"],
    contents,
  }
  store.db
    .prepare("INSERT OR REPLACE INTO fingerprints (path, record) VALUES (?, ?)")
    .run(file, JSON.stringify(kept))
  return { kept, definitions: found.map(({ definition }) => definition) }
}

const contentsOf = (files: ReadonlyArray<string>, store: OpenStore): Contents =>
  Object.fromEntries([...new Set(files)].sort().map((file) => [file, store.files.digest(file)]))

/** What is remembered, if all it was made from is as it was. */
const readKept = (file: string, store: OpenStore): Kept | undefined => {
  const row = store.db.prepare("SELECT record FROM fingerprints WHERE path = ?").get(file)
  if (row === undefined) return undefined
  const kept = JSON.parse(String(row["record"])) as Partial<Kept>
  // Of a Facet that remembered other things.
  if (kept.contents === undefined || kept.prints === undefined || kept.texts === undefined) return undefined
  try {
    const same = Object.entries(kept.contents).every(([path, digest]) => store.files.digest(path) === digest)
    return same ? (kept as Kept) : undefined
  } catch {
    return undefined
  }
}
