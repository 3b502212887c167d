import type { TableHandle } from "../../../runtime/handles.ts"
import type { Sample } from "../../../schema/sample.ts"
import type { Cluster } from "../../image/dedupe.ts"
import type { DuplicateCluster, Duplicates, Shown } from "../data.ts"
import { best, Tally } from "./pick.ts"
import { type MakeThumb } from "./thumbs.ts"
import { shownOf } from "./shown.ts"
import { rowsOf } from "./rows.ts"

const MEMBERS = 6

interface Group {
  readonly id: string
  readonly rows: Array<Sample>
}

/**
 * Clusters of duplicates with what was taken out; the largest ones are shown with the picture that was kept.
 * @param duplicates rows taken out, with `cluster`
 * @param kept where the kept ones are found by id: whole pictures, or faces where those were compared
 */
export const gatherDuplicates = async (
  duplicates: TableHandle<Sample>,
  clusters: TableHandle<Cluster> | undefined,
  kept: {
    readonly pictures: TableHandle<Sample> | undefined
    readonly faces: TableHandle<Sample> | undefined
  },
  limit: number,
  thumb: MakeThumb,
): Promise<Duplicates> => {
  const groups = new Map<string, Group>()
  let dropped = 0
  for await (const row of duplicates.stream()) {
    dropped++
    if (row.cluster === undefined) continue
    const group = groups.get(row.cluster) ?? { id: row.cluster, rows: [] }
    group.rows.push(row)
    groups.set(row.cluster, group)
  }
  const known = new Map<string, Cluster>()
  const outcomes = new Tally()
  for await (const row of rowsOf(clusters)) {
    known.set(row.id, row)
    outcomes.add(row.outcome)
  }
  const largest = best<Group>(limit)
  for (const group of groups.values()) largest.add(group.rows.length, group.id, group)
  const chosen = largest.done()
  const wanted = new Set(chosen.map((group) => group.id))
  const originals = new Map<string, Sample>()
  const cut = chosen.some((group) => group.rows.some((row) => row.face?.crop === true))
  const order = cut ? [kept.pictures, kept.faces] : [kept.faces, kept.pictures]
  for (const table of order)
    for await (const row of rowsOf(table)) if (wanted.has(row.id)) originals.set(row.id, row)
  const show = async (row: Sample): Promise<ReadonlyArray<Shown>> => {
    const shown = await shownOf(row, thumb)
    return shown === undefined ? [] : [shown]
  }
  const shown: Array<DuplicateCluster> = []
  for (const { id, rows } of chosen) {
    const original = originals.get(id)
    const cluster = known.get(id)
    const members = rows.filter((row) => row.id !== id)
    const own = rows.find((row) => row.id === id)
    const pictures: Array<Shown> = []
    for (const row of (own === undefined ? members : [own, ...members]).slice(0, MEMBERS))
      pictures.push(...(await show(row)))
    const [first] = original === undefined ? [] : await show(original)
    shown.push({
      ...(first === undefined ? {} : { kept: first }),
      dropped: pictures,
      size: rows.length + (original === undefined ? 0 : 1),
      ...(cluster === undefined ? {} : { kind: cluster.kind, outcome: cluster.outcome }),
      labels: cluster?.labels ?? [...new Set(rows.flatMap((row) => row.label ?? []))].toSorted(),
    })
  }
  return {
    dropped,
    clusters: Math.max(known.size, groups.size),
    byOutcome: Object.fromEntries(outcomes.entries()),
    shown,
  }
}
