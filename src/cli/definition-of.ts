import { builtin } from "../nodes/catalogue.ts"
import type { NodeDefinition } from "../runtime/node.ts"
import type { Contents } from "../runtime/plugin-loader.ts"
import { definitionsOf } from "../runtime/plugins.ts"
import type { Task } from "../runtime/run/task.ts"

const plugins = new Map<string, Promise<ReadonlyArray<NodeDefinition>>>()

const pluginDefinitions = (file: string, contents: Contents): Promise<ReadonlyArray<NodeDefinition>> => {
  const found = plugins.get(file) ?? definitionsOf(file, contents)
  plugins.set(file, found)
  return found
}

/** The definition of a task's node type, as a worker process finds it. */
export const definitionOf = async ({ uses, origin }: Task): Promise<NodeDefinition> => {
  const all =
    origin.kind === "builtin"
      ? builtin.map((entry) => entry.definition)
      : await pluginDefinitions(origin.file, origin.contents)
  const definition = all.find((one) => one.type === uses)
  if (definition === undefined)
    throw new Error(`no node type ${uses} in ${origin.kind === "builtin" ? "the catalogue" : origin.file}`)
  return definition
}
