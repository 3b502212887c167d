import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import * as Data from "effect/Data"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { packageRoot } from "../runtime/package-root.ts"
import type { PluginError } from "../runtime/plugins.ts"
import { DocumentFailure, UsageError } from "./failure.ts"
import type { Diagnostic } from "../schema/diagnostic.ts"
import type { Catalogue, CatalogueEntry } from "../runtime/catalogue.ts"
import type { LoadedDocument } from "../runtime/document/index.ts"
import { note } from "./output.ts"
import { useColour } from "./present/colour.ts"

/** What every command knows of the command line. */
export interface Globals {
  readonly file: string
  /** Empty: the default, `cache/` of the project. */
  readonly cache: string
  readonly json: boolean
  readonly quiet: boolean
}
export interface DocumentFlags {
  readonly profile: ReadonlyArray<string>
  readonly set: ReadonlyArray<string>
}

// Start-up is what these cost, so they are loaded by the commands that use them.
const document = () => import("../runtime/document/index.ts")
const engine = () => import("../runtime/engine.ts")
const builtin = () => import("../nodes/builtin.ts")

export const loadEngine = Effect.promise(engine)
export const loadDocumentModule = Effect.promise(document)

/** The node types that come with the program. */
export const builtinTypes = Effect.promise(async () => (await builtin()).builtinCatalogue())

/** The store's folder. */
export const storeFolder = Effect.fnUntraced(function* (globals: Globals) {
  const { projectOf } = yield* loadDocumentModule
  return globals.cache === "" ? join(projectOf(globals.file), "cache") : resolve(globals.cache)
})

/** The built-in node types and those of a document's plugins. */
const withPlugins = Effect.fnUntraced(function* (
  plugins: ReadonlyArray<string>,
  root: string,
  store: PluginStore,
) {
  const all = new Map<string, CatalogueEntry>(yield* builtinTypes)
  if (plugins.length === 0) return all
  const { loadPlugin, PluginError } = yield* loadEngine
  for (const plugin of plugins) {
    for (const entry of yield* loadPlugin(plugin, root, store)) {
      const { type } = entry.definition
      if (all.has(type)) {
        return yield* new PluginError({
          file: plugin,
          message: `the plugin ${plugin} declares ${type}, a node type that there is already`,
        })
      }
      all.set(type, entry)
    }
  }
  return all
})

export interface Session {
  readonly document: LoadedDocument
  readonly graph: LoadedDocument["graph"]
  readonly catalogue: Catalogue
}

/** The engine, loaded. */
export type Engine = Awaited<ReturnType<typeof engine>>
type PluginStore = Parameters<Engine["loadPlugin"]>[2]

/** The document names plugins, whose fingerprints are kept in the store: it has to be open first. */
class NeedsStore extends Data.TaggedError("NeedsStore") {}

const open = Effect.fnUntraced(function* (
  globals: Globals,
  flags: DocumentFlags,
  pluginTypes: (
    plugins: ReadonlyArray<string>,
    root: string,
  ) => Effect.Effect<Catalogue, PluginError | NeedsStore>,
) {
  const { loadDocument, renderDiagnostics } = yield* loadDocumentModule
  let catalogue: Catalogue = new Map()
  const document = yield* loadDocument({
    file: globals.file,
    profile: flags.profile,
    set: flags.set,
    env: process.env,
    catalogue: (plugins, root) =>
      Effect.tap(pluginTypes(plugins, root), (all) => Effect.sync(() => (catalogue = all))),
  })
  const { warnings } = document.graph
  if (warnings.length > 0 && !globals.quiet) {
    note(renderDiagnostics(warnings, document.sources, { color: useColour(2) }))
  }
  return { document, graph: document.graph, catalogue } satisfies Session
})

/** Reads and checks the document; warnings go to standard error. */
export const openSession = (globals: Globals, flags: DocumentFlags) =>
  open(globals, flags, (plugins, root) => withPlugins(plugins, root, undefined))

/** A missing file, shown where the document names it: the engine knows the node only. */
const atParameter = (problem: Diagnostic, { document, graph }: Session): Diagnostic => {
  const node = graph.nodes.find(({ name }) => problem.path === `nodes.${name}`)
  const named = Object.entries(node?.params ?? {}).find(
    ([, value]) => typeof value === "string" && value !== "" && problem.message.includes(` ${value},`),
  )
  if (node === undefined || named === undefined) return problem
  const path = `nodes.${node.name}.with.${named[0]}`
  return { ...problem, ...document.locate(["nodes", node.name, "with", named[0]]), path }
}

/** Runs something with the document checked and the store open. */
export const withStore = Effect.fnUntraced(function* <A, E, R>(
  globals: Globals,
  flags: DocumentFlags,
  body: (session: Session, engine: Engine) => Effect.Effect<A, E, R>,
) {
  // Where it can be, the document is checked first, so that a mistake in it leaves no folder behind.
  const first = yield* open(globals, flags, (plugins, root) =>
    plugins.length === 0 ? withPlugins([], root, undefined) : Effect.fail(new NeedsStore()),
  ).pipe(Effect.catchTag("NeedsStore", () => Effect.succeed(undefined)))
  const api = yield* loadEngine
  const folder = yield* storeFolder(globals)
  const entry = yield* workerEntry
  return yield* Effect.gen(function* () {
    const store = yield* api.Store
    const session =
      first ?? (yield* open(globals, flags, (plugins, root) => withPlugins(plugins, root, store)))
    return yield* body(session, api).pipe(
      Effect.catchIf(
        (error) => error instanceof api.MissingFiles,
        (error) =>
          Effect.fail(
            new DocumentFailure({
              diagnostics: error.problems.map((problem) => atParameter(problem, session)),
              sources: session.document.sources,
            }),
          ),
      ),
    )
  }).pipe(
    Effect.provide(Layer.merge(api.Executor.processes({ entry, args: [folder] }), api.Store.layer(folder))),
  )
})

/** Runs something with the store open, and nothing asked of the document but its name. */
export const withStoreOnly = Effect.fnUntraced(function* <A, E, R>(
  globals: Globals,
  body: (engine: Engine) => Effect.Effect<A, E, R>,
) {
  const api = yield* loadEngine
  const folder = yield* storeFolder(globals)
  if (!existsSync(folder)) {
    return yield* new UsageError({
      message: `there is no store at ${folder}`,
      hint: "nothing ran here yet; -f FILE or --cache DIR name another place",
    })
  }
  return yield* body(api).pipe(Effect.provide(api.Store.layer(folder)))
})

/** The built-in node types, and those of the document's plugins where there is one that can be read. */
export const availableTypes = Effect.fnUntraced(function* (globals: Globals) {
  if (!existsSync(globals.file)) return yield* builtinTypes
  const { openDocument } = yield* loadDocumentModule
  const envelope = yield* Effect.option(openDocument({ file: globals.file, env: process.env }))
  return Option.isSome(envelope) && envelope.value.plugins.length > 0
    ? (yield* openSession(globals, { profile: [], set: [] })).catalogue
    : yield* builtinTypes
})

/** Whether what nodes say is shown while they run: at `--log-level debug` and below. */
export const logsShown = Effect.map(
  GlobalFlag.LogLevel,
  (level) => Option.isSome(level) && ["All", "Trace", "Debug"].includes(level.value),
)

/** The file that worker processes start from: beside what was built, or the source. */
const workerEntry = Effect.sync(() => {
  const built = join(packageRoot, "dist", "worker.js")
  return existsSync(built) ? built : join(packageRoot, "src", "cli", "worker.ts")
})
