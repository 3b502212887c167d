import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { existsSync } from "node:fs"
import { resolve } from "node:path"
import type { Catalogue } from "../catalogue.ts"
import type { Graph } from "../graph.ts"
import type { PluginError } from "../plugins.ts"
import { checkDocument } from "./check.ts"
import { readEnvelope, type Envelope } from "./envelope.ts"
import { DocumentError } from "./problems.ts"
import { projectOf } from "./project.ts"
import { decodeText, readText } from "./readText.ts"
import { positionOf, underlined } from "./source.ts"
import { placeOf, type Path } from "./tree.ts"

export interface DocumentOptions {
  /** As the user named it: relative to the working folder, or absolute. */
  readonly file: string
  /** The text, where it is not to be read from the file. */
  readonly text?: string
  /** The project; default `projectOf(file)`. */
  readonly root?: string
  /** Overlays, laid over the document one after the other. */
  readonly profile?: ReadonlyArray<string>
  /** `params.x=v`, v being YAML. */
  readonly set?: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string | undefined>>
}

/** A checked document, and where things stand in it. */
export interface LoadedDocument {
  readonly graph: Graph
  /** The texts that places point into, by name. */
  readonly sources: ReadonlyMap<string, string>
  /** The place of a path such as `["nodes", "ck", "with", "path"]`: of what is there, or of its nearest parent. */
  readonly locate: (path: Path) => Effect.Effect<Place>
}

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly length: number
}

/** The place of a path in a document that is read. */
export const placeIn = (envelope: Envelope, path: Path): Place => {
  const { at } = placeOf(envelope.tree, path, { source: envelope.source, start: 0, end: 0 })
  return { file: at.source.name, ...positionOf(at.source, at.start), length: underlined(at) }
}

/**
 * First step: the text, with profile and `--set` laid over it. Fails only where nothing more could be checked; what
 * else is wrong is kept, and told by the second step together with the rest.
 */
export const openDocument = (options: DocumentOptions): Effect.Effect<Envelope, DocumentError> =>
  Effect.suspend(() => {
    const file = resolve(options.file)
    const root = resolve(options.root ?? projectOf(file))
    let text
    try {
      text =
        options.text === undefined
          ? readText(options.file, file)
          : decodeText(options.file, new TextEncoder().encode(options.text))
    } catch (cause) {
      return cause instanceof DocumentError ? Effect.fail(cause) : Effect.die(cause)
    }
    const { envelope, problems } = readEnvelope({
      name: options.file,
      file,
      root,
      text,
      profiles: options.profile ?? [],
      sets: options.set ?? [],
    })
    if (envelope === undefined) return Effect.fail(problems.failure)
    for (const { path, at, where } of envelope.plugins) {
      if (!existsSync(resolve(root, path))) {
        problems.error(at, where, `there is no file ${path}`, `plugins are looked for in ${root}`)
      }
    }
    return Effect.succeed(envelope)
  })

/** Second step: the whole check, against the node types there are, and the expansion. */
export const checkEnvelope = (
  envelope: Envelope,
  catalogue: Catalogue,
  env: DocumentOptions["env"],
): Effect.Effect<LoadedDocument, DocumentError> => {
  const checked = checkDocument(envelope, catalogue, env)
  if (Result.isFailure(checked)) return Effect.fail(checked.failure)
  return Effect.succeed({
    graph: checked.success,
    sources: envelope.problems.sources,
    locate: (path) => Effect.sync(() => placeIn(envelope, path)),
  })
}

const isPluginError = (error: unknown): error is PluginError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "PluginError"

/** The node types there are, made of the document's plugins (paths relative to the project). */
export type MakeCatalogue<E, R> = (
  plugins: ReadonlyArray<string>,
  root: string,
) => Effect.Effect<Catalogue, E | PluginError, R>

/** Text to checked, expanded graph. A plugin that fails is a problem at the line that names it. */
export const loadDocument = <E = never, R = never>(
  options: DocumentOptions & { readonly catalogue: Catalogue | MakeCatalogue<E, R> },
): Effect.Effect<LoadedDocument, DocumentError | Exclude<E, PluginError>, R> =>
  Effect.gen(function* () {
    const envelope = yield* openDocument(options)
    const { catalogue } = options
    return typeof catalogue === "function"
      ? yield* checkWithPlugins(envelope, catalogue, options.env)
      : yield* checkEnvelope(envelope, catalogue, options.env)
  })

/** The whole check of a document that is read, with the node types of its plugins. */
export const checkWithPlugins = <E = never, R = never>(
  envelope: Envelope,
  catalogue: MakeCatalogue<E, R>,
  env: DocumentOptions["env"],
): Effect.Effect<LoadedDocument, DocumentError | Exclude<E, PluginError>, R> =>
  Effect.gen(function* () {
    const { problems, plugins } = envelope
    if (problems.failed && plugins.length > 0) {
      // With plugins missing, node types that they declare would be called unknown.
      const known = plugins.every(({ path }) => existsSync(resolve(envelope.root, path)))
      if (!known) return yield* Effect.fail(problems.failure)
    }
    const all = yield* catalogue(
      plugins.map(({ path }) => path),
      envelope.root,
    ).pipe(
      Effect.catchIf(isPluginError, (error) => {
        const plugin = plugins.find(({ path }) => path === error.file)
        problems.error(
          plugin?.at ?? { source: envelope.source, start: 0, end: 0 },
          plugin?.where ?? ["plugins"],
          error.message,
        )
        return Effect.fail(problems.failure)
      }),
    )
    return yield* checkEnvelope(envelope, all, env)
  })
