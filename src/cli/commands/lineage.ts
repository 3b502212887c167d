import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { UsageError } from "../failure.ts"
import { print, printJson } from "../output.ts"
import { root } from "../root.ts"
import { loadDocumentModule, withStoreOnly } from "../session.ts"

export const lineage = Command.make(
  "lineage",
  {
    ref: Argument.String("ref").pipe(
      Argument.withDescription(
        "A node, node.port, run, artifact digest, or a sample: its id, digest, URL or file",
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
  },
  Effect.fnUntraced(function* ({ ref, down, up, format }) {
    const globals = yield* root
    if (down && up) return yield* new UsageError({ message: "--up or --down, not both" })
    // Of the document only its name is needed: a mistake in it hides no history.
    const { openDocument } = yield* loadDocumentModule
    const { pipeline } = yield* openDocument({ file: globals.file, env: process.env })
    const direction = down ? "down" : "up"
    yield* withStoreOnly(globals, (engine) =>
      Effect.gen(function* () {
        const found = yield* engine.lineage({ pipeline, ref, direction })
        if (globals.json || format === "json") yield* printJson(found)
        else
          yield* print(
            format === "mermaid" ? engine.lineageMermaid(found) : engine.lineageTree(found, direction),
          )
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
