import type { InputPort, NodeDefinition } from "../node.ts"

/** The definition of one node of the graph: with the ports that the document gave it. */
export const withPorts = (
  definition: NodeDefinition,
  open: Readonly<Record<string, InputPort>>,
  params: Readonly<Record<string, unknown>>,
): NodeDefinition => {
  if (definition.openInputs !== true && definition.outputsOf === undefined) return definition
  return {
    ...definition,
    inputs: { ...definition.inputs, ...open },
    outputs: { ...definition.outputs, ...definition.outputsOf?.(params as never) },
    present: [...(definition.present ?? []), ...(definition.presentOf?.(params as never) ?? [])],
  }
}
