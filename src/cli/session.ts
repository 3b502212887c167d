import { existsSync } from "node:fs"
import { join, resolve } from "node:path"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { packageRoot } from "../runtime/package-root.ts"
import type { OpenStore } from "../runtime/store/store.ts"
import { DocumentFailure, UsageError } from "./failure.ts"
import type { Diagnostic } from "../schema/diagnostic.ts"
import type { Catalogue, CatalogueEntry } from "../runtime/catalogue.ts"
import type { LoadedDocument } from "../runtime/document/index.ts"
import { projectOf } from "../runtime/document/project.ts"
import { settleGraph } from "../runtime/settle.ts"
import { note } from "./output.ts"
import { beginDocument, documentModule, openDocument, type Opened } from "./open-document.ts"
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
const engine = () => import("../runtime/engine.ts")
const builtin = () => import("../nodes/builtin.ts")

export const loadEngine = Effect.promise(engine)
export { documentModule as loadDocumentModule } from "./open-document.ts"

/** The node types that come with the program. */
export const builtinTypes = Effect.promise(async () => (await builtin()).builtinCatalogue())

/** The store's folder. */
export const storeFolder = (globals: Globals): Effect.Effect<string> =>
  Effect.sync(() => (globals.cache === "" ? join(projectOf(globals.file), "cache") : resolve(globals.cache)))

/** The built-in node types and those of a document's plugins. */
const withPlugins = Effect.fnUntraced(function* (
  plugins: ReadonlyArray<string>,
  root: string,
  store: OpenStore | undefined,
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

/** Tells the warnings of a document, on standard error. */
const opened = Effect.fnUntraced(function* (globals: Globals, { document: checked, catalogue }: Opened) {
  const document = { ...checked, graph: settleGraph(checked.graph) }
  const { graph, sources } = document
  if (graph.warnings.length > 0 && !globals.quiet) {
    const { renderDiagnostics } = yield* Effect.promise(() => import("../runtime/document/render.ts"))
    note(renderDiagnostics(graph.warnings, sources, { color: useColour(2) }))
  }
  return { document, graph, catalogue } satisfies Session
})

const documentOptions = (globals: Globals, flags: DocumentFlags) => ({
  file: globals.file,
  profile: flags.profile,
  set: flags.set,
  env: process.env,
})

/** Reads and checks the document; warnings go to standard error. */
export const openSession = (globals: Globals, flags: DocumentFlags) =>
  Effect.flatMap(openDocument(documentOptions(globals, flags), withPlugins), (document) =>
    opened(globals, document),
  )

/** A missing file, shown where the document names it: the engine knows the node only. */
const atParameter = Effect.fnUntraced(function* (problem: Diagnostic, { document, graph }: Session) {
  const node = graph.nodes.find(({ name }) => problem.path === `nodes.${name}`)
  const named = Object.entries(node?.params ?? {}).find(
    ([, value]) => typeof value === "string" && value !== "" && problem.message.includes(` ${value},`),
  )
  if (node === undefined || named === undefined) return problem
  const path = `nodes.${node.name}.with.${named[0]}`
  return { ...problem, ...(yield* document.locate(["nodes", node.name, "with", named[0]])), path }
})

/** Runs something with the document checked and the store open. */
export const withStore = Effect.fnUntraced(function* <A, E, R>(
  globals: Globals,
  flags: DocumentFlags,
  body: (session: Session, engine: Engine) => Effect.Effect<A, E, R>,
) {
  const folder = yield* storeFolder(globals)
  const finish = yield* beginDocument(documentOptions(globals, flags), folder, withPlugins)
  const api = yield* loadEngine
  const entry = yield* workerEntry
  return yield* Effect.gen(function* () {
    const session = yield* opened(globals, yield* finish(yield* api.Store))
    return yield* body(session, api).pipe(
      Effect.catchIf(
        (error) => error instanceof api.MissingFiles,
        (error) =>
          Effect.forEach(error.problems, (problem) => atParameter(problem, session)).pipe(
            Effect.flatMap((diagnostics) =>
              Effect.fail(new DocumentFailure({ diagnostics, sources: session.document.sources })),
            ),
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
  const { openDocument: read } = yield* documentModule
  const envelope = yield* Effect.option(read({ file: globals.file, env: process.env }))
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
