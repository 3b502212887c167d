import { dirname, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { CatalogueEntry } from "./catalogue.ts"
import { describeError } from "./describe-error.ts"
import { fingerprintModule, type Fingerprint } from "./fingerprint.ts"
import type { NodeDefinition } from "./node.ts"
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

/** The node types of a module: its default export (one, or a list) and every named export that is one. */
export const definitionsOf = async (file: string): Promise<ReadonlyArray<NodeDefinition>> => {
  const module: unknown = await import(pathToFileURL(file).href)
  const exported = Object.values(module as Readonly<Record<string, unknown>>).flat()
  const found = new Map(
    exported.filter(isDefinition).map((definition) => [definition.type, complete(definition)]),
  )
  return [...found.values()]
}

/**
 * Reads a plugin of the user. Its fingerprint is that of its whole closure, kept by the stamps of its files: a run
 * in which nothing changed bundles nothing.
 */
export const loadPlugin = Effect.fnUntraced(function* (
  path: string,
  root: string,
  store: OpenStore | undefined,
) {
  const file = resolve(root, path)
  const failure = (cause: unknown): PluginError =>
    new PluginError({ file: path, message: `the plugin ${path} could not be read: ${describeError(cause)}` })
  const definitions = yield* Effect.tryPromise({ try: () => definitionsOf(file), catch: failure })
  if (definitions.length === 0) {
    return yield* new PluginError({
      file: path,
      message: `the plugin ${path} exports no node type (its default export should be what defineNode gives)`,
    })
  }
  const print = yield* Effect.tryPromise({ try: () => keptFingerprint(file, store), catch: failure })
  return definitions.map((definition): CatalogueEntry => ({
    definition,
    ...print,
    origin: { kind: "plugin", file },
  }))
})

const keptFingerprint = async (file: string, store: OpenStore | undefined): Promise<Fingerprint> => {
  const root = dirname(file)
  if (store === undefined) return fingerprintModule(file, root)
  const row = store.db.prepare("SELECT record FROM fingerprints WHERE path = ?").get(file)
  const kept = row === undefined ? undefined : (JSON.parse(String(row["record"])) as Kept)
  if (kept !== undefined && isCurrent(kept, root, store)) return kept.print
  const print = await fingerprintModule(file, root)
  const files = Object.keys(print.modules).filter((name) => /\.[cm]?[jt]s$|\.json$/u.test(name))
  const stamped: Kept = {
    print,
    files: Object.fromEntries(files.map((name) => [name, store.files.digest(resolve(root, name))])),
  }
  store.db
    .prepare("INSERT OR REPLACE INTO fingerprints (path, record) VALUES (?, ?)")
    .run(file, JSON.stringify(stamped))
  return print
}

interface Kept {
  readonly print: Fingerprint
  /** Content of each file of the closure when the fingerprint was made, relative to the plugin's folder. */
  readonly files: Readonly<Record<string, string>>
}

const isCurrent = (kept: Kept, root: string, store: OpenStore): boolean => {
  try {
    return Object.entries(kept.files).every(
      ([name, digest]) => store.files.digest(resolve(root, name)) === digest,
    )
  } catch {
    return false
  }
}
