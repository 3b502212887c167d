import { suggest, type Problems } from "./problems.ts"
import type { Span } from "./source.ts"
import { describe, type Path, type Tree } from "./tree.ts"

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
