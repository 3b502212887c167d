import { accepts, type ArtifactType } from "../../schema/artifact.ts"
import type { Catalogue } from "../catalogue.ts"
import type { InputRef } from "../graph.ts"
import type { InputPort, NodeDefinition } from "../node.ts"
import { formatBinding, type Instance } from "./matrix.ts"
import { openPort } from "./openPorts.ts"
import { suggest, type Problems } from "./problems.ts"
import type { Reference } from "./references.ts"
import type { Span } from "./source.ts"
import type { MapTree } from "./tree.ts"
import { inputPort } from "./types.ts"
import { checkCount, mismatch } from "./wiringProblems.ts"

export type Types = Readonly<Record<string, ArtifactType | undefined>>

/** What is known of a node that feeds others; instances without a definition are of an unknown type. */
export interface Upstream {
  readonly definition: NodeDefinition | undefined
  readonly instances: ReadonlyArray<{
    readonly instance: Instance
    /** In the order of the ports; undefined where parameters that are wrong leave the ports open. */
    readonly outputs: Types | undefined
  }>
}

export interface Wired {
  readonly inputs: Readonly<Record<string, ReadonlyArray<InputRef>>>
  readonly types: Readonly<Record<string, ReadonlyArray<ArtifactType | undefined>>>
  /** The ports that the document named. */
  readonly open: Readonly<Record<string, InputPort>>
}

export interface WireContext {
  readonly instance: Instance
  readonly definition: NodeDefinition
  readonly uses: string
  /** The `in` of the node as written, and the place of the node's name. */
  readonly tree: MapTree | undefined
  readonly base: Span
  readonly upstreams: ReadonlyMap<string, Upstream>
  readonly catalogue: Catalogue
  readonly problems: Problems
}

/** Connects the ports of one instance and checks their types. */
export const wire = (
  references: ReadonlyMap<string, ReadonlyArray<Reference>>,
  context: WireContext,
): Wired => {
  const { definition, uses, tree, base, problems, instance } = context
  const inputs: Record<string, ReadonlyArray<InputRef>> = {}
  const types: Record<string, ReadonlyArray<ArtifactType | undefined>> = {}
  const open: Record<string, InputPort> = {}
  const path = ["nodes", instance.name, "in"]
  const declared = Object.keys(definition.inputs ?? {})
  for (const [name, written] of references) {
    const spec = definition.inputs?.[name]
    if (spec === undefined && definition.openInputs !== true) {
      problems.error(
        tree?.entries.get(name)?.key ?? base,
        [...path, name],
        `${uses} has no input port "${name}"`,
        suggest(name, declared, "input ports"),
      )
      continue
    }
    const asked = spec === undefined ? undefined : inputPort(spec)
    const fed = written.flatMap((reference) => resolve(reference, name, asked?.type, context))
    const value = tree?.entries.get(name)?.value
    const port = asked ?? openPort(name, written, fed, value?.kind === "list", context)
    if (port === undefined) continue
    if (asked === undefined) open[name] = port
    const at = value?.at ?? base
    checkCount(fed, written, name, port, at, context)
    if (value?.kind === "list" && value.items.length === 0 && port.mayBeEmpty !== true) {
      problems.error(at, [...path, name], `the port "${name}" is given an empty list`)
    }
    inputs[name] = fed.map(({ ref }) => ref)
    types[name] = fed.map(({ type }) => type)
  }
  for (const name of declared) {
    const port = inputPort(definition.inputs[name])
    if (references.has(name) || port.many === "optional" || port.mayBeEmpty === true) continue
    const takes = port.many === "list" ? `one or more ${port.type.name}` : port.type.name
    problems.error(
      base,
      [...path, name],
      `the input port "${name}" of ${uses} is not fed`,
      `it takes ${takes}: in: { ${name}: NODE }`,
    )
  }
  return { inputs, types, open }
}

export interface Fed {
  readonly ref: InputRef
  readonly type: ArtifactType | undefined
}

/** What a reference means, for a port that asks for a type, or for any (undefined). */
const resolve = (
  reference: Reference,
  port: string,
  asked: ArtifactType | undefined,
  context: WireContext,
): ReadonlyArray<Fed> => {
  const upstream = context.upstreams.get(reference.name)
  // Unknown types, wrong parameters and circles have been told; what they would give is not.
  if (upstream?.definition === undefined) return []
  const meant = chosen(reference, upstream, context)
  if (upstream.instances.some(({ outputs }) => outputs === undefined)) return []
  return meant.flatMap(({ instance, outputs = {} }): ReadonlyArray<Fed> => {
    const name = portOf(reference, outputs, asked, context)
    if (name === undefined) return []
    const type = outputs[name]
    if (asked !== undefined && type !== undefined && !accepts(asked, type))
      mismatch(reference, name, type, port, asked, context)
    return [{ ref: { node: instance.id, port: name }, type }]
  })
}

/**
 * The output that a reference names. Where it names none: the only one; of several, the first that the port takes,
 * else the first. A port that takes anything wants to be told. `rejected` is only ever named.
 */
const portOf = (
  reference: Reference,
  outputs: Types,
  asked: ArtifactType | undefined,
  { problems }: WireContext,
): string | undefined => {
  const given = Object.keys(outputs)
  if (reference.port !== undefined) {
    if (given.includes(reference.port)) return reference.port
    problems.error(
      reference.at,
      reference.path,
      `${reference.name} has no output port "${reference.port}"`,
      suggest(reference.port, given, "output ports"),
    )
    return undefined
  }
  const usual = given.filter((name) => name !== "rejected")
  if (asked === undefined && usual.length > 1) {
    problems.error(
      reference.at,
      reference.path,
      `${reference.name} has several output ports, and this port takes any`,
      `say which: ${usual
        .slice(0, 6)
        .map((name) => `${reference.name}.${name}`)
        .join(", ")}${usual.length > 6 ? ", …" : ""}`,
    )
    return undefined
  }
  const fits = (name: string): boolean => {
    const type = outputs[name]
    return asked !== undefined && type !== undefined && accepts(asked, type)
  }
  const name = usual.find(fits) ?? usual[0] ?? given[0]
  if (name === undefined)
    problems.error(reference.at, reference.path, `${reference.name} has no output ports`)
  return name
}

/** The instances meant: the one this instance belongs to, those selected, or all. */
const chosen = (
  reference: Reference,
  upstream: Upstream,
  { instance, problems }: WireContext,
): Upstream["instances"] => {
  const pinned = instance.pins.get(reference.name)
  const all = upstream.instances
  const { select } = reference
  if (select === undefined) {
    return pinned === undefined ? all : all.filter((candidate) => candidate.instance.id === pinned)
  }
  const axes = [...(all[0]?.instance.bindings.keys() ?? [])]
  const unknown = [...select.keys()].find((axis) => !axes.includes(axis))
  if (unknown !== undefined) {
    problems.error(
      reference.at,
      reference.path,
      `${reference.name} has no axis "${unknown}"`,
      suggest(unknown, axes, "axes"),
    )
    return []
  }
  const matches = all.filter((candidate) =>
    [...select].every(([axis, value]) => {
      const bound = formatBinding(candidate.instance.bindings.get(axis)!.value)
      return bound === value || bound === formatBinding(value)
    }),
  )
  if (matches.length === 0) {
    problems.error(
      reference.at,
      reference.path,
      `no instance of ${reference.name} is like that`,
      `instances: ${all
        .slice(0, 4)
        .map((candidate) => candidate.instance.id)
        .join(", ")}${all.length > 4 ? ", …" : ""}`,
    )
  }
  return matches
}
