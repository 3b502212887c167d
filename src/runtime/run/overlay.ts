import type { Row } from "../plan/items.ts"
import type { ItemResult } from "../store/traces.ts"

/**
 * Lays what an implementation made over its item: `{...item, ...patch}`, a field `null` removes. One result keeps
 * the item's id; of several, the k-th gets `id#k` and `parent`, unless it brings its own.
 */
export const overlay = (item: Row, result: ItemResult): ReadonlyArray<Row> =>
  result.rows.map((patch, index) => {
    const row: Record<string, unknown> = { ...item, ...patch }
    for (const [field, value] of Object.entries(row))
      if (value === null || value === undefined) delete row[field]
    if (typeof patch["id"] !== "string" && result.rows.length > 1) row["id"] = `${item.id}#${index}`
    if (row["id"] !== item.id && typeof patch["parent"] !== "string") row["parent"] = item.id
    return row as Row
  })

/** The rejects of an item, with what they left out taken from it. */
export const rejectsOf = (item: Row, result: ItemResult): ReadonlyArray<Row> =>
  result.rejected.map((reject, index) => {
    const source = item["source"] as { readonly url?: string } | undefined
    const own = typeof reject["id"] === "string" && reject["id"] !== ""
    return {
      ...(item["image"] === undefined ? {} : { image: item["image"] }),
      ...(item["label"] === undefined ? {} : { label: item["label"] }),
      ...(source?.url === undefined ? {} : { url: source.url }),
      ...reject,
      id: own ? (reject["id"] as string) : result.rejected.length > 1 ? `${item.id}!${index}` : item.id,
    }
  })

/** The reject of an item whose implementation failed. */
export const failedReject = (item: Row, error: string): Row =>
  rejectsOf(item, { rows: [], rejected: [{ reason: "failed", detail: error }] })[0]
