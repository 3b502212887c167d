import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { isDeepStrictEqual } from "node:util"
import * as Effect from "effect/Effect"
import { digestOf, digestRecord } from "../../schema/digest.ts"
import type { Catalogue } from "../catalogue.ts"
import { freeze, thaw, type FrozenGraph } from "./frozen.ts"
import type { DocumentOptions, LoadedDocument } from "./load.ts"
import { projectOf } from "./project.ts"
import { setName } from "./source.ts"

/** How many checked documents a store keeps; the newest stay. */
const MOST = 16

/** Where checked documents are kept, and for which build of the program: another one may check in another way. */
export interface DocumentCache {
  readonly folder: string
  readonly build: string
}

/** What a document is read by, with its text. */
export interface ReadDocument extends DocumentOptions {
  readonly text: string
}

/** What is kept beside the graph: all that it was made of besides the text, to be compared. */
interface Kept {
  readonly plugins: ReadonlyArray<string>
  /** The variables that the document declares, and the digest of their values. */
  readonly environment: { readonly names: ReadonlyArray<string>; readonly digest: string }
  /** The node types that it uses, with the fingerprints of their code. */
  readonly types: Readonly<Record<string, string>>
  readonly graph: FrozenGraph
}

const pathOf = (cache: DocumentCache, options: ReadDocument): string => {
  const key = digestRecord("document", {
    build: cache.build,
    name: options.file,
    file: resolve(options.file),
    root: resolve(options.root ?? projectOf(options.file)),
    profiles: options.profile ?? [],
    sets: options.set ?? [],
    text: digestOf(options.text),
  })
  return join(cache.folder, `${key}.json`)
}

const environmentDigest = (names: ReadonlyArray<string>, env: DocumentOptions["env"]): string =>
  digestRecord(
    "environment",
    names.map((name) => [name, env[name] ?? null]),
  )

/** The node types of a catalogue that a graph uses, as far as there are such. */
const printsOf = (uses: Iterable<string>, catalogue: Catalogue): Readonly<Record<string, string>> =>
  Object.fromEntries([...uses].map((type) => [type, catalogue.get(type)?.fingerprint ?? ""]))

/** A document that was checked before. */
export interface KeptDocument {
  readonly plugins: ReadonlyArray<string>
  /** The document as it was, or nothing where a node type is another by now. */
  readonly open: (catalogue: Catalogue) => LoadedDocument | undefined
}

/**
 * A document that was checked before with the same text, profiles, `--set` and values of the variables it declares.
 * Undefined where there is none, or where what is kept is damaged: then the document is to be read as ever.
 */
export const findDocument = (cache: DocumentCache, options: ReadDocument): KeptDocument | undefined => {
  const kept = read(pathOf(cache, options))
  if (kept === undefined) return undefined
  const { environment, plugins, types } = kept
  if (environmentDigest(environment.names, options.env) !== environment.digest) return undefined
  return {
    plugins,
    open: (catalogue) => {
      if (!isDeepStrictEqual(printsOf(Object.keys(types), catalogue), types)) return undefined
      const graph = thaw(kept.graph, placeOf(options), catalogue)
      if (graph === undefined) return undefined
      return {
        graph,
        sources: new Map([
          [options.file, options.text],
          [setName, (options.set ?? []).join("\n")],
        ]),
        locate: (path) =>
          Effect.promise(() => import("./load.ts")).pipe(
            Effect.flatMap(({ openDocument, placeIn }) =>
              Effect.map(openDocument(options), (envelope) => placeIn(envelope, path)),
            ),
            Effect.orDie,
          ),
      }
    },
  }
}

const placeOf = (options: ReadDocument) => ({
  name: options.file,
  file: resolve(options.file),
  root: resolve(options.root ?? projectOf(options.file)),
  text: digestOf(options.text),
})

/**
 * Keeps a checked document. One that declares a secret is not kept, so that no value of it can get here; nor is one
 * whose graph would not come back exactly as it is: that is tried before it is written. Gives whether it is kept.
 */
export const keepDocument = (
  cache: DocumentCache,
  options: ReadDocument,
  declared: {
    readonly plugins: ReadonlyArray<string>
    readonly environment: ReadonlyMap<string, { readonly secret: boolean }>
  },
  catalogue: Catalogue,
  { graph }: LoadedDocument,
): boolean => {
  if ([...declared.environment.values()].some(({ secret }) => secret)) return false
  const frozen = freeze(graph, catalogue)
  if (frozen === undefined) return false
  const names = [...declared.environment.keys()].sort()
  const kept: Kept = {
    plugins: declared.plugins,
    environment: { names, digest: environmentDigest(names, options.env) },
    types: printsOf(new Set(graph.nodes.map((node) => node.uses)), catalogue),
    graph: frozen,
  }
  const body = JSON.stringify(kept)
  const again = thaw((JSON.parse(body) as Kept).graph, placeOf(options), catalogue)
  if (!isDeepStrictEqual(again, graph)) return false
  write(pathOf(cache, options), body)
  return true
}

/** The first line holds the digest of the rest. */
const read = (path: string): Kept | undefined => {
  try {
    const content = readFileSync(path, "utf8")
    const end = content.indexOf("\n")
    const body = content.slice(end + 1)
    return content.slice(0, end) === digestOf(body) ? (JSON.parse(body) as Kept) : undefined
  } catch {
    return undefined
  }
}

/** It only saves time: where it cannot be written, nothing is lost. */
const write = (path: string, body: string): void => {
  const folder = join(path, "..")
  const fresh = `${path}.${process.pid}`
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(fresh, `${digestOf(body)}\n${body}`)
    renameSync(fresh, path)
    const names = readdirSync(folder)
    if (names.length <= MOST) return
    const byAge = names
      .map((name) => ({ name, at: statSync(join(folder, name)).mtimeMs }))
      .sort((a, b) => b.at - a.at)
    for (const { name } of byAge.slice(MOST)) rmSync(join(folder, name), { force: true })
  } catch {
    rmSync(fresh, { force: true })
  }
}
