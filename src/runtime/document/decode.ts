import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { suggest, type Problems } from "./problems.ts"
import type { Span } from "./source.ts"
import { descend, describe, placeOf, plain, secretsIn, spanText, type Path, type Tree } from "./tree.ts"

interface Found {
  readonly path: Path
  readonly issue: SchemaIssue.Issue
}

const format = SchemaIssue.makeFormatterStandardSchemaV1()

export interface DecodeOptions {
  /** Path of the value in the document, and the place of its key. */
  readonly path: Path
  readonly base: Span
  readonly problems: Problems
  /** What a key of it is called: "key", "parameter". */
  readonly noun: string
  /** Where to read about the keys there are. */
  readonly help?: string
}

/**
 * Decodes a value by a schema; every issue becomes a problem at its own place. Unknown keys are problems. A secret
 * is checked like any text and then replaced by `{ $secret: NAME }`.
 */
export const decodeTree = <A>(
  schema: Schema.Codec<A, unknown>,
  tree: Tree,
  options: DecodeOptions,
): A | undefined => {
  const { problems, path, base } = options
  let result
  try {
    result = Schema.decodeUnknownResult(schema, { errors: "all", onExcessProperty: "error" })(plain(tree))
  } catch (cause) {
    problems.error(base, path, `the schema of this value failed: ${String(cause)}`)
    return undefined
  }
  const secrets = [...secretsIn(tree)]
  if (Result.isSuccess(result)) return withoutSecrets(result.success, secrets, options)
  let told = false
  for (const found of leaves(result.failure.issue, [])) {
    const value = descend(tree, found.path)
    if (value?.kind === "scalar" && value.missing === true) continue
    report(found, tree, options)
    told = true
  }
  const unset = secrets.find((secret) => secret.tree.missing === true)
  if (!told && unset !== undefined) {
    problems.error(
      unset.tree.at,
      [...path, ...unset.path],
      `this cannot be checked without the secret ${unset.name}`,
      "set it in the environment",
    )
  }
  return undefined
}

type Secret = ReturnType<typeof secretsIn> extends Generator<infer S> ? S : never

const withoutSecrets = <A>(decoded: A, secrets: ReadonlyArray<Secret>, options: DecodeOptions): A => {
  let value: unknown = decoded
  for (const { path, tree, name } of secrets) {
    const [replaced, found] = replaceAt(value, path, tree.value, { $secret: name })
    if (!found) {
      options.problems.error(
        tree.at,
        [...options.path, ...path],
        `the secret ${name} cannot be used here`,
        "the value is changed on its way in, so it could not be kept out of keys",
      )
    }
    value = replaced
  }
  // Same shape but for the secrets, whose values an implementation finds in its context.
  // eslint-disable-next-line typescript/no-unsafe-type-assertion
  return value as A
}

const replaceAt = (value: unknown, path: Path, old: unknown, by: unknown): readonly [unknown, boolean] => {
  const [part, ...rest] = path
  if (part === undefined) return value === old ? [by, true] : [value, false]
  if (Array.isArray(value)) {
    const [inner, found] = replaceAt(value[Number(part)], rest, old, by)
    return [value.map((item: unknown, index) => (index === part ? inner : item)), found]
  }
  if (typeof value !== "object" || value === null) return [value, false]
  const entries = new Map<string, unknown>(Object.entries(value))
  const [inner, found] = replaceAt(entries.get(String(part)), rest, old, by)
  return [found ? Object.fromEntries(entries.set(String(part), inner)) : value, found]
}

/** The issues at the leaves, each with its path. Of a union, the member that comes closest. */
function* leaves(issue: SchemaIssue.Issue, path: Path): Generator<Found> {
  switch (issue._tag) {
    case "Pointer":
      yield* leaves(issue.issue, [
        ...path,
        ...issue.path.map((part) => (typeof part === "symbol" ? String(part) : part)),
      ])
      return
    case "Encoding":
      yield* leaves(issue.issue, path)
      return
    case "Composite":
      for (const inner of issue.issues) yield* leaves(inner, path)
      return
    case "AnyOf": {
      const members = issue.issues.map((inner) => [...leaves(inner, path)])
      const deeper = members.filter((found) => found.every((leaf) => leaf.path.length > path.length))
      if (deeper.length === 0) yield { path, issue }
      else yield* deeper.reduce((a, b) => (b.length < a.length ? b : a))
      return
    }
    default:
      yield { path, issue }
  }
}

const report = ({ path, issue }: Found, tree: Tree, options: DecodeOptions): void => {
  const { problems, noun } = options
  const whole = [...options.path, ...path]
  const key = String(path.at(-1) ?? "")
  const parent = descend(tree, path.slice(0, -1))
  const entry = parent?.kind === "map" ? parent.entries.get(key) : undefined
  const place = placeOf(tree, path, options.base)
  const brought = (descend(tree, path) ?? parent)?.from
  const origin = brought === undefined ? undefined : `${brought.reference} stands at ${spanText(brought.at)}`
  const say = (at: Span, message: string, hint?: string): void => {
    const hints = [hint, origin].filter((text) => text !== undefined)
    problems.error(at, whole, message, hints.length > 0 ? hints.join("; ") : undefined)
  }
  if (issue._tag === "UnexpectedKey") {
    if (issue.ast._tag !== "Objects") return say(place.at, "the list has a value too many")
    const [index] = issue.ast.indexSignatures
    if (index !== undefined) {
      const expected = index.parameter.checks?.[0].annotations?.["expected"]
      return say(
        entry?.key ?? place.at,
        `"${key}" cannot be a name here`,
        typeof expected === "string" ? expected : undefined,
      )
    }
    const known = issue.ast.propertySignatures.map((property) => String(property.name))
    return say(entry?.key ?? place.at, `unknown ${noun} "${key}"`, suggest(key, known, `${noun}s`))
  }
  if (issue._tag === "MissingKey") {
    const short = typeof path.at(-1) === "number"
    return say(place.at, short ? "the list is too short" : `the ${noun} "${key}" is missing`, options.help)
  }
  const value = descend(tree, path)
  const message = expectation(issue)
  const got = message.startsWith("expected ") && value !== undefined ? `, got ${describe(value)}` : ""
  say(place.at, `${message}${got}`, value === undefined ? undefined : adviceFor(issue, value, message))
}

const literalsOf = (issue: SchemaIssue.Issue): ReadonlyArray<string> =>
  issue._tag === "AnyOf"
    ? issue.ast.types.flatMap((type) =>
        type._tag === "Literal" && typeof type.literal === "string" ? [type.literal] : [],
      )
    : []

/** "expected …" in the words of the schema, or its own message. */
const expectation = (issue: SchemaIssue.Issue): string => {
  const literals = literalsOf(issue)
  if (literals.length > 0 && issue._tag === "AnyOf" && literals.length === issue.ast.types.length) {
    return `expected ${literals.length === 1 ? "" : "one of "}${literals.join(", ")}`
  }
  const messages = [...new Set(format(issue).issues.map((found) => found.message))]
  if (!messages.every((text) => text.startsWith("Expected "))) return messages.join("; ")
  const kinds = messages.flatMap((text) => text.slice("Expected ".length).split(" | "))
  return `expected ${[...new Set(kinds.map((kind) => words[kind] ?? kind))].join(" or ")}`
}

/** The schema's names of types in the words of a document. */
const words: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  null: "nothing",
  "a finite number": "a number",
}

const adviceFor = (issue: SchemaIssue.Issue, value: Tree, message: string): string | undefined => {
  if (value.kind !== "scalar") return undefined
  const literals = literalsOf(issue)
  if (typeof value.value === "string") {
    if (literals.length > 0) {
      const advice = suggest(value.value, literals, "")
      return advice.startsWith("did") ? advice : undefined
    }
    if (message.includes("true or false") && /^(yes|no|on|off|y|n)$/i.test(value.value)) {
      return `in YAML 1.2 "${value.value}" is a text: write true or false`
    }
    if (/number|integer/.test(message) && value.value.trim() !== "" && Number.isFinite(Number(value.value))) {
      return "without quotes it is a number"
    }
  }
  if (message === "expected a list" && value.value !== null && value.secret === undefined) {
    return `write it as a list: [${String(value.value)}]`
  }
  if (message === "expected a text" && value.value !== null) return "put it in quotes to make it a text"
  return undefined
}
