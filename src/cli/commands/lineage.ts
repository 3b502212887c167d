import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { UsageError } from "../failure.ts"
import { paint, print } from "../output.ts"
import { printPieces } from "../pieces.ts"
import { root } from "../root.ts"
import { loadDocumentModule, withStoreOnly } from "../session.ts"

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
    format: Flag.Literals("format", ["tree", "json", "mermaid"]).pipe(
      Flag.withDescription("How it is written"),
      Flag.withDefault("tree"),
    ),
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Samples of a table that the tree names"),
      Flag.withDefault(5),
    ),
  },
  Effect.fnUntraced(function* ({ ref, down, up, format, limit }) {
    const globals = yield* root
    if (down && up) return yield* new UsageError({ message: "--up or --down, not both" })
    // Of the document only its name is needed: a mistake in it hides no history.
    const { openDocument } = yield* loadDocumentModule
    const { pipeline } = yield* openDocument({ file: globals.file, env: process.env })
    yield* withStoreOnly(globals, (engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        const found = yield* engine.lineage({ pipeline, ref, direction: down ? "down" : "up" })
        const failure = (cause: unknown) => engine.storeFailure(`write the lineage of ${ref}`, cause)
        if (globals.json || format === "json")
          return yield* printPieces(engine.lineageJson(store, found), failure)
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
  ]),
)
