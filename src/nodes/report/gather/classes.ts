import type { TableHandle } from "../../../runtime/handles.ts"
import type { Sample } from "../../../schema/sample.ts"
import type { ClassCount } from "../../model/types.ts"
import type { ClassCounts } from "../data.ts"
import { Tally } from "./pick.ts"
import { rowsOf } from "./rows.ts"

/** Rows of each set. */
export const countSets = async (
  table: TableHandle<Sample> | undefined,
): Promise<Readonly<Record<string, number>>> => {
  const counts = new Tally()
  for await (const row of rowsOf(table)) counts.add(row.set)
  return Object.fromEntries(counts.entries())
}

/** Counts rows per class: training rows by kind of copy, rows of other splits apart; rows without a split train. */
export const gatherCounts = async (table: TableHandle<Sample>): Promise<ClassCounts> => {
  const train = new Map<string, { original: number; resampled: number; augmented: number }>()
  const weights = new Map<string, number>()
  const other = new Map<string, number>()
  let rows = 0
  let faces = 0
  for await (const row of table.stream()) {
    rows++
    if (row.face !== undefined) faces++
    const label = row.label ?? "no label"
    if (row.split === "val" || row.split === "test") {
      other.set(label, (other.get(label) ?? 0) + 1)
      continue
    }
    const entry = train.get(label) ?? { original: 0, resampled: 0, augmented: 0 }
    entry[row.copy?.kind ?? "original"]++
    train.set(label, entry)
    weights.set(label, (weights.get(label) ?? 0) + (row.weight ?? 1))
  }
  const size = (count: ClassCount): number => count.original + count.resampled + count.augmented
  return {
    rows,
    faces,
    train: Object.fromEntries(train),
    other: Object.fromEntries(other),
    weight: Object.fromEntries([...train].map(([label, n]) => [label, (weights.get(label) ?? 0) / size(n)])),
  }
}
