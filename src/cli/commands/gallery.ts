import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { UsageError } from "../failure.ts"
import { note, print, printJson } from "../output.ts"
import { root } from "../root.ts"

export const gallery = Command.make(
  "gallery",
  {
    port: Flag.Int("port").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Where to listen; 0 takes any free port"),
      Flag.withDefault(8080),
    ),
    seed: Flag.Int("seed").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Which world is drawn; the document's seed shows what its crawl sees"),
      Flag.withDefault(7),
    ),
  },
  Effect.fnUntraced(function* ({ port, seed }) {
    const globals = yield* root
    const { startGallery } = yield* Effect.promise(() => import("../../gallery/server.ts"))
    const server = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          startGallery({
            port,
            seed,
            publicUrl: "self",
            ...(globals.quiet ? {} : { log: (line) => note(line) }),
          }),
        catch: (cause) => new UsageError({ message: cause instanceof Error ? cause.message : String(cause) }),
      }),
      (server) => Effect.promise(() => server.close()),
    )
    yield* globals.json
      ? printJson({ url: server.url })
      : print(
          `The gallery is open at ${server.url} (all its pictures are drawn by this program); Ctrl-C closes it`,
        )
    return yield* Effect.never
  }, Effect.scoped),
).pipe(Command.withDescription("Serve the embedded image service for a browser, until Ctrl-C"))
