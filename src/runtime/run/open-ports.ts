import type { ArtifactType } from "../../schema/artifact.ts"
import type { InputPort, NodeDefinition } from "../node.ts"

/** A port that the document named, as plain data: what crosses to a worker process. */
export interface OpenPort {
  readonly kind: ArtifactType["kind"]
  readonly name: string
  readonly many: InputPort["many"]
}

export const openPortsOf = ({ inputs }: NodeDefinition): Readonly<Record<string, OpenPort>> | undefined => {
  const open = Object.entries(inputs ?? {}).flatMap(([port, spec]) =>
    "many" in spec && spec.open === true
      ? [[port, { kind: spec.type.kind, name: spec.type.name, many: spec.many }] as const]
      : [],
  )
  return open.length === 0 ? undefined : Object.fromEntries(open)
}

/** The definition that the graph had, made in a worker of the node type and what the task says of its ports. */
export const withOpenPorts = (
  definition: NodeDefinition,
  open: Readonly<Record<string, OpenPort>> | undefined,
  params: Readonly<Record<string, unknown>>,
): NodeDefinition => {
  if (open === undefined && definition.outputsOf === undefined) return definition
  const ports = Object.entries(open ?? {}).map(([port, { kind, name, many }]): [string, InputPort] => [
    port,
    { type: { kind, name, family: name, requires: [] }, many, named: many === "list", open: true },
  ])
  return {
    ...definition,
    inputs: { ...definition.inputs, ...Object.fromEntries(ports) },
    outputs: { ...definition.outputs, ...definition.outputsOf?.(params as never) },
  }
}
