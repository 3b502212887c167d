import { mkdirSync } from "node:fs"
import { join } from "node:path"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ArtifactType } from "../../schema/artifact.ts"
import type { Digest } from "../../schema/digest.ts"
import { canonical } from "../../schema/json.ts"
import { describeError } from "../describe-error.ts"
import type { InputPort, NodeContext, NodeDefinition } from "../node.ts"
import { readFiles, readJson, writeFiles, writeJson } from "../store/artifacts.ts"
import { forgottenReject } from "../store/forgotten-guard.ts"
import { captureFiles, type StoredFiles } from "../store/files.ts"
import { isStoreTrouble, storeFailure, type StoreDamaged, type StoreError } from "../store/errors.ts"
import { removeFolder, type OpenStore } from "../store/store.ts"
import { readTable, TableWriter } from "../store/tables.ts"
import type { ItemResult } from "../store/traces.ts"
import { recallOf } from "./recall.ts"
import { maskerOf, requireSecrets } from "./secrets.ts"
import type { ItemOutcome, MapTask, Outputs, RunTask, TaskHooks } from "./task.ts"

/** The port of what was left out, and why. */
const REJECTED = "rejected"

type Callable = (call: unknown) => unknown

/** The function of a definition, loaded if it is in a module of its own. */
const implementation = async (definition: NodeDefinition): Promise<Callable> => {
  const source = definition.map ?? definition
  const found = source.run ?? (await source.impl?.())?.default
  if (typeof found !== "function") {
    throw new Error(`the implementation of ${definition.type} has no function as its default export`)
  }
  return found as Callable
}

/** A value, a promise or an Effect: the value. */
const settle = async (result: unknown, signal: AbortSignal): Promise<unknown> => {
  const value = await result
  if (!Effect.isEffect(value)) return value
  const exit = await Effect.runPromiseExit(value as Effect.Effect<unknown, unknown>, { signal })
  if (exit._tag === "Success") return exit.value
  throw Cause.squash(exit.cause)
}

const withContext = async <A>(
  store: OpenStore,
  task: MapTask | RunTask,
  hooks: TaskHooks,
  body: (context: NodeContext, folder: () => Promise<string>, isTroubled: () => boolean) => Promise<A>,
): Promise<A> => {
  const made: Array<string> = []
  // A store that fails is nobody's bad item: the task fails, whatever the implementation makes of the error.
  let trouble: StoreError | StoreDamaged | undefined
  const guard = async <B>(operation: string, use: () => B | Promise<B>): Promise<B> => {
    try {
      return await use()
    } catch (error) {
      if (isStoreTrouble(error)) trouble ??= storeFailure(operation, error)
      throw error
    }
  }
  const folder = (): Promise<string> =>
    guard("make a scratch folder", () => {
      const path = join(store.temporary, `${process.pid}-${crypto.randomUUID()}`)
      mkdirSync(path, { recursive: true })
      made.push(path)
      return path
    })
  if (task.forgotten !== undefined) store.forgotten.use(task.forgotten)
  const mask = maskerOf(task.secrets)
  const recall = task.kind === "run" ? recallOf(store, task) : undefined
  let scratch: Promise<string> | undefined
  const context: NodeContext = {
    seed: task.seed,
    blobs: {
      get: (ref) => guard("read a blob", () => store.blobs.get(ref.$blob)),
      put: (bytes, media) => guard("keep a blob", () => store.blobs.put(bytes, media)),
      putFile: (path, media) => guard("keep a file", () => store.blobs.putFile(path, media)),
      copyTo: (ref, path) => guard("lay out a blob", () => store.blobs.copyTo(ref.$blob, path)),
    },
    scratch: () => (scratch ??= folder()),
    files: task.files,
    secrets: task.secrets,
    log: (line) => hooks.log(mask(line)),
    warn: (message) =>
      hooks.warn === undefined ? hooks.log(`WARNING: ${mask(message)}`) : hooks.warn(mask(message)),
    capture: (path, options) =>
      guard("keep files", () =>
        captureFiles(store.blobs, path, {
          ...options,
          signal: hooks.signal,
          ...(Object.values(task.files).includes(path) ? { stamps: store.files } : {}),
        }),
      ),
    recall: recall ?? { get: () => undefined, put: () => {} },
    progress: hooks.progress,
    signal: hooks.signal,
    granted: task.granted,
    ...(hooks.undeclared === undefined || task.watch === undefined
      ? {}
      : {
          audit: {
            root: task.watch.root,
            undeclared: (read) => hooks.undeclared?.({ ...read, times: 1 }),
          },
        }),
  }
  try {
    requireSecrets(task.params, task.secrets)
    const result = await body(context, folder, () => trouble !== undefined)
    if (trouble !== undefined) throw trouble
    recall?.save()
    return result
  } catch (error) {
    throw masked(trouble ?? error, mask)
  } finally {
    for (const path of made) removeFolder(path)
  }
}

/** The same error; where its message tells a secret, one without it. */
const masked = (error: unknown, mask: (text: string) => string): unknown => {
  if (!(error instanceof Error) || mask(error.message) === error.message) return error
  return new Error(mask(error.message))
}

/** How often the blobs of finished items are made durable, in ms. */
const FLUSH_EVERY = 250

/** How long items that never wait may keep a process to themselves, in ms: it has to hear Ctrl-C and show progress. */
const SLICE = 20

/** Runs some items of a mapping node. One bad item fails alone; only a failing store fails the task. */
export const executeMap = async (
  store: OpenStore,
  definition: NodeDefinition,
  task: MapTask,
  hooks: TaskHooks,
): Promise<void> => {
  const call = await implementation(definition)
  await withContext(store, task, hooks, async (context, _, isTroubled) => {
    let finished: Array<readonly [number, ItemOutcome]> = []
    let flushed = performance.now()
    const flush = (): void => {
      if (finished.length === 0) return
      store.blobs.flush()
      hooks.items(finished)
      finished = []
      flushed = performance.now()
    }
    let next = 0
    let turn = performance.now()
    const lane = async (): Promise<void> => {
      while (next < task.items.length && !hooks.signal.aborted && !isTroubled()) {
        const index = next++
        const outcome = await oneItem(call, task, context, task.items[index])
        if (isTroubled()) return
        finished.push([index, outcome])
        if (performance.now() - flushed > FLUSH_EVERY) flush()
        if (performance.now() - turn > SLICE) {
          await new Promise((resolve) => setImmediate(resolve))
          turn = performance.now()
        }
      }
    }
    await Promise.all(
      Array.from({ length: Math.max(1, Math.min(task.concurrency, task.items.length)) }, lane),
    )
    flush()
  })
}

const oneItem = async (
  call: Callable,
  task: MapTask,
  context: NodeContext,
  item: Readonly<Record<string, unknown>>,
): Promise<ItemOutcome> => {
  try {
    const value = await settle(call({ item, params: task.params, context }), context.signal)
    return { ok: true, result: asItemResult(value) }
  } catch (error) {
    return { ok: false, error: maskerOf(task.secrets)(describeError(error)) }
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const asItemResult = (value: unknown): ItemResult => {
  if (value === null || value === undefined) return { rows: [], rejected: [] }
  if (Array.isArray(value)) return { rows: value, rejected: [] }
  if (!isRecord(value)) throw new Error("a mapping implementation returns a row, rows, or null")
  if (!Array.isArray(value["rows"])) return { rows: [value], rejected: [] }
  return { rows: value["rows"], rejected: Array.isArray(value["rejected"]) ? value["rejected"] : [] }
}

/** Runs a whole-input node and puts its outputs into the store; the caller makes them durable. */
export const executeRun = async (
  store: OpenStore,
  definition: NodeDefinition,
  task: RunTask,
  hooks: TaskHooks,
): Promise<Outputs> => {
  const call = await implementation(definition)
  return withContext(store, task, hooks, async (context, folder) => {
    const inputs: Record<string, unknown> = {}
    for (const [port, spec] of Object.entries(definition.inputs ?? {})) {
      const { type, many, named, open } = normalPort(spec)
      const handles = (task.inputs[port] ?? []).map(({ node, port: from, digest }) => {
        const value = openArtifact(store, type, digest, folder)
        return open
          ? { node, port: from, value: { kind: type.kind, value } }
          : { node: named ? node : "", value }
      })
      inputs[port] = many === "list" ? handles : handles[0]?.value
    }
    const given = await settle(call({ inputs, params: task.params, context }), hooks.signal)
    if (!isRecord(given)) throw new Error(`${definition.type} gave no outputs`)
    const outputs: Record<string, Outputs[string]> = {}
    // Rows that were forgotten go to the port for what was left out: it is written last.
    const left: Array<string> = []
    const ports = Object.entries(task.outputs).sort(
      ([a], [b]) => Number(a === REJECTED) - Number(b === REJECTED),
    )
    for (const [port, { type, requires }] of ports) {
      if (given[port] === undefined) throw new Error(`${definition.type} gave no output ${port}`)
      outputs[port] = await writeOutput(store, definition, port, type, requires, given[port], left)
    }
    return outputs
  })
}

/** An artifact as an implementation gets it. */
const openArtifact = (
  store: OpenStore,
  { kind }: ArtifactType,
  digest: Digest,
  folder: () => Promise<string>,
): unknown =>
  kind === "table"
    ? readTable(store.blobs, digest)
    : kind === "json"
      ? readJson(store.blobs, digest)
      : readFiles(store.blobs, digest, folder)

/** An input port in full: what a bare artifact type stands for. */
export const normalPort = (
  spec: ArtifactType | InputPort,
): {
  readonly type: ArtifactType
  readonly many: InputPort["many"]
  readonly named: boolean
  readonly open: boolean
} =>
  "many" in spec
    ? { type: spec.type, many: spec.many, named: spec.named === true, open: spec.open === true }
    : { type: spec, many: "one", named: false, open: false }

const writeOutput = async (
  store: OpenStore,
  definition: NodeDefinition,
  port: string,
  type: string,
  requires: ReadonlyArray<string>,
  value: unknown,
  left: Array<string>,
): Promise<Outputs[string]> => {
  const { list } = store.forgotten
  const artifact = outputType(definition, port)
  if (artifact.kind === "files")
    return writeFiles(store.blobs, type, value as string | Readonly<Record<string, Uint8Array>> | StoredFiles)
  if (artifact.kind === "json") {
    if (artifact.schema !== undefined) check(artifact.schema, value, `${definition.type}.${port}`)
    if (!list.isEmpty && list.text(Buffer.from(canonical(value))))
      throw new Error(`${definition.type}.${port} names something that was forgotten (dag forget)`)
    return writeJson(store.blobs, type, value)
  }
  const writer = new TableWriter(store.blobs)
  const add = (row: { readonly id: string }): void => {
    checkRow(artifact, requires, row, `${definition.type}.${port}`)
    writer.row(row.id, canonical(row))
  }
  const given = new Set<string>()
  for await (const row of value as AsyncIterable<{ readonly id: string }>) {
    if (!list.row(row)) add(row)
    else if (port !== REJECTED) left.push(row.id)
    else add({ id: row.id, ...forgottenReject({}) })
    if (left.length > 0) given.add(row.id)
  }
  if (port === REJECTED && type === "Rejects")
    for (const id of new Set(left)) if (!given.has(id)) add({ id, ...forgottenReject({}) })
  return writer.end(type)
}

/** The declared type of an output; that of the input it is the same as. */
export const outputType = (definition: NodeDefinition, port: string): ArtifactType => {
  const spec = definition.outputs[port]
  if (spec === undefined) throw new Error(`${definition.type} has no output ${port}`)
  return "sameAs" in spec ? normalPort(definition.inputs[spec.sameAs]).type : spec
}

const check = (schema: Schema.Codec<unknown, unknown>, value: unknown, what: string): void => {
  const result = Schema.decodeUnknownResult(schema)(value)
  if (result._tag === "Failure")
    throw new Error(`${what} is not what it should be: ${String(result.failure)}`)
}

/** A row as its table demands it; the error names the row. */
export const checkRow = <R extends { readonly id: string }>(
  artifact: ArtifactType,
  requires: ReadonlyArray<string>,
  row: R,
  what: string,
): R => {
  for (const field of requires) {
    if ((row as Readonly<Record<string, unknown>>)[field] === undefined) {
      throw new Error(`${what}: the row ${JSON.stringify(row.id)} has no ${field}`)
    }
  }
  if (artifact.schema !== undefined) check(artifact.schema, row, `${what}: the row ${JSON.stringify(row.id)}`)
  return row
}
