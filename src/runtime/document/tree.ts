import { positionOf, type Span } from "./source.ts"

/** A value with the place it was written at. Places follow values through overlays and references. */
export type Tree = ScalarTree | ListTree | MapTree

interface Placed {
  readonly at: Span
  /** Set where the value was written elsewhere and brought here by a reference: which, and where it stands. */
  readonly from?: { readonly reference: string; readonly at: Span }
}
export type Scalar = string | number | boolean | null
export interface ScalarTree extends Placed {
  readonly kind: "scalar"
  readonly value: Scalar
  /** Name of the environment variable, where the value is a secret. */
  readonly secret?: string
  /** What should stand here is not known: a reference failed, or a secret is not set. That has been told. */
  readonly missing?: true
}
export interface ListTree extends Placed {
  readonly kind: "list"
  readonly items: ReadonlyArray<Tree>
}
export interface MapTree extends Placed {
  readonly kind: "map"
  readonly entries: ReadonlyMap<string, Entry>
}
export interface Entry {
  readonly key: Span
  readonly value: Tree
}

export type Path = ReadonlyArray<string | number>

/** `nodes.train.with.sizes[2]`; keys that are no plain words stand in quotes. */
export const pathText = (path: Path): string =>
  path
    .map((part, index) => {
      if (typeof part === "number") return `[${part}]`
      const word = /^[\p{L}\p{N}_$+-]+$/u.test(part) ? part : JSON.stringify(part)
      return index === 0 ? word : `.${word}`
    })
    .join("")

/** The plain value. Secrets keep their value: what leaves this folder replaces them (see `decodeTree`). */
export const plain = (tree: Tree): unknown => {
  if (tree.kind === "scalar") return tree.value
  if (tree.kind === "list") return tree.items.map(plain)
  return Object.fromEntries(Array.from(tree.entries, ([key, entry]) => [key, plain(entry.value)]))
}

export const child = (tree: Tree, part: string | number): Tree | undefined => {
  if (tree.kind === "map") return tree.entries.get(String(part))?.value
  if (tree.kind === "list") return tree.items[Number(part)]
  return undefined
}

/** The value at a path, if there is one. */
export const descend = (tree: Tree, path: Path): Tree | undefined => {
  let here: Tree | undefined = tree
  for (const part of path) here = here === undefined ? undefined : child(here, part)
  return here
}

/**
 * The place that says most about a path: the value, or where it is missing the key of the nearest parent there is.
 * `base` is the place of the tree's own key.
 */
export const placeOf = (
  tree: Tree,
  path: Path,
  base: Span,
): { readonly at: Span; readonly from?: Tree["from"] } => {
  let here = tree
  let at = base
  for (const [index, part] of path.entries()) {
    const next = child(here, part)
    if (next === undefined) return { at, from: here.from }
    at =
      index === path.length - 1
        ? next.at
        : here.kind === "map"
          ? here.entries.get(String(part))!.key
          : next.at
    here = next
  }
  return { at: path.length === 0 ? tree.at : at, from: here.from }
}

/** What a value is, in the words of a message. */
export const describe = (tree: Tree): string => {
  if (tree.kind === "list") return "a list"
  if (tree.kind === "map") return "a map"
  if (tree.secret !== undefined) return "a secret"
  if (tree.value === null) return "nothing"
  if (typeof tree.value !== "string") return String(tree.value)
  const text = JSON.stringify(tree.value)
  return text.length > 40 ? `${text.slice(0, 39)}…"` : text
}

/** Puts a whole value at the place of the reference that brought it. */
export const broughtTo = (tree: Tree, at: Span, reference: string): Tree => {
  const from = { reference, at: tree.from?.at ?? tree.at }
  if (tree.kind === "scalar") return { ...tree, at, from }
  if (tree.kind === "list") {
    return {
      ...tree,
      at,
      from,
      items: tree.items.map((item, i) => broughtTo(item, at, `${reference}[${i}]`)),
    }
  }
  const entries = Array.from(tree.entries, ([key, { value }]): readonly [string, Entry] => [
    key,
    { key: at, value: broughtTo(value, at, `${reference}.${key}`) },
  ])
  return { ...tree, at, from, entries: new Map(entries) }
}

/** "file:3:5" */
export const spanText = (span: Span): string => {
  const { line, column } = positionOf(span.source, span.start)
  return `${span.source.name}:${line}:${column}`
}

/** Every secret in a value, with its path. */
export function* secretsIn(
  tree: Tree,
  path: Path = [],
): Generator<{ readonly path: Path; readonly tree: ScalarTree; readonly name: string }> {
  if (tree.kind === "scalar") {
    if (tree.secret !== undefined) yield { path, tree, name: tree.secret }
  } else if (tree.kind === "list") {
    for (const [index, item] of tree.items.entries()) yield* secretsIn(item, [...path, index])
  } else {
    for (const [key, entry] of tree.entries) yield* secretsIn(entry.value, [...path, key])
  }
}
