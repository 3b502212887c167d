import type { ArtifactType } from "../../schema/artifact.ts"
import { Dataset, Faces, Images, Labelled, Rejects } from "../../schema/artifact.ts"
import type { InputPort, Inputs, NodeDefinition } from "../node.ts"

/** How an input port is to be fed. */
export const inputPort = (port: Inputs[string]): InputPort =>
  "many" in port ? port : ({ type: port, many: "one" } satisfies InputPort)

/** Names of the output ports of a node type, in its order; mapping nodes have `rejected` besides. */
export const outputNames = (definition: NodeDefinition): ReadonlyArray<string> => {
  const names = Object.keys(definition.outputs)
  return definition.map === undefined || names.includes("rejected") ? names : [...names, "rejected"]
}

const named: ReadonlyArray<ArtifactType> = [Images, Faces, Labelled, Dataset]

/**
 * A table type of the same family with exactly the given required fields. It bears the name of the known type that
 * requires just these, else the name of the largest known one among them and what it has besides: `Faces+label`.
 */
const withFields = (type: ArtifactType, fields: Iterable<string>): ArtifactType => {
  const requires = [...new Set(fields)].sort()
  const candidates = [type, ...named].filter(
    (known) => known.family === type.family && known.requires.every((field) => requires.includes(field)),
  )
  const base = candidates.reduce<ArtifactType | undefined>(
    (best, known) => (best === undefined || known.requires.length > best.requires.length ? known : best),
    undefined,
  )
  const plain = base?.name.split("+")[0] ?? type.family
  const baseFields = named.find((known) => known.name === plain)?.requires ?? base?.requires ?? []
  const more = requires.filter((field) => !baseFields.includes(field))
  return { ...type, requires, name: [plain, ...more].join("+") }
}

/**
 * The types of a node's outputs, `sameAs` resolved against what feeds that input: several artifacts have in common
 * the fields that all of them have. Undefined where what feeds it is not known.
 */
export const resolveOutputs = (
  definition: NodeDefinition,
  fed: Readonly<Record<string, ReadonlyArray<ArtifactType | undefined>>>,
): Readonly<Record<string, ArtifactType | undefined>> => {
  const outputs: Record<string, ArtifactType | undefined> = {}
  for (const name of outputNames(definition)) {
    const output = definition.outputs[name]
    if (output === undefined) outputs[name] = Rejects
    else if (!("sameAs" in output)) outputs[name] = output
    else {
      const declared = definition.inputs?.[output.sameAs]
      const given = fed[output.sameAs] ?? []
      const types = given.length > 0 ? given : declared === undefined ? [] : [inputPort(declared).type]
      outputs[name] = commonType(types, output.adds, output.drops)
    }
  }
  return outputs
}

const commonType = (
  types: ReadonlyArray<ArtifactType | undefined>,
  adds: ReadonlyArray<string>,
  drops: ReadonlyArray<string> = [],
): ArtifactType | undefined => {
  const [first, ...others] = types
  if (first === undefined) return undefined
  let fields = first.requires
  for (const other of others) {
    if (other === undefined) return undefined
    fields = fields.filter((field) => other.requires.includes(field))
  }
  if (first.kind !== "table") return first
  return withFields(first, [...fields.filter((field) => !drops.includes(field)), ...adds])
}
