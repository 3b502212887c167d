import { nearDuplicates } from "../../vision/nearDuplicates.ts"
import { unionFind } from "../../vision/unionFind.ts"
import type { Cluster } from "./dedupe.ts"

/** What clustering needs to know of a row. */
export interface Entry {
  readonly id: string
  /** Equal for pictures that are the same byte for byte. */
  readonly same: string
  /** Perceptual hash, 16 hexadecimal digits. */
  readonly phash: string
  readonly label: string | undefined
  /** The larger, the better: pixels of the picture, or of the face in it. */
  readonly size: number
  /** Of a set whose pictures must not occur among the items. */
  readonly protected: boolean
}

/** Groups of two and more places in the list, ascending, by first member; exact = all of one group are equal bytes. */
export interface Group {
  readonly members: ReadonlyArray<number>
  readonly exact: boolean
}

/**
 * Clusters of duplicates: equal bytes, or hashes within `maxDistance` bits and `alike` (asked for one picture of each
 * set of equal ones), and chains of such pairs.
 */
export const groupsOf = (
  entries: ReadonlyArray<Entry>,
  maxDistance: number,
  alike: (a: number, b: number) => boolean,
): ReadonlyArray<Group> => {
  const firsts = new Map<string, number>()
  const sets = unionFind(entries.length)
  entries.forEach(({ same }, i) => {
    const first = firsts.get(same)
    if (first === undefined) firsts.set(same, i)
    else sets.union(first, i)
  })
  const distinct = [...firsts.values()]
  const hashes = distinct.map((i) => entries[i].phash)
  for (const near of nearDuplicates(hashes, maxDistance, (a, b) => alike(distinct[a], distinct[b])))
    for (const k of near) sets.union(distinct[near[0]], distinct[k])
  return sets.sets(2).map((members) => ({
    members,
    exact: members.every((i) => entries[i].same === entries[members[0]].same),
  }))
}

/** The best first: largest, then lowest id. */
const better = (a: Entry, b: Entry): number => b.size - a.size || (a.id < b.id ? -1 : 1)

export type OnConflict = "drop" | "majority" | "keep"

/** The label a cluster keeps, undefined where it has none; null where its members disagree and nothing decides. */
const labelOf = (members: ReadonlyArray<Entry>, onConflict: OnConflict): string | undefined | null => {
  const counts = new Map<string, number>()
  for (const { label } of members) if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + 1)
  if (counts.size <= 1) return [...counts.keys()][0]
  if (onConflict === "drop") return null
  if (onConflict === "keep") return members[0].label ?? null
  const [[first, most], [, next]] = [...counts].sort((a, b) => b[1] - a[1])
  return most > next ? first : null
}

export interface Decision {
  readonly cluster: Cluster
  /** The member that stays, and the label it then has. */
  readonly kept: { readonly id: string; readonly label: string | undefined } | undefined
  /** Members that don't, best first. */
  readonly dropped: ReadonlyArray<string>
}

/** What becomes of a cluster; undefined for one of protected pictures only. */
export const decide = (
  entries: ReadonlyArray<Entry>,
  group: Group,
  onConflict: OnConflict,
): Decision | undefined => {
  const all = group.members.map((i) => entries[i])
  const items = all.filter((entry) => !entry.protected).sort(better)
  if (items.length === 0) return undefined
  const guard = all.filter((entry) => entry.protected).sort(better)[0]
  const ids = items.map(({ id }) => id)
  const label = labelOf(items, onConflict)
  const labels = [...new Set(items.flatMap((entry) => entry.label ?? []))].sort()
  const cluster = (outcome: Cluster["outcome"]): Cluster => ({
    id: ids[0],
    members: ids,
    kind: group.exact ? "exact" : "near",
    labels,
    outcome,
    ...(guard === undefined ? {} : { protectedBy: guard.id }),
  })
  if (guard !== undefined) return { cluster: cluster("protected"), kept: undefined, dropped: ids }
  if (label === null) return { cluster: cluster("conflict"), kept: undefined, dropped: ids }
  return { cluster: cluster("kept"), kept: { id: ids[0], label }, dropped: ids.slice(1) }
}
