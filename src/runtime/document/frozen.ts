import {
  Dataset,
  Faces,
  Files,
  Images,
  JsonArtifact,
  Labelled,
  Metrics,
  Predictions,
  Rejects,
  type ArtifactType,
} from "../../schema/artifact.ts"
import type { Diagnostic } from "../../schema/diagnostic.ts"
import type { Catalogue } from "../catalogue.ts"
import type { Graph, GraphNode } from "../graph.ts"
import type { InputPort, NodeDefinition } from "../node.ts"
import { withPorts } from "./withPorts.ts"

/** An artifact type as data: one that node types declare, by its number, or one made of it by other fields. */
type FrozenType =
  | number
  | { readonly base: number; readonly name: string; readonly requires: ReadonlyArray<string> }

/** Ports that the document named: the type by its number among the graph's, and how many artifacts it takes. */
type FrozenPorts = Readonly<Record<string, readonly [type: number, many: InputPort["many"]]>>

/** A node as data. Numbers are those of `uses`, `outputs` and `resources` of the graph. */
type FrozenNode = readonly [
  id: string,
  /** 0: the same as the id. */
  name: string | 0,
  uses: number,
  params: GraphNode["params"],
  inputs: GraphNode["inputs"],
  outputs: number,
  resources: number,
  seed: number,
  line: number,
  column: number,
  more?: {
    readonly retries?: number
    readonly timeoutMs?: number
    readonly optional?: true
    readonly refreshMs?: number
    readonly open?: FrozenPorts
  },
]

/** A checked and expanded graph as data: no functions, node types by name, what repeats once. */
export interface FrozenGraph {
  readonly pipeline: string
  readonly uses: ReadonlyArray<string>
  readonly types: ReadonlyArray<FrozenType>
  readonly outputs: ReadonlyArray<Readonly<Record<string, number>>>
  readonly resources: ReadonlyArray<GraphNode["resources"]>
  readonly nodes: ReadonlyArray<FrozenNode>
  readonly warnings: ReadonlyArray<Diagnostic>
}

const STANDARD: ReadonlyArray<ArtifactType> = [
  Images,
  Faces,
  Labelled,
  Dataset,
  Rejects,
  Predictions,
  JsonArtifact,
  Metrics,
  Files,
]

/** Every artifact type that can be named: the standard ones, then those that the node types declare, in their order. */
const declaredTypes = (uses: ReadonlyArray<string>, catalogue: Catalogue): ReadonlyArray<ArtifactType> => {
  const found = new Set(STANDARD)
  for (const type of uses) {
    const definition = catalogue.get(type)?.definition
    for (const port of Object.values(definition?.inputs ?? {})) found.add("many" in port ? port.type : port)
    for (const port of Object.values(definition?.outputs ?? {})) if (!("sameAs" in port)) found.add(port)
  }
  return [...found]
}

/** Numbers for values, each once. */
class Numbers<A> {
  readonly all: Array<A> = []
  readonly #known = new Map<unknown, number>()
  of(key: unknown, make: () => A): number {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const number = this.all.push(make()) - 1
    this.#known.set(key, number)
    return number
  }
}

const openPorts = ({ inputs }: NodeDefinition): ReadonlyArray<readonly [string, InputPort]> =>
  Object.entries(inputs ?? {}).flatMap(([name, port]) =>
    "many" in port && port.open === true ? [[name, port] as const] : [],
  )

/** A graph as data; undefined where something of it cannot be named. Secrets are not for here: see `keepDocument`. */
export const freeze = (graph: Graph, catalogue: Catalogue): FrozenGraph | undefined => {
  const uses = [...new Set(graph.nodes.map((node) => node.uses))]
  const declared = declaredTypes(uses, catalogue)
  const types = new Numbers<FrozenType | undefined>()
  const typeOf = (type: ArtifactType): number =>
    types.of(type, () => {
      const same = declared.indexOf(type)
      if (same >= 0) return same
      const base = declared.findIndex(
        (one) => one.kind === type.kind && one.family === type.family && one.schema === type.schema,
      )
      return base < 0 ? undefined : { base, name: type.name, requires: type.requires }
    })
  const outputs = new Numbers<Readonly<Record<string, number>>>()
  const resources = new Numbers<GraphNode["resources"]>()
  const nodes = graph.nodes.map((node): FrozenNode => {
    const ports = Object.fromEntries(Object.entries(node.outputs).map(([name, type]) => [name, typeOf(type)]))
    const open = openPorts(node.definition).map(([name, { type, many }]) => [name, [typeOf(type), many]])
    const more = {
      ...(node.retries === 0 ? {} : { retries: node.retries }),
      ...(node.timeoutMs === undefined ? {} : { timeoutMs: node.timeoutMs }),
      ...(node.optional ? { optional: true as const } : {}),
      ...(node.refreshMs === undefined ? {} : { refreshMs: node.refreshMs }),
      ...(open.length === 0 ? {} : { open: Object.fromEntries(open) as FrozenPorts }),
    }
    const frozen = [
      node.id,
      node.name === node.id ? 0 : node.name,
      uses.indexOf(node.uses),
      node.params,
      node.inputs,
      outputs.of(JSON.stringify(ports), () => ports),
      resources.of(JSON.stringify(node.resources), () => node.resources),
      node.seed,
      node.at.line,
      node.at.column,
    ] as const
    return Object.keys(more).length === 0 ? frozen : [...frozen, more]
  })
  const named = types.all.filter((type) => type !== undefined)
  if (named.length < types.all.length) return undefined
  return {
    pipeline: graph.pipeline,
    uses,
    types: named,
    outputs: outputs.all,
    resources: resources.all,
    nodes,
    warnings: graph.warnings,
  }
}

/** The graph again; undefined where the catalogue has no such node type. */
export const thaw = (
  frozen: FrozenGraph,
  place: { readonly name: string; readonly file: string; readonly root: string; readonly text: string },
  catalogue: Catalogue,
): Graph | undefined => {
  const declared = declaredTypes(frozen.uses, catalogue)
  const definitions = frozen.uses.map((type) => catalogue.get(type)?.definition)
  const types = frozen.types.map((type): ArtifactType | undefined => {
    if (typeof type === "number") return declared[type]
    const base = declared[type.base]
    return base === undefined ? undefined : { ...base, requires: type.requires, name: type.name }
  })
  if (definitions.includes(undefined) || types.includes(undefined)) return undefined
  const typeOf = (number: number): ArtifactType => types[number]!
  const outputs = frozen.outputs.map((ports) =>
    Object.fromEntries(Object.entries(ports).map(([name, type]) => [name, typeOf(type)])),
  )
  const nodes = frozen.nodes.map((node): GraphNode => {
    const [id, name, uses, params, inputs, ports, resources, seed, line, column, more] = node
    const open = Object.entries(more?.open ?? {}).map(([port, [type, many]]): [string, InputPort] => [
      port,
      many === "list"
        ? { type: typeOf(type), many, named: true, open: true }
        : { type: typeOf(type), many, open: true },
    ])
    return {
      id,
      name: name === 0 ? id : name,
      uses: frozen.uses[uses],
      definition: withPorts(definitions[uses]!, Object.fromEntries(open), params),
      params,
      inputs,
      outputs: outputs[ports],
      seed,
      resources: frozen.resources[resources],
      retries: more?.retries ?? 0,
      ...(more?.timeoutMs === undefined ? {} : { timeoutMs: more.timeoutMs }),
      optional: more?.optional ?? false,
      ...(more?.refreshMs === undefined ? {} : { refreshMs: more.refreshMs }),
      secrets: {},
      at: { file: place.name, line, column },
    }
  })
  const { file, root, text } = place
  return { pipeline: frozen.pipeline, file, root, text, nodes, warnings: frozen.warnings }
}
