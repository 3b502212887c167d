import * as Schema from "effect/Schema"
import type { Json } from "../../schema/json.ts"
import type { Catalogue } from "../catalogue.ts"
import type { NodeDefinition } from "../node.ts"
import { DocumentShape, namePattern, NodeShape } from "./shape.ts"
import { inputPort } from "./types.ts"

type JsonObject = { readonly [key: string]: Json }
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const asObject = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
/** A copy that is JSON and nothing else. */
const asJson = (value: unknown): Json => JSON.parse(JSON.stringify(value))

/** A `${…}` may stand for any value. */
const reference: Json = { $ref: "#/$defs/reference" }

/** JSON Schema of a parameter schema, with its own definitions put in place; `{}` where it has no JSON form. */
export const jsonSchemaOf = (schema: Schema.Codec<unknown, unknown> | undefined): JsonObject => {
  if (schema === undefined) return { type: "object", properties: {}, additionalProperties: false }
  try {
    const { schema: root, definitions } = Schema.toJsonSchemaDocument(schema, { onExcessProperty: "error" })
    const tidied = tidy(asJson(root), asObject(asJson(definitions)), 0)
    return asObject(tidied)
  } catch {
    return {}
  }
}

const nonFinite = JSON.stringify(["Infinity", "-Infinity", "NaN"])

/**
 * Puts definitions in place (recursive ones end as "anything") and takes out what a document cannot hold: the texts
 * that stand for infinite numbers in JSON.
 */
const tidy = (value: Json, definitions: JsonObject, depth: number): Json => {
  if (Array.isArray(value)) return value.map((item: Json) => tidy(item, definitions, depth))
  if (!isObject(value)) return value
  const ref = value["$ref"]
  if (typeof ref === "string") {
    const target = definitions[ref.split("/").at(-1)!]
    return target === undefined || depth > 8 ? {} : tidy(target, definitions, depth + 1)
  }
  const { anyOf, allOf, ...rest } = value
  const entries: Record<string, Json> = {}
  for (const [key, inner] of Object.entries(rest)) entries[key] = tidy(inner, definitions, depth)
  if (Array.isArray(anyOf)) {
    const members = (anyOf as ReadonlyArray<Json>).filter(
      (member) => !(isObject(member) && JSON.stringify(member["enum"]) === nonFinite),
    )
    const tidied = members.map((member) => tidy(member, definitions, depth))
    const [only] = tidied
    if (tidied.length === 1 && isObject(only)) Object.assign(entries, { ...only, ...entries })
    else entries["anyOf"] = tidied
  }
  // Annotations of a key come as a further member: they hold as well where they stand.
  if (Array.isArray(allOf)) {
    for (const member of allOf as ReadonlyArray<Json>) {
      const tidied = tidy(member, definitions, depth)
      if (isObject(tidied)) for (const [key, inner] of Object.entries(tidied)) entries[key] ??= inner
    }
  }
  return entries
}

/** Lets a reference stand in place of every value inside of a schema (the outermost stays as it is). */
const withReferences = (schema: JsonObject): JsonObject => {
  const entries: Record<string, Json> = { ...schema }
  const inside = (value: Json): Json => {
    if (!isObject(value)) return value
    const { description, ...rest } = withReferences(value)
    const either: Record<string, Json> = { anyOf: [rest, reference] }
    return description === undefined ? either : { description, ...either }
  }
  const { properties, items, additionalProperties, prefixItems, anyOf } = schema
  if (isObject(properties)) {
    entries["properties"] = Object.fromEntries(
      Object.entries(properties).map(([key, value]) => [key, inside(value)]),
    )
  }
  if (isObject(items)) entries["items"] = inside(items)
  if (isObject(additionalProperties)) entries["additionalProperties"] = inside(additionalProperties)
  if (Array.isArray(prefixItems)) entries["prefixItems"] = (prefixItems as ReadonlyArray<Json>).map(inside)
  if (Array.isArray(anyOf)) {
    entries["anyOf"] = (anyOf as ReadonlyArray<Json>).map((value) =>
      isObject(value) ? withReferences(value) : value,
    )
  }
  return entries
}

/** What holds for a node of one type: its parameters and ports. */
const typeRule = (definition: NodeDefinition): Json => {
  const parameters = withReferences(jsonSchemaOf(definition.params))
  const required = Array.isArray(parameters["required"]) ? parameters["required"] : []
  const ports = Object.entries(definition.inputs ?? {}).map(
    ([name, port]) => [name, inputPort(port)] as const,
  )
  const needed = ports
    .filter(([, port]) => port.many !== "optional" && port.mayBeEmpty !== true)
    .map(([name]) => name)
  const inputs: Json = {
    type: "object",
    properties: Object.fromEntries(
      ports.map(([name, { type, many }]) => [
        name,
        {
          description:
            many === "list"
              ? `${type.name}, one or more`
              : `${type.name}${many === "optional" ? ", optional" : ""}`,
          $ref: "#/$defs/feed",
        },
      ]),
    ),
    ...(needed.length > 0 ? { required: needed } : {}),
    ...(definition.openInputs === true
      ? {
          propertyNames: { pattern: namePattern.source },
          additionalProperties: { description: "Any artifact; several as a list.", $ref: "#/$defs/feed" },
        }
      : { additionalProperties: false }),
  }
  const keys = [...(required.length > 0 ? ["with"] : []), ...(needed.length > 0 ? ["in"] : [])]
  return {
    if: { properties: { uses: { const: definition.type } }, required: ["uses"] },
    // eslint-disable-next-line unicorn/no-thenable
    then: {
      properties: { with: parameters, in: inputs },
      ...(keys.length > 0 ? { required: keys } : {}),
    },
  }
}

/**
 * JSON Schema (draft 2020-12) of documents, for editors: completion and checks for every node type of a catalogue.
 * Types stand in the order of their names, so that the text is stable.
 */
export const editorSchema = (catalogue: Catalogue): Json => {
  const definitions = Array.from(catalogue.values(), ({ definition }) => definition).sort((a, b) =>
    a.type < b.type ? -1 : 1,
  )
  const document = jsonSchemaOf(DocumentShape)
  const node = withReferences(jsonSchemaOf(NodeShape))
  const properties = asObject(document["properties"])
  const keys = asObject(node["properties"])
  const overlay: Json = {
    type: "object",
    properties: {
      ...Object.fromEntries(
        Object.entries(properties).filter(([key]) => key !== "profiles" && key !== "nodes"),
      ),
      nodes: { type: "object", additionalProperties: { $ref: "#/$defs/keys" } },
    },
    additionalProperties: false,
  }
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "Facet pipeline",
    ...document,
    properties: {
      ...properties,
      profiles: { ...asObject(properties["profiles"]), additionalProperties: overlay },
      nodes: {
        description: "The nodes, by name.",
        type: "object",
        propertyNames: { pattern: namePattern.source },
        additionalProperties: { $ref: "#/$defs/node" },
      },
    },
    patternProperties: { "^x-": {} },
    $defs: {
      reference: { type: "string", pattern: "\\$\\{[^{}]*\\}" },
      feed: { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" }, minItems: 1 }] },
      keys: {
        type: "object",
        properties: {
          ...keys,
          uses: {
            description: "The node type.",
            anyOf: definitions.map(({ type, description }) => ({ const: type, description })),
          },
        },
        additionalProperties: false,
      },
      node: {
        $ref: "#/$defs/keys",
        required: ["uses"],
        allOf: definitions.map(typeRule),
      },
    },
  }
}
