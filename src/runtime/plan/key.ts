import { relative, resolve } from "node:path"
import { digestOf, digestRecord, type Digest } from "../../schema/digest.ts"
import { canonical, type Json } from "../../schema/json.ts"
import type { InputRecord, KeyRecord, OutputRecord } from "../../schema/trace.ts"
import type { CatalogueEntry } from "../catalogue.ts"
import type { GraphNode } from "../graph.ts"
import type { NodeDefinition } from "../node.ts"
import type { FileDigests } from "../store/stamps.ts"

/**
 * Version of everything below the nodes that a result may depend on: row formats, the overlay of results on items,
 * the pre-images of keys. Raised by hand when one of them changes; every key changes with it.
 */
export const FORMAT = 2

/** The parameters that make the key: all but those that only say where (paths) or how fast. */
export const keyParams = (node: GraphNode): { readonly [name: string]: Json } => {
  const { pathParams = [], freeParams = [] } = node.definition
  const out = new Set([...pathParams, ...freeParams])
  return JSON.parse(
    canonical(
      Object.fromEntries(
        Object.entries(node.params).filter(([name, value]) => !out.has(name) && value !== undefined),
      ),
    ),
  ) as { readonly [name: string]: Json }
}

/** Absolute paths of the files a node declares, by name. */
export const filesOf = (root: string, node: GraphNode): Readonly<Record<string, string>> => {
  const declared = node.definition.files?.(node.params as never) ?? {}
  return Object.fromEntries(Object.entries(declared).map(([name, path]) => [name, resolve(root, path)]))
}

/** Everything that identifies a node's work, once its inputs are known. Throws when a declared file is missing. */
export const keyRecord = (options: {
  readonly root: string
  readonly node: GraphNode
  readonly entry: CatalogueEntry
  readonly files: FileDigests
  readonly outputs: (node: string, port: string) => OutputRecord | undefined
}): KeyRecord => {
  const { node, entry, root } = options
  const declared = node.definition.files?.(node.params as never) ?? {}
  return {
    uses: node.uses,
    fingerprint: entry.fingerprint,
    params: keyParams(node),
    seed: node.definition.seeded === true ? node.seed : 0,
    inputs: Object.fromEntries(
      Object.entries(node.inputs).map(([port, refs]) => [
        port,
        refs.flatMap((ref): ReadonlyArray<InputRecord> => {
          const output = options.outputs(ref.node, ref.port)
          return output === undefined ? [] : [{ node: ref.node, port: ref.port, digest: output.digest }]
        }),
      ]),
    ),
    files: Object.fromEntries(
      Object.entries(declared).map(([name, path]) => [
        name,
        { path: relative(root, resolve(root, path)), digest: options.files.digest(resolve(root, path)) },
      ]),
    ),
  }
}

const inputsOf = (record: KeyRecord, definition: NodeDefinition, skip?: string) =>
  Object.fromEntries(
    Object.entries(record.inputs)
      .filter(([port]) => port !== skip)
      .map(([port, refs]) => [
        port,
        refs.map((ref) => (isNamed(definition, port) ? [ref.node, ref.port, ref.digest] : ref.digest)),
      ]),
  )

/** Whether a port hands on the names of the nodes that feed it, so that they are part of the key. */
export const isNamed = (definition: NodeDefinition, port: string): boolean => {
  const spec = definition.inputs?.[port]
  return spec !== undefined && "many" in spec && spec.named === true
}

const filesDigests = (record: KeyRecord) =>
  Object.fromEntries(Object.entries(record.files).map(([name, { digest }]) => [name, digest]))

/** How a mapping node looks at its items: declared beside the implementation, so not in its fingerprint. */
const viewOf = ({ map }: NodeDefinition): Json =>
  map === undefined ? null : { over: map.over ?? null, reads: map.reads ?? null }

/** The node key: names, paths, times, machine and job count are not in it. */
export const nodeKey = (record: KeyRecord, definition: NodeDefinition): Digest =>
  digestRecord("node", {
    format: FORMAT,
    uses: record.uses,
    fingerprint: record.fingerprint,
    view: viewOf(definition),
    params: record.params,
    seed: record.seed,
    inputs: inputsOf(record, definition),
    files: filesDigests(record),
  })

/** All of a mapping node's key but the items. */
const baseOf = (record: KeyRecord, definition: NodeDefinition): Digest => {
  const map = definition.map!
  const params =
    map.items !== undefined && map.itemParams !== undefined
      ? Object.fromEntries(Object.entries(record.params).filter(([name]) => map.itemParams!.includes(name)))
      : record.params
  return digestRecord("items", {
    format: FORMAT,
    uses: record.uses,
    fingerprint: record.fingerprint,
    view: viewOf(definition),
    params,
    seed: record.seed,
    inputs: inputsOf(record, definition, map.over),
    files: filesDigests(record),
  })
}

/** Makes the item keys of a mapping node: all of the node's key but the table mapped over, and the item instead. */
export const itemKeys = (record: KeyRecord, definition: NodeDefinition): ((item: unknown) => Digest) => {
  const base = baseOf(record, definition)
  return (item) => digestOf(`item\n${base}\n${canonical(item)}`)
}

/** Makes the keys of whole chunks of the table mapped over. */
export const chunkKeys = (record: KeyRecord, definition: NodeDefinition): ((chunk: Digest) => Digest) => {
  const base = baseOf(record, definition)
  return (chunk) => digestOf(`chunk\n${base}\n${chunk}`)
}
