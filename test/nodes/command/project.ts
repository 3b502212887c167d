import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import commandRun from "../../../src/nodes/command/run.ts"
import sourcePath from "../../../src/nodes/source/path.ts"
import type { CatalogueEntry } from "../../../src/runtime/catalogue.ts"
import { loadDocument } from "../../../src/runtime/document/index.ts"
import {
  Executor,
  plan,
  readFiles,
  readJson,
  readTable,
  run,
  Store,
  TaskFailed,
  type OpenStore,
  type RunOptions,
} from "../../../src/runtime/engine.ts"
import { defineNode, type NodeDefinition } from "../../../src/runtime/node.ts"
import { Images, JsonArtifact } from "../../../src/schema/artifact.ts"
import type { RunEvent } from "../../../src/schema/event.ts"
import type { RunRecord } from "../../../src/schema/trace.ts"

/** Two pictures, or what stands for them, and a figure: what a node of the catalogue may give. */
const pictures = defineNode({
  type: "test.pictures",
  description: "Pictures.",
  outputs: { images: Images, figure: JsonArtifact },
  run: async ({ context }) => {
    const picture = async (id: string) => ({
      id,
      image: await context.blobs.put(Buffer.from(`picture ${id}`), "image/png"),
      set: "test",
      source: { kind: "generated" as const, url: `test:${id}` },
    })
    const images = [await picture("one"), await picture("two")]
    return { images: images, figure: { n: 2 } }
  },
})

const entry = (definition: NodeDefinition): CatalogueEntry => ({
  definition,
  fingerprint: "v1",
  modules: {},
  origin: { kind: "builtin" },
})

/** A folder with a document, scripts and a store; the engine over it, as the command line has it. */
export const projectOf = (files: Readonly<Record<string, string>> = {}) => {
  const root = mkdtempSync(join(tmpdir(), "facet-command-"))
  const events: Array<RunEvent> = []
  const write = (path: string, text: string | Uint8Array): void => {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
    // Older than what a stamp is trusted for.
    const time = new Date(Date.now() - 60_000)
    utimesSync(file, time, time)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  const catalogue = new Map([commandRun, sourcePath, pictures].map((one) => [one.type, entry(one)]))
  const executor = Layer.succeed(
    Executor,
    Executor.of({ run: () => Effect.fail(new TaskFailed({ message: "no workers here" })) }),
  )
  const provide = <A, E>(self: Effect.Effect<A, E, Store | Executor>, signal?: AbortSignal): Promise<A> =>
    Effect.runPromise(
      self.pipe(Effect.provide(Layer.merge(Store.layer(join(root, "cache")), executor))),
      signal === undefined ? {} : { signal },
    )
  const load = (nodes: string, env: Readonly<Record<string, string>> = {}) =>
    loadDocument({
      file: join(root, "p.yaml"),
      text: `pipeline: p\n${nodes}`,
      root,
      env,
      catalogue,
    })
  return {
    root,
    events,
    write,
    load: (nodes: string, env?: Readonly<Record<string, string>>) =>
      Effect.runPromise(Effect.map(load(nodes, env), ({ graph }) => graph)),
    /** What is wrong with a document, as it is shown. */
    complaint: (nodes: string) =>
      Effect.runPromise(Effect.flip(load(nodes))).then((error) => error.message.replaceAll(`${root}/`, "")),
    plan: async (nodes: string) => {
      const { graph } = await Effect.runPromise(load(nodes))
      return provide(plan({ graph, catalogue, targets: [] }))
    },
    run: async (
      nodes: string,
      options: Partial<RunOptions> & {
        readonly env?: Readonly<Record<string, string>>
        readonly signal?: AbortSignal
      } = {},
    ): Promise<RunRecord> => {
      const { env, signal, ...rest } = options
      const { graph } = await Effect.runPromise(load(nodes, env))
      events.length = 0
      return provide(
        run({ graph, catalogue, targets: [], jobs: 2, onEvent: (event) => events.push(event), ...rest }),
        signal,
      )
    },
    store: <A>(body: (store: OpenStore) => A | Promise<A>): Promise<A> =>
      provide(Effect.flatMap(Store, (store) => Effect.promise(async () => body(store)))),
    /** The content of an output: texts of files by path, the value, or the rows. */
    output: (record: RunRecord, name: string): Promise<unknown> => {
      const [node, port] = name.split(".")
      const output = record.nodes.find(({ id }) => id === node)?.outputs[port]
      if (output === undefined) throw new Error(`no output ${name}`)
      return provide(
        Effect.flatMap(Store, ({ blobs }) =>
          Effect.promise(async () => {
            if (output.rows !== undefined) return readTable(blobs, output.digest).all()
            if (output.type !== "Files") return readJson(blobs, output.digest)
            const handle = readFiles(blobs, output.digest, () => Promise.reject(new Error("no folder")))
            const texts = handle.entries.map(({ path, blob, executable }) => [
              path,
              `${Buffer.from(blobs.get(blob.$blob)).toString()}${executable === true ? " (executable)" : ""}`,
            ])
            return Object.fromEntries(texts) as unknown
          }),
        ),
      )
    },
    logs: (node: string): ReadonlyArray<string> =>
      events.flatMap((event) => (event.type === "node-log" && event.node === node ? [event.line] : [])),
    warnings: (): ReadonlyArray<string> =>
      events.flatMap((event) => (event.type === "warning" ? [event.message] : [])),
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}
export type TestProject = ReturnType<typeof projectOf>
