import { applySets } from "./overrides.ts"
import { decodeTree } from "./decode.ts"
import type { EnvironmentVariable } from "./interpolate.ts"
import { overlay } from "./merge.ts"
import { parseYaml } from "./parse.ts"
import { Problems, suggest } from "./problems.ts"
import { DocumentShape, NodeShape, namePattern } from "./shape.ts"
import { makeSource, setName, wholeSource, type Source, type Span } from "./source.ts"
import { descend, type Entry, type MapTree, type Path, type Tree } from "./tree.ts"

/** A document read and laid out, before node types are known: profile and `--set` are in it. */
export interface Envelope {
  readonly pipeline: string
  /** Absolute path. */
  readonly file: string
  readonly root: string
  readonly source: Source
  readonly params: MapTree
  readonly environment: ReadonlyMap<string, EnvironmentVariable>
  /** Paths as written, relative to the project, and where they stand. */
  readonly plugins: ReadonlyArray<{ readonly path: string; readonly at: Span; readonly where: Path }>
  readonly nodes: ReadonlyMap<string, Entry>
  /** Names of the profiles there are. */
  readonly profiles: ReadonlyArray<string>
  /** What is wrong so far; the checks that follow add to it. */
  readonly problems: Problems
  /** The document as it stands now, for the place of a path. */
  readonly tree: MapTree
}

export interface EnvelopeOptions {
  /** As the user named it, its absolute path, and the folder that relative paths start from. */
  readonly name: string
  readonly file: string
  readonly root: string
  readonly text: string
  readonly profiles: ReadonlyArray<string>
  readonly sets: ReadonlyArray<string>
}

const sections = ["params", "profiles", "plugins", "env"] as const
const isExtension = (key: string): boolean => key.startsWith("x-")

/** Reads the outer layer of a document. Without an envelope the text was no YAML map; `problems` say why. */
export const readEnvelope = (
  options: EnvelopeOptions,
): { readonly envelope?: Envelope; readonly problems: Problems } => {
  const source = makeSource(options.name, options.text)
  const setSource = makeSource(setName, options.sets.join("\n"))
  const problems = new Problems([source, setSource])
  const parsed = parseYaml(source, problems)
  if (parsed === undefined) return { problems }
  if (parsed.kind !== "map") {
    problems.error(parsed.at, [], "a document is a map", "it begins with `pipeline: NAME`")
    return { problems }
  }
  const written = withoutEmpty(parsed)
  const available = mapOf(written, "profiles")
  checkProfiles(available, options.profiles, problems)
  let tree = written
  for (const name of options.profiles) {
    const profile = available.entries.get(name)?.value
    if (profile === undefined) {
      const at = written.entries.get("profiles")?.key ?? wholeSource(source)
      problems.error(
        at,
        ["profiles"],
        `there is no profile "${name}"`,
        suggest(name, available.entries.keys(), "profiles"),
      )
    } else if (profile.kind === "map") tree = overlay(tree, profile)
  }
  tree = applySets(tree, options.sets, setSource, problems)

  const known = new Map([...tree.entries].filter(([key]) => !isExtension(key)))
  const shape = decodeTree(
    DocumentShape,
    { ...tree, entries: known },
    {
      path: [],
      base: wholeSource(source),
      problems,
      noun: "key",
    },
  )
  const nodes = mapOf(tree, "nodes")
  if (tree.entries.get("nodes")?.value.kind === "map" && nodes.entries.size === 0) {
    problems.error(tree.entries.get("nodes")!.key, ["nodes"], "the document has no nodes")
  }
  const plugins = tree.entries.get("plugins")?.value
  const envelope: Envelope = {
    pipeline: shape?.pipeline ?? "",
    file: options.file,
    root: options.root,
    source,
    params: mapOf(tree, "params"),
    environment: readEnvironment(mapOf(tree, "env")),
    plugins: (plugins?.kind === "list" ? plugins.items : []).flatMap((item, index) =>
      item.kind === "scalar" && typeof item.value === "string"
        ? [{ path: item.value, at: item.at, where: ["plugins", index] }]
        : [],
    ),
    nodes: new Map([...nodes.entries].filter(([name]) => namePattern.test(name))),
    profiles: [...available.entries.keys()],
    problems,
    tree,
  }
  return { envelope, problems }
}

const mapOf = (tree: MapTree, key: string): MapTree => {
  const value = tree.entries.get(key)?.value
  return value?.kind === "map" ? value : { kind: "map", entries: new Map(), at: value?.at ?? tree.at }
}

/** A section's name with nothing after it is as good as no section. */
const withoutEmpty = (tree: MapTree): MapTree => ({
  ...tree,
  entries: new Map(
    [...tree.entries].filter(([key, { value }]) => {
      const section = sections.some((name) => name === key)
      return !(section && value.kind === "scalar" && value.value === null)
    }),
  ),
})

const readEnvironment = (tree: MapTree): ReadonlyMap<string, EnvironmentVariable> => {
  const variables = new Map<string, EnvironmentVariable>()
  for (const [name, { key, value }] of tree.entries) {
    const text = value.kind === "scalar" ? value : descend(value, ["default"])
    const given = text?.kind === "scalar" && typeof text.value === "string" ? text.value : undefined
    const secret = descend(value, ["secret"])
    variables.set(name, {
      secret: secret?.kind === "scalar" && secret.value === true,
      at: key,
      ...(given === undefined ? {} : { default: given }),
    })
  }
  return variables
}

/** The keys of profiles that are not chosen: what is in the chosen ones is checked where it lies over the rest. */
const checkProfiles = (profiles: MapTree, chosen: ReadonlyArray<string>, problems: Problems): void => {
  const keys = Object.keys(DocumentShape.fields).filter((key) => key !== "profiles")
  const check = (tree: Tree, path: Path, known: ReadonlyArray<string>): void => {
    if (tree.kind !== "map") return
    for (const [key, entry] of tree.entries) {
      if (known.includes(key) || isExtension(key)) continue
      problems.error(entry.key, [...path, key], `unknown key "${key}"`, suggest(key, known, "keys"))
    }
  }
  for (const [name, { key, value }] of profiles.entries) {
    const path = ["profiles", name]
    const nested = value.kind === "map" ? value.entries.get("profiles") : undefined
    if (nested !== undefined)
      problems.error(nested.key, [...path, "profiles"], "a profile has no profiles of its own")
    if (value.kind !== "map") {
      problems.error(key, path, `the profile "${name}" is empty`, "it holds what is laid over the document")
    } else if (!chosen.includes(name)) {
      check(value, path, [...keys, "profiles"])
      const nodes = mapOf(value, "nodes")
      for (const [node, entry] of nodes.entries)
        check(entry.value, [...path, "nodes", node], Object.keys(NodeShape.fields))
    }
  }
}
