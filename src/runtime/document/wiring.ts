import { accepts, type ArtifactType } from "../../schema/artifact.ts"
import type { Catalogue } from "../catalogue.ts"
import type { InputRef } from "../graph.ts"
import type { InputPort, NodeDefinition } from "../node.ts"
import { formatBinding, type Instance } from "./matrix.ts"
import { suggest, type Problems } from "./problems.ts"
import type { Span } from "./source.ts"
import type { MapTree, Path, Tree } from "./tree.ts"
import { describe } from "./tree.ts"
import { inputPort, outputNames } from "./types.ts"

/** A node reference as written: `train`, `train.history`, `train[lr=0.1]`, `train[lr=0.1].history`. */
export interface Reference {
  readonly name: string
  readonly select?: ReadonlyMap<string, string>
  readonly port?: string
  readonly at: Span
  readonly path: Path
}

const referencePattern = /^([^.[\]]+)(?:\[([^\]]*)\])?(?:\.([^[\]]+))?$/

export const parseReference = (text: string, at: Span, path: Path): Reference | undefined => {
  const match = referencePattern.exec(text.trim())
  if (match === null) return undefined
  const [, name, selection, port] = match
  const select = new Map<string, string>()
  for (const part of selection?.split(",") ?? []) {
    const equals = part.indexOf("=")
    if (equals <= 0) return undefined
    select.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim())
  }
  return {
    name: name,
    ...(selection === undefined ? {} : { select }),
    ...(port === undefined ? {} : { port }),
    at,
    path,
  }
}

/** The references of an instance's `in`, per port, in the order written. What is no reference is a problem. */
export const readReferences = (
  tree: Tree | undefined,
  names: ReadonlySet<string>,
  base: Path,
  problems: Problems,
): ReadonlyMap<string, ReadonlyArray<Reference>> => {
  const ports = new Map<string, ReadonlyArray<Reference>>()
  if (tree?.kind !== "map") return ports
  for (const [port, entry] of tree.entries) {
    const path = [...base, "in", port]
    const { value } = entry
    const parts: ReadonlyArray<readonly [Tree, Path]> =
      value.kind === "list" ? value.items.map((item, i) => [item, [...path, i]] as const) : [[value, path]]
    const read: Array<Reference> = []
    for (const [part, at] of parts) {
      // Anything but a text is told when the node's keys are checked.
      if (part.kind !== "scalar" || typeof part.value !== "string" || part.missing === true) continue
      const reference = parseReference(part.value, part.at, at)
      if (reference === undefined) {
        problems.error(
          part.at,
          at,
          `${describe(part)} names no node`,
          "write NODE, NODE.PORT or NODE[AXIS=VALUE]",
        )
      } else if (names.has(reference.name)) read.push(reference)
      else {
        problems.error(
          part.at,
          at,
          `there is no node "${reference.name}"`,
          suggest(reference.name, names, "nodes"),
        )
      }
    }
    ports.set(port, read)
  }
  return ports
}

/** What is known of a node that feeds others; instances without a definition are of an unknown type. */
export interface Upstream {
  readonly definition: NodeDefinition | undefined
  readonly instances: ReadonlyArray<{
    readonly instance: Instance
    readonly outputs: Readonly<Record<string, ArtifactType | undefined>>
  }>
}

export interface Wired {
  readonly inputs: Readonly<Record<string, ReadonlyArray<InputRef>>>
  readonly types: Readonly<Record<string, ReadonlyArray<ArtifactType | undefined>>>
}

interface WireContext {
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
  const path = ["nodes", instance.name, "in"]
  const declared = Object.keys(definition.inputs ?? {})
  for (const [name, written] of references) {
    const port = definition.inputs?.[name]
    if (port === undefined) {
      problems.error(
        tree?.entries.get(name)?.key ?? base,
        [...path, name],
        `${uses} has no input port "${name}"`,
        suggest(name, declared, "input ports"),
      )
      continue
    }
    const fed = written.flatMap((reference) => resolve(reference, name, inputPort(port), context))
    const at = tree?.entries.get(name)?.value.at ?? base
    checkCount(fed, written, name, inputPort(port), at, context)
    const value = tree?.entries.get(name)?.value
    if (value?.kind === "list" && value.items.length === 0 && inputPort(port).mayBeEmpty !== true) {
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
  return { inputs, types }
}

interface Fed {
  readonly ref: InputRef
  readonly type: ArtifactType | undefined
}

const resolve = (
  reference: Reference,
  port: string,
  asked: InputPort,
  context: WireContext,
): ReadonlyArray<Fed> => {
  const upstream = context.upstreams.get(reference.name)
  // Unknown types and circles have been told; what they would give is not.
  if (upstream?.definition === undefined) return []
  const given = outputNames(upstream.definition)
  if (reference.port !== undefined && !given.includes(reference.port)) {
    context.problems.error(
      reference.at,
      reference.path,
      `${reference.name} has no output port "${reference.port}"`,
      suggest(reference.port, given, "output ports"),
    )
    return []
  }
  return chosen(reference, upstream, context).map(({ instance, outputs }) => {
    const name = reference.port ?? defaultPort(given, outputs, asked.type)
    const type = outputs[name]
    if (type !== undefined && !accepts(asked.type, type))
      mismatch(reference, name, type, port, asked.type, context)
    return { ref: { node: instance.id, port: name }, type }
  })
}

/** The only output; else the first that the port takes, else the first. `rejected` is only ever named. */
const defaultPort = (
  given: ReadonlyArray<string>,
  outputs: Readonly<Record<string, ArtifactType | undefined>>,
  asked: ArtifactType,
): string => {
  const usual = given.filter((name) => name !== "rejected")
  return (
    usual.find((name) => outputs[name] !== undefined && accepts(asked, outputs[name])) ??
    usual[0] ??
    "rejected"
  )
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

const checkCount = (
  fed: ReadonlyArray<Fed>,
  written: ReadonlyArray<Reference>,
  port: string,
  asked: InputPort,
  at: Span,
  { uses, problems, instance, upstreams }: WireContext,
): void => {
  const path = ["nodes", instance.name, "in", port]
  if (asked.many === "list") {
    const seen = new Set<string>()
    for (const { ref } of fed) {
      const text = `${ref.node}.${ref.port}`
      if (seen.has(text)) problems.error(at, path, `${text} is given twice`)
      seen.add(text)
    }
    return
  }
  if (fed.length <= 1) return
  const [only] = written
  if (written.length > 1) {
    problems.error(at, path, `the port "${port}" of ${uses} takes one artifact, not ${written.length}`)
    return
  }
  const first = upstreams.get(only.name)?.instances[0]?.instance.id
  problems.error(
    only.at,
    path,
    `the port "${port}" of ${uses} takes one artifact, and ${only.name} has ${fed.length} instances`,
    `add \`each: ${only.name}\` for one of this node per instance, or name one: "${first}"`,
  )
}

const mismatch = (
  reference: Reference,
  output: string,
  given: ArtifactType,
  port: string,
  asked: ArtifactType,
  { catalogue, problems, uses }: WireContext,
): void => {
  const from = reference.port === undefined ? reference.name : `${reference.name}.${output}`
  const missing = asked.requires.filter((field) => !given.requires.includes(field))
  const lacks =
    asked.kind === given.kind && asked.family === given.family && missing.length > 0
      ? `it lacks ${missing.join(" and ")}`
      : undefined
  const makers: Array<string> = []
  for (const [type, { definition }] of catalogue) {
    const gives = Object.values(definition.outputs)
    if (
      gives.some((output) => !("sameAs" in output) && asked.kind === output.kind && accepts(asked, output))
    ) {
      makers.push(type)
    } else if (
      lacks !== undefined &&
      gives.some((output) => "sameAs" in output && missing.every((field) => output.adds.includes(field)))
    ) {
      makers.push(type)
    }
  }
  const hint = [
    lacks,
    makers.length > 0 && asked.name !== "Json"
      ? `${asked.name} come${asked.name.endsWith("s") ? "" : "s"} from ${makers.slice(0, 4).join(", ")}`
      : undefined,
  ].filter((text) => text !== undefined)
  problems.error(
    reference.at,
    reference.path,
    `the port "${port}" of ${uses} takes ${asked.name}, but ${from} gives ${given.name}`,
    hint.length > 0 ? hint.join("; ") : undefined,
  )
}
