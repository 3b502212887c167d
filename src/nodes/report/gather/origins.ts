import type { TableHandle } from "../../../runtime/handles.ts"
import type { Sample } from "../../../schema/sample.ts"
import type { Generated, Origins } from "../data.ts"
import { Tally } from "./pick.ts"
import { rowsOf } from "./rows.ts"

/** Drawn by a program: its address leads nowhere outside of that program. */
export const isGenerated = (row: Sample): boolean =>
  row.source.generated === true || row.source.kind === "generated"

/** All of it, nothing, or a part. */
export const generatedShare = (drawn: number, all: number): Generated =>
  drawn === 0 ? false : drawn === all ? true : "partly"

/** Two texts as one key; names and queries hold no control characters. */
const pair = (a: string, b: string): string => `${a}\u0000${b}`
const unpair = (key: string): readonly [string, string] => {
  const at = key.indexOf("\u0000")
  return [key.slice(0, at), key.slice(at + 1)]
}

/**
 * Counts found pictures by source, licence and query, and how many faces of each query came through to `kept`.
 * Streams: memory grows with the number of different queries, licences and sets only.
 */
export const gatherOrigins = async (
  found: TableHandle<Sample>,
  kept: TableHandle<Sample> | undefined,
): Promise<Origins> => {
  const sources = new Tally()
  const licences = new Tally()
  const urls = new Map<string, string>()
  const queries = new Tally()
  let all = 0
  let drawn = 0
  for await (const row of found.stream()) {
    all++
    if (isGenerated(row)) drawn++
    sources.add(pair(row.set, row.source.engine ?? row.source.kind))
    const licence = row.licence?.name ?? "not stated"
    licences.add(licence)
    if (row.licence?.url !== undefined && !urls.has(licence)) urls.set(licence, row.licence.url)
    if (row.source.query !== undefined) queries.add(pair(row.label ?? "", row.source.query))
  }
  const through = new Tally()
  for await (const row of rowsOf(kept))
    if (row.source.query !== undefined && row.copy === undefined)
      through.add(pair(row.label ?? "", row.source.query))
  return {
    found: all,
    sources: sources.entries().map(([key, count]) => {
      const [set, engine] = unpair(key)
      return { set, engine, count }
    }),
    licences: licences.entries().map(([name, count]) => {
      const url = urls.get(name)
      return { name, count, ...(url === undefined ? {} : { url }) }
    }),
    yields: queries
      .entries()
      .map(([key, count]) => {
        const [label, query] = unpair(key)
        return { label, query, found: count, kept: through.get(key) }
      })
      .toSorted((a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : a.query < b.query ? -1 : 1)),
    generated: generatedShare(drawn, all),
  }
}
