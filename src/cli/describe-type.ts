import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Json } from "../schema/json.ts"
import type { CatalogueEntry } from "../runtime/catalogue.ts"
import { inputPort, jsonSchemaOf, outputNames } from "../runtime/document/index.ts"
import { paint } from "./output.ts"
import { columns } from "./present/text.ts"

type JsonObject = { readonly [key: string]: Json }
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export interface ParameterDescription {
  readonly name: string
  /** In words: "whole number, 1 to 1000". */
  readonly type: string
  readonly required: boolean
  readonly default?: Json
  readonly description?: string
}
export interface TypeDescription {
  readonly type: string
  readonly description: string
  readonly origin: string
  readonly mapsOver?: string
  readonly inputs: ReadonlyArray<{ readonly name: string; readonly type: string; readonly many: string }>
  readonly outputs: ReadonlyArray<{ readonly name: string; readonly type: string }>
  /** Whether a document may name further ports of its own. */
  readonly openInputs: boolean
  readonly openOutputs: boolean
  readonly params: ReadonlyArray<ParameterDescription>
  readonly resources: Json
}

const number = (value: Json | undefined): string | undefined =>
  typeof value === "number" ? String(value) : undefined

/** "1 to 1000", "at least 0", "" */
const range = (schema: JsonObject): string => {
  const low = number(schema["minimum"])
  const high = number(schema["maximum"])
  const above = number(schema["exclusiveMinimum"])
  const below = number(schema["exclusiveMaximum"])
  if (low !== undefined && high !== undefined) return `${low} to ${high}`
  const parts = [
    low === undefined ? undefined : `at least ${low}`,
    above === undefined ? undefined : `above ${above}`,
    high === undefined ? undefined : `at most ${high}`,
    below === undefined ? undefined : `below ${below}`,
  ]
  return parts.filter((part) => part !== undefined).join(", ")
}

const plainNames: Readonly<Record<string, string>> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  null: "nothing",
}

/** A JSON Schema in a few words. */
export const typeWords = (schema: Json | undefined): string => {
  if (!isObject(schema)) return "anything"
  const { enum: choices, const: constant, anyOf, type, items, prefixItems, additionalProperties } = schema
  if (Array.isArray(choices)) return choices.map(String).join(" | ")
  if (constant !== undefined) return JSON.stringify(constant)
  if (Array.isArray(anyOf)) return anyOf.map((member: Json) => typeWords(member)).join(" or ")
  if (type === "array") {
    if (Array.isArray(prefixItems)) return `[${prefixItems.map((item: Json) => typeWords(item)).join(", ")}]`
    return `list of ${typeWords(items)}`
  }
  if (type === "object")
    return isObject(additionalProperties) ? `map to ${typeWords(additionalProperties)}` : "map"
  if (typeof type !== "string") return "anything"
  const limits = range(schema)
  return `${plainNames[type] ?? type}${limits === "" ? "" : `, ${limits}`}`
}

/** What a parameter is when it is left out: what decoding nothing gives. */
const defaultOf = (params: unknown, name: string): Json | undefined => {
  if (!Schema.isSchema(params) || !("fields" in params)) return undefined
  const { fields } = params
  if (typeof fields !== "object" || fields === null) return undefined
  const field: unknown = Object.entries(fields).find(([key]) => key === name)?.[1]
  if (!Schema.isSchema(field)) return undefined
  try {
    const decoded = Schema.decodeUnknownOption(Schema.Struct({ [name]: field as Schema.Codec<unknown> }))({})
    return Option.isSome(decoded) ? (decoded.value[name] as Json | undefined) : undefined
  } catch {
    return undefined
  }
}

export const describe = ({ definition, origin }: CatalogueEntry): TypeDescription => {
  const schema = jsonSchemaOf(definition.params)
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  const properties = isObject(schema["properties"]) ? schema["properties"] : {}
  const params = Object.entries(properties).map(([name, property]): ParameterDescription => {
    const preset = defaultOf(definition.params, name)
    const description = isObject(property) ? property["description"] : undefined
    return {
      name,
      type: typeWords(property),
      required: required.includes(name),
      ...(preset === undefined ? {} : { default: preset }),
      ...(typeof description === "string" ? { description } : {}),
    }
  })
  return {
    type: definition.type,
    description: definition.description,
    origin: origin.kind === "builtin" ? "built in" : origin.file,
    ...(definition.map?.over === undefined ? {} : { mapsOver: definition.map.over }),
    inputs: Object.entries(definition.inputs ?? {}).map(([name, port]) => {
      const { type, many, mayBeEmpty } = inputPort(port)
      return { name, type: type.name, many: mayBeEmpty === true ? "any" : many }
    }),
    outputs: outputNames(definition).map((name) => {
      const output = definition.outputs[name]
      if (output === undefined) return { name, type: "Rejects" }
      if (!("sameAs" in output)) return { name, type: output.name }
      return { name, type: [`as ${output.sameAs}`, ...output.adds].join(" + ") }
    }),
    params: [...params.filter((param) => param.required), ...params.filter((param) => !param.required)],
    openInputs: definition.openInputs === true,
    openOutputs: definition.outputsOf !== undefined,
    resources: { ...definition.resources },
  }
}

const many: Readonly<Record<string, string>> = {
  one: "one",
  optional: "one or none",
  list: "one or more",
  any: "any number",
}

/** A node type for the terminal. */
export const typeText = (type: TypeDescription): string => {
  const title = (text: string): string => `\n${paint("bold", text)}`
  const lines = [`${paint("bold", type.type)}  ${type.description}`]
  if (type.mapsOver !== undefined) lines.push(paint("dim", `works on each row of ${type.mapsOver} by itself`))
  const inputs = type.inputs.map((port) => [port.name, port.type, many[port.many] ?? ""])
  if (type.openInputs) inputs.push(["any name", "any artifact", "one or more"])
  if (inputs.length > 0) lines.push(title("inputs"), columns(inputs))
  const outputs = type.outputs.map((port) => [port.name, port.type])
  if (type.openOutputs) outputs.push(["by the parameters", "see below"])
  if (outputs.length > 0) lines.push(title("outputs"), columns(outputs))
  if (type.params.length > 0) {
    const rows = type.params.map(({ name, type, required, default: preset, description }) => [
      name,
      type,
      required ? "required" : preset === undefined ? "" : `default ${JSON.stringify(preset)}`,
      description ?? "",
    ])
    lines.push(title("parameters"), columns(rows))
  }
  return lines.join("\n")
}
