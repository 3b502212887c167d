import type { TableHandle } from "../../../runtime/handles.ts"
import type { Sample } from "../../../schema/sample.ts"
import type { Credit } from "../data.ts"
import { isGenerated } from "./origins.ts"
import { rowsOf } from "./rows.ts"

const PAGES = 12

/** The picture that a face (`id#0`) or a copy (`id~1`) was made of. */
export const pictureOf = (id: string): string => id.replace(/(?:[#~]\d+)+$/, "")

/**
 * Who made the pictures that the page shows, under which licence: by licence, then the most pictures first.
 * @param shown ids of what is shown: pictures, faces or copies
 * @param tables where the pictures are found by id
 */
export const gatherCredits = async (
  shown: Iterable<string>,
  tables: ReadonlyArray<TableHandle<Sample> | undefined>,
): Promise<ReadonlyArray<Credit>> => {
  const wanted = new Set([...shown].map(pictureOf))
  const groups = new Map<
    string,
    { author: string; licence: string; url?: string; rows: Map<string, Sample> }
  >()
  for (const table of tables)
    for await (const row of rowsOf(table)) {
      const id = pictureOf(row.id)
      if (!wanted.has(id) || row.licence === undefined) continue
      const { author = "author not stated", name, url } = row.licence
      const key = `${name}\u0000${author}`
      const group = groups.get(key) ?? {
        author,
        licence: name,
        ...(url === undefined ? {} : { url }),
        rows: new Map<string, Sample>(),
      }
      group.rows.set(id, row)
      groups.set(key, group)
    }
  return [...groups.values()]
    .map(({ author, licence, url, rows }) => ({
      author,
      licence,
      ...(url === undefined ? {} : { licenceUrl: url }),
      pages: [...rows.values()]
        .flatMap((row) => (isGenerated(row) ? [] : (row.source.page ?? [])))
        .toSorted()
        .slice(0, PAGES),
      count: rows.size,
    }))
    .toSorted(
      (a, b) =>
        (a.licence < b.licence ? -1 : a.licence > b.licence ? 1 : 0) ||
        b.count - a.count ||
        (a.author < b.author ? -1 : 1),
    )
}
