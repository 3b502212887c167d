import type { TableHandle } from "../../../runtime/handles.ts"
import type { Named } from "../../../runtime/node.ts"
import type { Reject } from "../../../schema/sample.ts"
import type { RejectStage, Thumb } from "../data.ts"
import { picker, Tally } from "./pick.ts"
import type { MakeThumb } from "./thumbs.ts"

const EXAMPLES = 7

/** What each stage dropped, by reason, with a few pictures of it where they can be shown. */
export const gatherRejects = async (
  tables: ReadonlyArray<Named<TableHandle<Reject>>>,
  thumb: MakeThumb,
): Promise<ReadonlyArray<RejectStage>> => {
  const stages: Array<RejectStage> = []
  for (const { node, value } of tables) {
    const reasons = new Tally()
    // More than are shown: some cannot be decoded, which may be why they were dropped.
    const chosen = picker<Reject>(EXAMPLES * 4)
    for await (const row of value.stream()) {
      reasons.add(row.reason)
      if (row.image !== undefined) chosen.add(row.id, row)
    }
    const examples: Array<{ id: string; thumb: Thumb; reason: string; detail?: string }> = []
    for (const row of chosen.done()) {
      if (examples.length === EXAMPLES || row.image === undefined) break
      const picture = await thumb(row.image)
      if (picture !== undefined)
        examples.push({
          id: row.id,
          thumb: picture,
          reason: row.reason,
          ...(row.detail === undefined ? {} : { detail: row.detail }),
        })
    }
    stages.push({
      stage: node,
      total: reasons.total,
      reasons: reasons.entries().map(([reason, count]) => ({ reason, count })),
      examples,
    })
  }
  return stages
}
