import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { ForgetReport } from "../../runtime/store/forget.ts"
import { UsageError } from "../failure.ts"
import { note, print, printJson } from "../output.ts"
import { columns, count, plural } from "../present/text.ts"
import { root } from "../root.ts"
import { loadDocumentModule, loadEngine, storeFolder, type Engine } from "../session.ts"

type Store = Effect.Success<Engine["Store"]>

const DISTANCE = 6
/** Pictures decoded at a time. */
const AT_ONCE = 4

/** What a picture looks like, by the hash that `image.hash` adds to rows. */
const lookOf = async (bytes: Uint8Array): Promise<string> => {
  const [{ decodeImage }, { perceptualHash }] = await Promise.all([
    import("../../vision/decode.ts"),
    import("../../vision/hash.ts"),
  ])
  return perceptualHash(await decodeImage(bytes))
}

/** Pictures of the store, as they were fetched or imported, that look like another: each has to be decoded for it. */
const picturesLike = Effect.fnUntraced(function* (
  engine: Engine,
  store: Store,
  hash: string,
  distance: number,
) {
  const { hammingDistance } = yield* Effect.promise(() => import("../../vision/hash.ts"))
  const alike: Array<string> = []
  let looked = 0
  yield* Effect.forEach(
    engine.picturesOfSources(store),
    (digest) =>
      Effect.promise(async () => {
        // What is no picture, or a damaged one, looks like nothing.
        const look = await lookOf(store.blobs.get(digest)).catch(() => undefined)
        if (look !== undefined && hammingDistance(look, hash) <= distance) alike.push(digest)
        if (++looked % 10_000 === 0) note(`${count(looked)} pictures looked at`)
      }),
    { concurrency: AT_ONCE, discard: true },
  )
  return alike
})

const describe = (report: ForgetReport, file: string, dryRun: boolean): string => {
  const { tombstone, tables, results, runs, applied } = report
  const names = [
    plural(tombstone.urls.length, "address", "addresses"),
    plural(tombstone.digests.length, "picture"),
    ...(tombstone.looks.length === 0 ? [] : [plural(tombstone.looks.length, "look")]),
  ]
  const lines = [`${dryRun ? "would forget" : "forgotten:"} ${names.join(", ")} (${file})`]
  if (tables.length > 0)
    lines.push(
      "",
      columns(
        [
          ["table", "type", "rows", "splits"],
          ...tables.map(({ node, port, uses, rows, splits }) => [
            `${node}.${port}`,
            uses,
            count(rows),
            Object.entries(splits)
              .map(([split, n]) => `${split} ${n}`)
              .join(", "),
          ]),
        ],
        [2],
      ),
    )
  const made = results.flatMap(({ node, artifacts }) =>
    artifacts.map(({ port, type }) => `${node}.${port} (${type})`),
  )
  if (made.length > 0) lines.push("", `made of it: ${[...new Set(made)].join(", ")}`)
  const nodes = [...new Set(results.map(({ node }) => node))]
  if (nodes.length > 0)
    lines.push(
      "",
      `${dryRun ? "the next run would compute" : "the next run computes"} again: ${nodes.join(", ")}`,
    )
  else lines.push("nothing in this store rests on it")
  if (runs.length > 0)
    lines.push(`figures of ${plural(runs.length, "run")} rest on it: ${runs.slice(0, 10).join(", ")}`)
  if (applied !== undefined)
    lines.push(
      "",
      `taken back: ${plural(applied.results, "result")}, ${plural(applied.items, "item result")}, ${plural(applied.chunks, "chunk result")}`,
      `the bytes are purged by \`dag cache gc\`; commit ${file}, so that every copy of the project honours it`,
    )
  return lines.join("\n")
}

export const forget = Command.make(
  "forget",
  {
    url: Flag.String("url").pipe(
      Flag.withMetavar("URL"),
      Flag.withDescription("The address of a picture, or of the page it was found on (may be repeated)"),
      Flag.atLeast(0),
    ),
    digest: Flag.String("digest").pipe(
      Flag.withMetavar("SHA256"),
      Flag.withDescription("The digest of its bytes (may be repeated)"),
      Flag.atLeast(0),
    ),
    near: Flag.String("near").pipe(
      Flag.withMetavar("FILE"),
      Flag.withDescription("A picture on disk: it, and whatever looks like it (may be repeated)"),
      Flag.atLeast(0),
    ),
    distance: Flag.Int("distance").pipe(
      Flag.withDescription("How many of the 64 bits of a perceptual hash may differ"),
      Flag.withDefault(DISTANCE),
    ),
    reason: Flag.String("reason").pipe(
      Flag.withDescription("Why, for the record; name nobody"),
      Flag.withDefault(""),
    ),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDescription("Only say what depends on it"),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* ({ url, digest, near, distance, reason, dryRun }) {
    const globals = yield* root
    if (url.length + digest.length + near.length === 0)
      return yield* new UsageError({
        message: "forget what?",
        hint: "--url, --digest or --near FILE says it",
      })
    const wrong = digest.find((text) => !/^[0-9a-f]{64}$/u.test(text))
    if (wrong !== undefined)
      return yield* new UsageError({
        message: `--digest ${wrong}: not a sha256 of 64 hexadecimal digits`,
        hint: "`dag lineage URL` shows the digest of a picture",
      })
    if (distance < 0 || distance > 32)
      return yield* new UsageError({ message: "--distance: from 0 to 32 of 64 bits" })
    const pictures = yield* Effect.forEach(near, pictureOnDisk)
    const { projectOf } = yield* loadDocumentModule
    const project = projectOf(globals.file)
    const engine = yield* loadEngine
    const folder = yield* storeFolder(globals)
    const report = yield* Effect.gen(function* () {
      const store = yield* engine.Store
      yield* engine.useForgotten(store, project)
      const alike = yield* Effect.forEach(pictures, ({ hash }) => picturesLike(engine, store, hash, distance))
      return yield* engine.storeTry("forget", () =>
        engine.forget(store, project, {
          urls: url,
          digests: [...digest, ...pictures.map((picture) => picture.digest), ...alike.flat()],
          looks: pictures.map(({ hash }) => ({ hash, distance })),
          ...(reason === "" ? {} : { reason }),
          dryRun,
          now: Date.now(),
        }),
      )
    }).pipe(Effect.provide(engine.Store.layer(folder)))
    if (globals.json) return yield* printJson(report)
    return yield* print(describe(report, engine.FORGOTTEN_FILE, dryRun))
  }),
).pipe(
  Command.withDescription(
    "A removal request: take a picture, and all that rests on it, out of this project for good",
  ),
  Command.withExamples([
    { command: "dag forget --url https://example.org/a.jpg --dry-run", description: "What depends on it" },
    { command: "dag forget --near face.png", description: "A picture and its copies, whatever their size" },
  ]),
)

const pictureOnDisk = (file: string) =>
  Effect.tryPromise({
    try: async () => {
      const [{ readFileSync }, { digestOf }] = await Promise.all([
        import("node:fs"),
        import("../../schema/digest.ts"),
      ])
      const bytes = readFileSync(file)
      return { digest: digestOf(bytes), hash: await lookOf(bytes) }
    },
    catch: (cause) =>
      new UsageError({
        message: `--near ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint: "give a picture that can be decoded",
      }),
  })
