import type { TableHandle } from "../../../runtime/handles.ts"
import type { Sample } from "../../../schema/sample.ts"
import type { Shown } from "../data.ts"
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
    ...(row.source.page === undefined ? {} : { page: row.source.page }),
  }
}

/** A few rows of each class, chosen by their ids' digests, and the rows themselves for the credits. */
export const gatherSamples = async (
  table: TableHandle<Sample> | undefined,
  classes: ReadonlyArray<string>,
  perClass: number,
  thumb: MakeThumb,
): Promise<{
  readonly groups: ReadonlyArray<{ readonly label: string; readonly shown: ReadonlyArray<Shown> }>
  readonly rows: ReadonlyArray<Sample>
}> => {
  const chosen = new Map(classes.map((label) => [label, picker<Sample>(perClass)]))
  for await (const row of rowsOf(table))
    if (row.copy === undefined) chosen.get(row.label ?? "")?.add(row.id, row)
  const groups: Array<{ label: string; shown: ReadonlyArray<Shown> }> = []
  const rows: Array<Sample> = []
  for (const [label, pick] of chosen) {
    const shown: Array<Shown> = []
    for (const row of pick.done()) {
      const one = await shownOf(row, thumb)
      if (one === undefined) continue
      shown.push(one)
      rows.push(row)
    }
    if (shown.length > 0) groups.push({ label, shown })
  }
  return { groups, rows }
}
