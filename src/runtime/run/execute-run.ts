import type { ArtifactType } from "../../schema/artifact.ts"
import type { Digest } from "../../schema/digest.ts"
import type { NodeDefinition } from "../node.ts"
import { readFiles, readJson } from "../store/artifacts.ts"
import type { OpenStore } from "../store/store.ts"
import { readTable } from "../store/tables.ts"
import { implementation, isRecord, settle } from "./call.ts"
import { withContext } from "./node-context.ts"
import { normalPort, REJECTED, writeOutput } from "./outputs.ts"
import type { Outputs, RunTask, TaskHooks } from "./task.ts"

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
