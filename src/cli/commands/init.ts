import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { UsageError } from "../failure.ts"
import { print, printJson } from "../output.ts"
import { root } from "../root.ts"
import { builtinTypes, loadDocumentModule } from "../session.ts"

const pipeline = `# yaml-language-server: $schema=./pipeline.schema.json
#
# Pictures of two expressions, found by keywords, checked, and freed of duplicates.
#
#   dag run       compute what is new
#   dag plan      say what a run would do, and why
#   dag show counts
#
# Add a word to a class and run again: only that word is searched for.
pipeline: faces

params:
  seed: 7
  keywords:
    happiness: [joyful, delighted]
    sadness: [sorrow]

nodes:
  # The gallery is an image service inside of the program: it needs no network, and its pictures show nobody.
  # For photographs: engine: wikimedia, and your address as \`contact\`.
  crawl:
    uses: crawl.search
    with: { engine: gallery, keywords: "\${params.keywords}", perKeyword: 8 }
    retries: 2
  checked: { uses: image.check, in: { images: crawl } }
  hashed: { uses: image.hash, in: { images: checked } }
  unique: { uses: image.dedupe, in: { items: hashed } }
  counts: { uses: dataset.counts, in: { sets: [crawl, unique.unique] } }
`

export const init = Command.make(
  "init",
  { folder: Argument.String("folder").pipe(Argument.withDescription("Where to"), Argument.withDefault(".")) },
  Effect.fnUntraced(function* ({ folder }) {
    const globals = yield* root
    const { editorSchema } = yield* loadDocumentModule
    const schema = editorSchema(yield* builtinTypes)
    const files: Readonly<Record<string, string>> = {
      "pipelines/fer.pipeline.yaml": pipeline,
      "pipelines/pipeline.schema.json": `${JSON.stringify(schema, null, 2)}\n`,
      ".gitignore": "cache/\n",
    }
    const there = Object.keys(files).filter((path) => existsSync(join(folder, path)) && path !== ".gitignore")
    if (there.length > 0) {
      return yield* new UsageError({
        message: `there is a project in ${resolve(folder)} already: ${there.join(", ")}`,
        hint: "dag init FOLDER begins one elsewhere",
      })
    }
    const written = Object.keys(files).filter((path) => !existsSync(join(folder, path)))
    yield* Effect.try({
      try: () => {
        for (const path of written) {
          mkdirSync(dirname(join(folder, path)), { recursive: true })
          writeFileSync(join(folder, path), files[path] ?? "")
        }
      },
      catch: (cause) =>
        new UsageError({
          message: `${folder} cannot be written: ${cause instanceof Error ? cause.message : "?"}`,
        }),
    })
    if (globals.json) return yield* printJson({ folder: resolve(folder), files: written })
    const step = relative(process.cwd(), resolve(folder))
    return yield* print(
      [
        ...written.map((path) => `wrote ${join(folder, path)}`),
        `next: ${step === "" ? "" : `cd ${step} && `}dag run`,
      ].join("\n"),
    )
  }),
).pipe(Command.withDescription("Begin a new project with a small pipeline that runs"))
