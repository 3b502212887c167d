import type { TableHandle } from "../../../runtime/handles.ts"
import type { Sample } from "../../../schema/sample.ts"
import type { Shown } from "../data.ts"
import { isGenerated } from "./origins.ts"
import { picker } from "./pick.ts"
import type { MakeThumb } from "./thumbs.ts"
import { rowsOf } from "./rows.ts"

/** A row as it is shown; undefined where its picture cannot be read. */
export const shownOf = async (row: Sample, thumb: MakeThumb): Promise<Shown | undefined> => {
  const picture = await thumb(row.image)
  if (picture === undefined) return undefined
  return {
    thumb: picture,
    label: row.label ?? "no label",
    id: row.id,
    ...(row.source.query === undefined ? {} : { query: row.source.query }),
    ...(row.source.page === undefined || isGenerated(row) ? {} : { page: row.source.page }),
  }
}

/** A few rows of each class, originals only, chosen by the digests of their ids. */
export const gatherSamples = async (
  table: TableHandle<Sample> | undefined,
  classes: ReadonlyArray<string>,
  perClass: number,
  thumb: MakeThumb,
): Promise<ReadonlyArray<{ readonly label: string; readonly shown: ReadonlyArray<Shown> }>> => {
  const chosen = new Map(classes.map((label) => [label, picker<Sample>(perClass)]))
  for await (const row of rowsOf(table))
    if (row.copy === undefined) chosen.get(row.label ?? "")?.add(row.id, row)
  const groups: Array<{ label: string; shown: ReadonlyArray<Shown> }> = []
  for (const [label, pick] of chosen) {
    const shown: Array<Shown> = []
    for (const row of pick.done()) {
      const one = await shownOf(row, thumb)
      if (one !== undefined) shown.push(one)
    }
    if (shown.length > 0) groups.push({ label, shown })
  }
  return groups
}
