import type { TableHandle } from "../../../runtime/handles.ts"

/** The rows of a table that may not have been given. */
export async function* rowsOf<Row>(table: TableHandle<Row> | undefined): AsyncIterable<Row> {
  if (table !== undefined) yield* table.stream()
}
