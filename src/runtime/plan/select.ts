import { existsSync } from "node:fs"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { closest, distance } from "fastest-levenshtein"
import type { Diagnostic } from "../../schema/diagnostic.ts"
import type { Graph, GraphNode } from "../graph.ts"
import { filesOf } from "./key.ts"

/** A name given on the command line that the document does not have. */
export class UnknownNode extends Schema.TaggedError<UnknownNode>()("UnknownNode", {
  name: Schema.String,
  message: Schema.String,
}) {}

/** Files that nodes of the plan read and that are not there. */
export class MissingFiles extends Schema.TaggedError<MissingFiles>()("MissingFiles", {
  diagnostics: Schema.Array(Schema.Unknown),
  message: Schema.String,
}) {
  get problems(): ReadonlyArray<Diagnostic> {
    return this.diagnostics as ReadonlyArray<Diagnostic>
  }
}

/** The node names meant by names of the command line. */
export const knownNames = Effect.fnUntraced(function* (graph: Graph, names: ReadonlyArray<string>) {
  const known = new Set(graph.nodes.flatMap((node) => [node.name, node.id]))
  for (const name of names) {
    if (known.has(name)) continue
    const near = known.size === 0 ? undefined : closest(name, [...known])
    const hint = near !== undefined && distance(name, near) <= 3 ? `; did you mean ${near}?` : ""
    return yield* new UnknownNode({
      name,
      message: `no node named ${name} in ${graph.pipeline}${hint} (nodes: ${[...new Set(graph.nodes.map((node) => node.name))].join(", ")})`,
    })
  }
  return names
})

/** The targets and everything they need, in topological order; all nodes when there are no targets. */
export const selectNodes = Effect.fnUntraced(function* (graph: Graph, targets: ReadonlyArray<string>) {
  yield* knownNames(graph, targets)
  if (targets.length === 0) return graph.nodes
  const wanted = new Set<string>()
  for (const node of [...graph.nodes].reverse()) {
    if (targets.includes(node.name) || targets.includes(node.id)) wanted.add(node.id)
    if (!wanted.has(node.id)) continue
    for (const refs of Object.values(node.inputs)) for (const ref of refs) wanted.add(ref.node)
  }
  return graph.nodes.filter((node) => wanted.has(node.id))
})

/**
 * Optional nodes whose files are absent, with the first absent path. A file that a node needs and that is absent is
 * an error of the document, all of them at once.
 */
export const missingFiles = Effect.fnUntraced(function* (graph: Graph, nodes: ReadonlyArray<GraphNode>) {
  const absent = new Map<string, string>()
  const diagnostics: Array<Diagnostic> = []
  for (const node of nodes) {
    const declared = node.definition.files?.(node.params as never) ?? {}
    const gone = Object.entries(filesOf(graph.root, node)).find(([, path]) => !existsSync(path))
    if (gone === undefined) continue
    const path = declared[gone[0]]
    if (node.optional) absent.set(node.id, path)
    else {
      diagnostics.push({
        severity: "error",
        ...node.at,
        length: Math.max(1, node.name.length),
        path: `nodes.${node.name}`,
        message: `${node.uses} reads ${path}, which does not exist`,
        hint: `paths start from ${graph.root}; mark the node \`optional: true\` to go on without it`,
      })
    }
  }
  if (diagnostics.length > 0) {
    return yield* new MissingFiles({ diagnostics, message: diagnostics.map((d) => d.message).join("\n") })
  }
  return absent
})
