import { parseYaml } from "./parse.ts"
import { suggest, type Problems } from "./problems.ts"
import type { Source, Span } from "./source.ts"
import { pathText, type Entry, type MapTree, type Tree } from "./tree.ts"

/**
 * Lays `params.x=v` (v is YAML) over a document. What is set must be declared: a parameter of the document, or
 * anything of one of its nodes; new keys may be added inside maps.
 */
export const applySets = (
  root: MapTree,
  sets: ReadonlyArray<string>,
  source: Source,
  problems: Problems,
): MapTree => sets.reduce((tree, text, index) => applySet(tree, text, index, source, problems), root)

const applySet = (
  root: MapTree,
  text: string,
  index: number,
  source: Source,
  problems: Problems,
): MapTree => {
  const offset = source.lineStarts[index]
  const equals = text.indexOf("=")
  const whole: Span = { source, start: offset, end: offset + text.length }
  const path = text
    .slice(0, equals === -1 ? undefined : equals)
    .split(".")
    .map((part) => part.trim())
  const form = "write it as params.NAME=VALUE, or nodes.NODE.with.NAME=VALUE"
  const section = path[0]
  if (
    equals === -1 ||
    path.length < 2 ||
    path.includes("") ||
    (section !== "params" && section !== "nodes")
  ) {
    problems.error(whole, [], `"${text}" sets nothing`, form)
    return root
  }
  const names: Span = { source, start: offset, end: offset + equals }
  const table = root.entries.get(section)?.value
  const known = table?.kind === "map" ? table.entries : new Map<string, Entry>()
  const name = path[1]
  if (!known.has(name)) {
    const what = section === "params" ? "parameter" : "node"
    problems.error(
      names,
      path,
      `the document has no ${what} "${name}"`,
      suggest(name, known.keys(), `${what}s`),
    )
    return root
  }
  if (section === "nodes" && path.length === 2) {
    problems.error(whole, path, "a whole node cannot be set", form)
    return root
  }
  const written = text.slice(equals + 1)
  const nothing: Tree = { kind: "scalar", value: null, at: whole }
  // Blanks before the value keep its places those of the source.
  const padded = { ...source, text: " ".repeat(offset + equals + 1) + written }
  const placed = written.trim() === "" ? nothing : (parseYaml(padded, problems) ?? nothing)
  const set = (tree: Tree | undefined, depth: number): Tree => {
    if (depth === path.length) return placed
    const part = path[depth]
    if (tree === undefined || (tree.kind === "scalar" && tree.value === null)) {
      return {
        kind: "map",
        at: whole,
        entries: new Map([[part, { key: names, value: set(undefined, depth + 1) }]]),
      }
    }
    if (tree.kind === "list" && /^\d+$/.test(part) && Number(part) < tree.items.length) {
      return {
        ...tree,
        items: tree.items.map((item, i) => (i === Number(part) ? set(item, depth + 1) : item)),
      }
    }
    if (tree.kind !== "map") {
      problems.error(names, path, `${pathText(path.slice(0, depth))} has no "${part}" that could be set`)
      return tree
    }
    const entries = new Map(tree.entries)
    const below = entries.get(part)
    entries.set(part, { key: below?.key ?? names, value: set(below?.value, depth + 1) })
    return { ...tree, entries }
  }
  const result = set(root, 0)
  return result.kind === "map" ? result : root
}
