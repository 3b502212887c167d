import type { Sample } from "../../../schema/sample.ts"
import type { Credit } from "../data.ts"

const PAGES = 6

/** Who made the pictures that the page shows, under which licence; the most pictures first. */
export const gatherCredits = (rows: ReadonlyArray<Sample>): ReadonlyArray<Credit> => {
  const groups = new Map<
    string,
    { author: string; licence: string; url?: string; pages: Set<string>; ids: Set<string> }
  >()
  for (const row of rows) {
    const author = row.licence?.author ?? "author not stated"
    const licence = row.licence?.name ?? "licence not stated"
    const key = JSON.stringify([author, licence])
    const group = groups.get(key) ?? {
      author,
      licence,
      ...(row.licence?.url === undefined ? {} : { url: row.licence.url }),
      pages: new Set<string>(),
      ids: new Set<string>(),
    }
    group.ids.add(row.id)
    if (row.source.page !== undefined) group.pages.add(row.source.page)
    groups.set(key, group)
  }
  return [...groups.values()]
    .map(({ author, licence, url, pages, ids }) => ({
      author,
      licence,
      ...(url === undefined ? {} : { licenceUrl: url }),
      pages: [...pages].toSorted().slice(0, PAGES),
      count: ids.size,
    }))
    .toSorted((a, b) => b.count - a.count || (a.author < b.author ? -1 : 1))
}
