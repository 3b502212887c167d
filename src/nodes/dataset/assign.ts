import { digestOf } from "../../schema/digest.ts"
import type { Sample, Split } from "../../schema/sample.ts"
import { unionFind } from "../../vision/unionFind.ts"

/** Fields of a row that decide which other rows it must stand with. */
export type Related = Pick<Sample, "id" | "label" | "set" | "image"> &
  Partial<Pick<Sample, "subject" | "cluster" | "parent" | "givenSplit">>

export interface AssignOptions {
  readonly train: number
  readonly val: number
  readonly seed: number
  /** Split that the source states → ours. */
  readonly given: Readonly<Record<string, Split>>
}

export interface Assignment {
  readonly splits: ReadonlyMap<string, Split>
  /** Groups whose rows have different given splits: the whole group went to the best guarded of them. */
  readonly conflicts: number
  readonly groups: number
}

/** What must not be divided: rows that share one of these stand on one side. */
const ties = ({ id, set, subject, cluster, parent, image }: Related): ReadonlyArray<string> => [
  `row ${id}`,
  `image ${image.$blob}`,
  ...(parent === undefined ? [] : [`row ${parent}`]),
  ...(cluster === undefined ? [] : [`cluster ${cluster}`]),
  ...(subject === undefined ? [] : [`subject ${set}/${subject}`]),
]

/** The name a row would give its group: such that it stays the same when others join. */
const anchor = ({ id, set, subject, cluster, parent }: Related): string =>
  subject !== undefined
    ? `subject ${set}/${subject}`
    : cluster !== undefined
      ? `cluster ${cluster}`
      : `row ${parent ?? id}`

interface Group {
  readonly rows: ReadonlyArray<Related>
  readonly name: string
  /** Place in the order of drawing. */
  readonly hash: string
  readonly label: string
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const groupsOf = (rows: ReadonlyArray<Related>, seed: number): ReadonlyArray<Group> => {
  const sets = unionFind(rows.length)
  const first = new Map<string, number>()
  rows.forEach((row, i) => {
    for (const tie of ties(row)) {
      const other = first.get(tie)
      if (other === undefined) first.set(tie, i)
      else sets.union(other, i)
    }
  })
  return sets.sets(1).map((members) => {
    const group = members.map((i) => rows[i])
    const name = group.map(anchor).reduce((a, b) => (a < b ? a : b))
    const counts = new Map<string, number>()
    for (const { label = "" } of group) counts.set(label, (counts.get(label) ?? 0) + 1)
    const [[label]] = [...counts].sort((a, b) => b[1] - a[1] || compare(a[0], b[0]))
    return { rows: group, name, hash: digestOf(`split ${seed} ${name}`), label }
  })
}

const guarded: ReadonlyArray<Split> = ["test", "val", "train"]

/**
 * Divides rows into train, val and test. Rows of one person (of one set), of one cluster of duplicates, of one parent
 * picture or with equal bytes form a group, and a group is never divided. Within each label (that of most rows of
 * the group) groups are drawn by a hash of their name and the seed, and cut where the fractions say by the number of
 * rows: a group more or less shifts the cuts by its size, and moves at most a few groups next to them.
 */
export const assign = (rows: ReadonlyArray<Related>, options: AssignOptions): Assignment => {
  const { train, val, seed, given } = options
  const splits = new Map<string, Split>()
  const free = new Map<string, Array<Group>>()
  let conflicts = 0
  const groups = groupsOf(rows, seed)
  const put = (group: Group, split: Split): void => {
    for (const { id } of group.rows) splits.set(id, split)
  }
  for (const group of groups) {
    const stated = new Set(
      group.rows.flatMap(({ givenSplit }) =>
        givenSplit !== undefined && Object.hasOwn(given, givenSplit) ? [given[givenSplit]] : [],
      ),
    )
    if (stated.size > 1) conflicts++
    const split = guarded.find((split) => stated.has(split))
    if (split !== undefined) put(group, split)
    else {
      const stratum = free.get(group.label)
      if (stratum === undefined) free.set(group.label, [group])
      else stratum.push(group)
    }
  }
  for (const stratum of free.values()) {
    stratum.sort((a, b) => compare(a.hash, b.hash) || compare(a.name, b.name))
    const total = stratum.reduce((sum, group) => sum + group.rows.length, 0)
    let before = 0
    for (const group of stratum) {
      const middle = (before + group.rows.length / 2) / total
      put(group, middle < train ? "train" : middle < train + val ? "val" : "test")
      before += group.rows.length
    }
  }
  return { splits, conflicts, groups: groups.length }
}
