import * as Schema from "effect/Schema"
import type { ArtifactType } from "../../schema/artifact.ts"
import { canonical } from "../../schema/json.ts"
import type { InputPort, NodeDefinition } from "../node.ts"
import { writeFiles, writeJson } from "../store/artifacts.ts"
import type { StoredFiles } from "../store/files.ts"
import { forgottenReject } from "../store/forgotten-guard.ts"
import type { OpenStore } from "../store/store.ts"
import { TableWriter } from "../store/tables.ts"
import type { Outputs } from "./task.ts"

/** The port of what was left out, and why. */
export const REJECTED = "rejected"

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

export const writeOutput = async (
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
