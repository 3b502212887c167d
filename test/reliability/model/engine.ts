import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { defineNode, list, optional, type NodeDefinition } from "../../../src/api.ts"
import type { Catalogue } from "../../../src/runtime/catalogue.ts"
import {
  Executor,
  plan,
  readJson,
  readTable,
  run,
  Store,
  TaskFailed,
  type RunOptions,
} from "../../../src/runtime/engine.ts"
import type { Graph } from "../../../src/runtime/graph.ts"
import type { TableHandle } from "../../../src/runtime/handles.ts"
import { openStore } from "../../../src/runtime/store/store.ts"
import { JsonArtifact, Rejects, table } from "../../../src/schema/artifact.ts"
import type { OutputRecord } from "../../../src/schema/trace.ts"
import { memoryFolder } from "../counts.ts"
import {
  kinds,
  type Given,
  type Kind,
  type Params,
  type Plain,
  type Port,
  type Value,
  type World,
} from "./kinds.ts"
import { text, type ModelNode } from "./model.ts"

const Rows = table(
  "Rows",
  Schema.Struct({
    id: Schema.String,
    n: Schema.Number,
    label: Schema.optionalKey(Schema.String),
    parent: Schema.optionalKey(Schema.String),
  }),
)
const typeOf = (type: "table" | "json") => (type === "table" ? Rows : JsonArtifact)
const portOf = ({ many, type, named = false }: Port) =>
  many === "list"
    ? list(typeOf(type), { named })
    : many === "optional"
      ? optional(typeOf(type))
      : typeOf(type)

type HandleOf = TableHandle<Readonly<Record<string, Plain>>>
const valueOf = async (type: Port["type"], handle: unknown): Promise<Value> => {
  if (type === "json") return { kind: "json", value: handle as Plain }
  const rows: Array<Readonly<Record<string, Plain>>> = []
  for await (const row of (handle as HandleOf).stream()) rows.push(row)
  return { kind: "table", rows }
}

/** One kind as a node type: writes down each call, fails where the world says so, else does what the kind does. */
const definitionOf = (name: string, kind: Kind, world: () => World, calls: Array<string>): NodeDefinition => {
  const { map } = kind
  const shape = {
    type: `t.${name}`,
    description: name,
    inputs: Object.fromEntries(Object.entries(kind.inputs).map(([port, spec]) => [port, portOf(spec)])),
    outputs: Object.fromEntries(Object.entries(kind.outputs).map(([port, type]) => [port, typeOf(type)])),
    params: Schema.Record(Schema.String, Schema.Unknown) as never,
    ...(kind.free === undefined ? {} : { freeParams: kind.free }),
    ...(kind.path === undefined
      ? {}
      : { pathParams: kind.path, files: ((params: { path: string }) => ({ file: params.path })) as never }),
    ...(kind.seeded === true ? { seeded: true } : {}),
  }
  const fail = (salt: string): void => {
    if (world().broken.has(salt)) throw new Error("broken")
  }
  if (map !== undefined) {
    const { make, ...spec } = map
    return defineNode({
      ...shape,
      map: {
        ...spec,
        run: (({ item, params }: { item: Readonly<Record<string, Plain>>; params: Params }) => {
          const salt = params["salt"] as string
          calls.push(`${salt} ${text(item)}`)
          fail(salt)
          fail(`${salt}:${text(item["n"])}`)
          const made = make(item, params)
          if (made.rejected.length > 0 || made.rows.length === 0) return made
          return made.rows.length === 1 ? made.rows[0] : made.rows
        }) as never,
      } as never,
    })
  }
  return defineNode({
    ...shape,
    run: async (call: {
      inputs: Readonly<Record<string, unknown>>
      params: Params
      context: { seed: number; files: Readonly<Record<string, string>> }
    }) => {
      const { inputs, params, context } = call
      const salt = params["salt"] as string
      calls.push(salt)
      fail(salt)
      const given: Record<string, Given[string]> = {}
      for (const [port, { many, type }] of Object.entries(kind.inputs)) {
        const found = inputs[port]
        if (many === "list") {
          const all: Array<Given[string][number]> = []
          for (const { node, value } of found as ReadonlyArray<{ node: string; value: unknown }>)
            all.push({ node, value: await valueOf(type, value) })
          given[port] = all
        } else given[port] = found === undefined ? [] : [{ node: "", value: await valueOf(type, found) }]
      }
      // A file is read from where the engine says it is, not from the model's memory of it.
      const read = (path: string) => JSON.parse(readFileSync(path, "utf8")) as never
      const seen: World =
        kind.path === undefined
          ? world()
          : { ...world(), files: new Map([[params["path"] as string, read(context.files["file"])]]) }
      const made = kind.run!({ given, params, seed: context.seed, world: seen })
      return Object.fromEntries(
        Object.entries(made).map(([port, value]) => [
          port,
          value.kind === "table" ? value.rows : value.value,
        ]),
      )
    },
  })
}

/** The engine over the kinds, with one store that stays open for all graphs of a test file. */
export const engine = () => {
  const root = mkdtempSync(join(memoryFolder, "facet-model-"))
  const calls: Array<string> = []
  let world: World = { sources: new Map(), files: new Map(), broken: new Set() }
  const definitions = new Map(
    Object.entries(kinds).map(([name, kind]) => [name, definitionOf(name, kind, () => world, calls)]),
  )
  const open = () => openStore(join(root, "cache"))
  let store = open()
  const noProcesses = Layer.succeed(
    Executor,
    Executor.of({
      run: () => Effect.fail(new TaskFailed({ message: "there are no worker processes here" })),
    }),
  )
  const provide = <A, E>(self: Effect.Effect<A, E, Store | Executor>) =>
    Effect.runPromise(self.pipe(Effect.provide(Layer.merge(Layer.succeed(Store, store), noProcesses))))
  const written = new Map<string, unknown>()
  const values = new Map<string, Value>()

  return {
    calls,
    /** Another process, as far as anything kept in memory goes. */
    reopen: () => {
      store.close()
      store = open()
      values.clear()
    },
    /** Makes the world of a model the one the node functions live in. */
    enter: (next: World): void => {
      world = next
      for (const [path, rows] of next.files) {
        if (written.get(path) === rows) continue
        writeFileSync(join(root, path), JSON.stringify(rows))
        written.set(path, rows)
      }
      for (const path of written.keys()) {
        if (next.files.has(path)) continue
        rmSync(join(root, path), { force: true })
        written.delete(path)
      }
    },
    graph: (pipeline: string, nodes: ReadonlyArray<ModelNode>, seed: number): Graph => ({
      pipeline,
      file: join(root, "graph.yaml"),
      root,
      text: "",
      warnings: [],
      nodes: nodes.map(({ id, kind, params, inputs, optional }) => {
        const definition = definitions.get(kind)!
        const outputs = Object.fromEntries(
          Object.entries(kinds[kind].outputs).map(([port, type]) => [port, typeOf(type)]),
        )
        return {
          id,
          name: id,
          uses: definition.type,
          definition,
          params,
          inputs,
          outputs: kinds[kind].map === undefined ? outputs : { ...outputs, rejected: Rejects },
          seed,
          resources: {},
          retries: 0,
          optional,
          secrets: {},
          at: { file: "graph.yaml", line: 1, column: 1 },
        }
      }),
    }),
    catalogue: (code: ReadonlyMap<string, string>): Catalogue =>
      new Map(
        [...definitions].map(([name, definition]) => {
          const fingerprint = `${name}@${code.get(name) ?? "1"}`
          const modules = { [`${name}.ts`]: fingerprint }
          return [definition.type, { definition, fingerprint, modules, origin: { kind: "builtin" } }]
        }),
      ),
    plan: (options: RunOptions) => provide(plan(options)),
    run: (options: RunOptions) => provide(run(options)),
    value: async (output: OutputRecord, type: "table" | "json"): Promise<Value> => {
      let value = values.get(output.digest)
      if (value === undefined) {
        value =
          type === "json"
            ? { kind: "json", value: readJson(store.blobs, output.digest) as Plain }
            : await valueOf("table", readTable(store.blobs, output.digest))
        values.set(output.digest, value)
      }
      return value
    },
    /** Takes an artifact out of the store, as a person who deletes files would. */
    clear: (output: OutputRecord): void => {
      const gone = store.db.prepare("DELETE FROM blobs WHERE digest = unhex(?)").run(output.digest)
      if (gone.changes !== 1) throw new Error(`${output.digest} was not in the store`)
    },
    dispose: (): void => {
      store.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
