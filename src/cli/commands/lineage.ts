import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import packageInfo from "../../../package.json" with { type: "json" }
import type { OpenStore, Traced } from "../../runtime/engine.ts"
import { UsageError } from "../failure.ts"
import { note, paint, print } from "../output.ts"
import { printPieces } from "../pieces.ts"
import { plural } from "../present/text.ts"
import { root } from "../root.ts"
import { loadDocumentModule, withStoreOnly, type Engine } from "../session.ts"

const FORMATS = ["tree", "json", "mermaid", "prov", "openlineage", "ro-crate"] as const

export const lineage = Command.make(
  "lineage",
  {
    ref: Argument.String("ref").pipe(
      Argument.withDescription(
        "A node, node.port, run (its id, or last), artifact digest, or a sample: its id, digest, URL or file",
      ),
    ),
    down: Flag.Boolean("down").pipe(
      Flag.withDescription("What rests on it, in place of what it rests on"),
      Flag.withDefault(false),
    ),
    up: Flag.Boolean("up").pipe(
      Flag.withDescription("What it rests on (the default)"),
      Flag.withDefault(false),
    ),
    format: Flag.Literals("format", FORMATS).pipe(
      Flag.withDescription(
        "How it is written; prov is W3C PROV-JSONLD, openlineage run events, ro-crate a Provenance Run Crate",
      ),
      Flag.withDefault("tree"),
    ),
    out: Flag.String("out").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription("ro-crate: write the crate with its files into this new folder"),
      Flag.optional,
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Samples of a table that the tree names"),
      Flag.withDefault(5),
    ),
  },
  Effect.fnUntraced(function* ({ ref, down, up, format, out, limit }) {
    const globals = yield* root
    if (down && up) return yield* new UsageError({ message: "--up or --down, not both" })
    if (Option.isSome(out) && format !== "ro-crate")
      return yield* new UsageError({
        message: "--out is for --format ro-crate: all others are written to standard output",
      })
    // Of the document only its name is needed: a mistake in it hides no history.
    const { openDocument } = yield* loadDocumentModule
    const { pipeline } = yield* openDocument({ file: globals.file, env: process.env })
    yield* withStoreOnly(globals, (engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        const found = yield* engine.lineage({ pipeline, ref, direction: down ? "down" : "up" })
        const failure = (cause: unknown) => engine.storeFailure(`write the lineage of ${ref}`, cause)
        if (found.subject === "sample" && (format === "openlineage" || format === "ro-crate"))
          return yield* new UsageError({
            message: `${format} knows runs and data sets, and ${ref} is a sample`,
            hint: "--format prov names samples; so do json and mermaid",
          })
        if (format === "ro-crate")
          return yield* Option.match(out, {
            onNone: () =>
              print(engine.crateText(engine.roCrate(store, found, packageInfo.version)).trimEnd()),
            onSome: (folder) => writeFolder(engine, store, found, folder, failure),
          })
        const document = documentOf(engine, store, found, globals.json && format === "tree" ? "json" : format)
        if (document !== undefined) return yield* printPieces(document, failure)
        if (format === "mermaid") return yield* print(engine.lineageMermaid(found))
        const members = yield* Effect.tryPromise({
          try: () => engine.summaries(store, found, Math.max(0, limit)),
          catch: failure,
        })
        return yield* print(engine.lineageTree(found, found.direction, { members, paint }))
      }),
    )
  }),
).pipe(
  Command.withDescription("Where a figure or a picture came from, and what it touched"),
  Command.withExamples([
    { command: "dag lineage eval", description: "From the figures up to every picture" },
    {
      command: "dag lineage http://example.org/face.jpg",
      description: "From one picture to its predictions",
    },
    {
      command: "dag lineage last --format ro-crate --out crate",
      description: "The last run as a folder to hand on",
    },
  ]),
)

/** The formats that are written piece by piece. */
const documentOf = (
  engine: Engine,
  store: OpenStore,
  found: Traced,
  format: (typeof FORMATS)[number],
): AsyncIterable<string> | Iterable<string> | undefined => {
  if (format === "json") return engine.lineageJson(store, found)
  if (format === "prov") return engine.provDocument(store, found, packageInfo.version)
  if (format === "openlineage") return engine.openLineageDocument(store, found, packageInfo.version)
  return undefined
}

const writeFolder = <E>(
  engine: Engine,
  store: OpenStore,
  found: Traced,
  folder: string,
  failure: (cause: unknown) => E,
) =>
  Effect.gen(function* () {
    if (!engine.isFree(folder))
      return yield* new UsageError({
        message: `${folder} is there already, and not empty`,
        hint: "a crate is written into a new folder",
      })
    const crate = engine.roCrate(store, found, packageInfo.version)
    yield* Effect.tryPromise({ try: () => engine.writeCrate(store, crate, folder), catch: failure })
    return note(`${folder}: ro-crate-metadata.json and ${plural(crate.files.length, "file")}`)
  })
