import type { Entry, MapTree } from "./tree.ts"

/**
 * An overlay laid over a value: maps key by key, anything else replaces. Places stay those of where each value was
 * written. Keys of the base keep their order; new ones follow.
 */
export const overlay = (base: MapTree, over: MapTree): MapTree => {
  const entries = new Map<string, Entry>(base.entries)
  for (const [name, entry] of over.entries) {
    const below = entries.get(name)
    entries.set(
      name,
      below === undefined || below.value.kind !== "map" || entry.value.kind !== "map"
        ? entry
        : { key: below.key, value: overlay(below.value, entry.value) },
    )
  }
  return { kind: "map", entries, at: base.at }
}
