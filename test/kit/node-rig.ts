import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { FilesHandle, TableHandle } from "../../src/runtime/handles.ts"
import type { Blobs, NodeContext, NodeDefinition } from "../../src/runtime/node.ts"
import { overlay, rejectsOf } from "../../src/runtime/run/overlay.ts"
import type { BlobRef } from "../../src/schema/blob.ts"
import { canonical, type Json } from "../../src/schema/json.ts"
import { type Digest, digestOf, digestRecord } from "../../src/schema/digest.ts"
import type { Reject, Sample } from "../../src/schema/sample.ts"

/** Calls implementations of nodes as the engine would, on blobs in memory, tables of arrays and files of records. */
export interface Rig {
  readonly blobs: Blobs
  readonly logs: Array<string>
  readonly context: NodeContext
  /** Puts bytes into the rig's store at once. */
  readonly blob: (bytes: Uint8Array, media?: string) => BlobRef
  readonly bytes: (ref: BlobRef) => Uint8Array
  /** Runs a mapping node over rows (or over the items of its parameters): rows and rejects by id. */
  readonly map: (
    definition: NodeDefinition,
    params: Readonly<Record<string, unknown>>,
    items?: ReadonlyArray<{ readonly id: string }>,
  ) => Promise<{ readonly rows: Array<Sample>; readonly rejected: Array<Reject> }>
  /** Runs a whole-input node; tables come back as arrays. */
  readonly run: (
    definition: NodeDefinition,
    params: Readonly<Record<string, unknown>>,
    inputs?: Readonly<Record<string, unknown>>,
  ) => Promise<Readonly<Record<string, unknown>>>
  /** Removes the scratch folders. */
  readonly close: () => Promise<void>
}

const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1)

/** A table as a node reads it, in the order of ids; ids must be unique. */
export const tableOf = <Row extends { readonly id: string }>(rows: ReadonlyArray<Row>): TableHandle<Row> => {
  const sorted = [...rows].sort(byId)
  if (new Set(sorted.map(({ id }) => id)).size !== sorted.length)
    throw new Error("the ids of a table are unique")
  return {
    digest: digestRecord("table", sorted),
    rows: sorted.length,
    stream: async function* () {
      yield* sorted
    },
    // Small ones, so that a test sees several.
    chunks: () => {
      const parts = Array.from({ length: Math.ceil(sorted.length / 4) }, (_, k) =>
        sorted.slice(k * 4, k * 4 + 4),
      )
      return parts.map((rows) => ({ digest: digestRecord("table", rows), rows: () => rows }))
    },
    all: () => Promise.resolve(sorted),
    jsonl: async function* () {
      yield Buffer.from(sorted.map((row) => `${canonical(row)}\n`).join(""))
    },
  }
}

/** A Files artifact of the contents given. */
export const filesOf = (contents: Readonly<Record<string, Uint8Array | string>>): FilesHandle => {
  const entries = Object.entries(contents)
    .map(([path, content]) => ({ path, bytes: typeof content === "string" ? Buffer.from(content) : content }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
  return {
    digest: digestOf(entries.map(({ path, bytes }) => `${path} ${digestOf(bytes)}`).join("\n")),
    entries: entries.map(({ path, bytes }) => ({
      path,
      blob: { $blob: digestOf(bytes), bytes: bytes.length },
    })),
    read: (path) => {
      const entry = entries.find((one) => one.path === path)
      return entry === undefined ? Promise.reject(new Error(`no file ${path}`)) : Promise.resolve(entry.bytes)
    },
    materialize: () => Promise.reject(new Error("the rig writes no files")),
    layAt: () => Promise.reject(new Error("the rig writes no files")),
  }
}

interface Options {
  readonly seed?: number
  readonly files?: Readonly<Record<string, string>>
}

const isIterable = (value: unknown): value is Iterable<unknown> | AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && (Symbol.iterator in value || Symbol.asyncIterator in value)

const implementation = async (definition: NodeDefinition): Promise<(call: unknown) => unknown> => {
  const at = definition.map ?? definition
  const given = at.run ?? (await at.impl!()).default
  return given as (call: unknown) => unknown
}

const settle = async (value: unknown): Promise<unknown> =>
  Effect.isEffect(value) ? Effect.runPromise(value as Effect.Effect<unknown, unknown>) : value

export const nodeRig = ({ seed = 0, files = {} }: Options = {}): Rig => {
  const store = new Map<Digest, Uint8Array>()
  const scratch: Array<string> = []
  const logs: Array<string> = []
  const blob = (bytes: Uint8Array, media?: string): BlobRef => {
    const digest = digestOf(bytes)
    store.set(digest, bytes)
    return { $blob: digest, bytes: bytes.length, ...(media === undefined ? {} : { media }) }
  }
  const bytes = (ref: BlobRef): Uint8Array => {
    const found = store.get(ref.$blob)
    if (found === undefined) throw new Error(`no blob ${ref.$blob}`)
    return found
  }
  const blobs: Blobs = {
    // Copies, as from a disk: who changes them changes nothing here.
    get: (ref) => Promise.resolve(bytes(ref).slice()),
    put: (content, media) => Promise.resolve(blob(content.slice(), media)),
    putFile: async (path, media) => blob(await readFile(path), media),
    copyTo: (ref, path) => writeFile(path, bytes(ref), { flag: "wx" }),
  }
  const recalled = new Map<string, Json>()
  const context: NodeContext = {
    seed,
    blobs,
    scratch: async () => {
      const folder = await mkdtemp(join(tmpdir(), "facet-rig-"))
      scratch.push(folder)
      return folder
    },
    files,
    capture: () => Promise.reject(new Error("the rig keeps no files")),
    recall: {
      get: (name, of) => recalled.get(`${name} ${canonical(of)}`),
      put: (name, of, part) => recalled.set(`${name} ${canonical(of)}`, part),
      flush: () => {},
    },
    log: (line) => logs.push(line),
    warn: (message) => logs.push(`WARNING: ${message}`),
    progress: () => undefined,
    secrets: {},
    signal: new AbortController().signal,
    granted: { cpu: 1, net: 8, gpu: 0 },
  }
  const decode = (definition: NodeDefinition, params: Readonly<Record<string, unknown>>) =>
    Schema.decodeUnknownSync(definition.params as never, { onExcessProperty: "error" })(params) as Record<
      string,
      unknown
    >

  return {
    blobs,
    logs,
    context,
    blob,
    bytes,
    map: async (definition, given, items) => {
      const params = decode(definition, given)
      const map = definition.map!
      const call = await implementation(definition)
      const rows: Array<Sample> = []
      const rejected: Array<Reject> = []
      const all = items ?? map.items!(params as never)
      await Promise.all(
        all.map(async (item) => {
          const seen =
            map.reads === undefined
              ? item
              : Object.fromEntries(
                  Object.entries(item).filter(
                    ([field, value]) => map.reads!.includes(field) && value !== undefined,
                  ),
                )
          const value = await settle(call({ item: seen, params, context }))
          const result =
            value === null
              ? { rows: [], rejected: [] }
              : Array.isArray(value)
                ? { rows: value, rejected: [] }
                : "rows" in (value as object)
                  ? { rejected: [], ...(value as { rows: [] }) }
                  : { rows: [value], rejected: [] }
          const row = { ...item }
          rows.push(
            ...((map.over === undefined
              ? result.rows
              : overlay(row, result)) as unknown as ReadonlyArray<Sample>),
          )
          rejected.push(...(rejectsOf(row, result) as unknown as ReadonlyArray<Reject>))
        }),
      )
      return { rows: rows.sort(byId), rejected: rejected.sort(byId) }
    },
    run: async (definition, given, inputs = {}) => {
      const call = await implementation(definition)
      const outputs = (await settle(call({ inputs, params: decode(definition, given), context }))) as Record<
        string,
        unknown
      >
      const collected: Record<string, unknown> = {}
      for (const [port, value] of Object.entries(outputs)) {
        if (!isIterable(value)) collected[port] = value
        else {
          const rows: Array<{ readonly id: string }> = []
          for await (const row of value) rows.push(row as { readonly id: string })
          collected[port] = await tableOf(rows).all()
        }
      }
      return collected
    },
    close: async () => {
      for (const folder of scratch) await rm(folder, { recursive: true, force: true })
    },
  }
}
