import { existsSync, readFileSync, statSync } from "node:fs"
import { digestOf, type Digest } from "../../schema/digest.ts"
import type { OpenStore } from "../store/store.ts"
import { inJson, rowsWith, type AnyRow, type Found, type TablePlace } from "./scan.ts"

/** What was found of a sample. */
export interface Family {
  /** Ids of the sample, of what it was made of and of what was made of it; not of what else its ancestors gave. */
  readonly ids: ReadonlySet<string>
  /** Their rows in every table, and rows that name them: rejects, clusters, predictions; upstream first. */
  readonly rows: ReadonlyArray<Found>
  /** Whether a row is one that the reference itself means. */
  readonly meant: (row: AnyRow) => boolean
}

/** Whether a row is the sample itself, and not something said about it (a reject, a cluster, a prediction). */
export const isSample = (row: AnyRow): boolean =>
  row.image !== undefined && row.reason === undefined && row.sample === undefined

/**
 * Finds a sample by its id, the digest (or its beginning, 8 digits at least) of its bytes, its URL or page, or a file
 * on disk, in all tables. Tables stream: what is kept in memory is what was found. Undefined when nothing matches.
 */
export const findFamily = async (
  store: OpenStore,
  tables: ReadonlyArray<TablePlace>,
  ref: string,
): Promise<Family | undefined> => {
  const digest = digestMeant(ref)
  const meant = (row: AnyRow): boolean =>
    row.id === ref ||
    row.source?.url === ref ||
    row.source?.page === ref ||
    row.url === ref ||
    (digest !== undefined && row.image?.$blob.startsWith(digest) === true)
  const search = new Search(store, tables)
  search.want("ref", quoted(ref), 0)
  if (digest !== undefined) search.want("digest", `"$blob":"${digest}`, 0)
  const ids = new Set<string>()
  const ancestors = new Set<string>()
  const add = (set: Set<string>, id: string, from: number): void => {
    if (set.has(id)) return
    set.add(id)
    search.want(`id ${id}`, quoted(id), from)
    // Several rejects of one item are told apart by `!0`, `!1` …
    search.want(`reject ${id}`, `"${inJson(id)}!`, from)
  }
  const rows = new Map<string, Found & { readonly at: number }>()
  await search.run((row, at) => {
    if (isSample(row)) {
      if (meant(row)) add(ids, row.id, 0)
      else if (row.parent !== undefined && ids.has(row.parent)) add(ids, row.id, at)
      else if (!ids.has(row.id) && !ancestors.has(row.id)) return
      if (row.parent !== undefined && !ids.has(row.parent)) add(ancestors, row.parent, 0)
    } else if (meant(row)) add(ids, row.sample ?? baseOf(row), 0)
    const { trace, port } = tables[at]
    rows.set(`${at} ${row.id}`, { trace, port, row, at })
  })
  if (ids.size === 0) return undefined
  const all = new Set([...ids, ...ancestors])
  const kept = [...rows.values()].filter(({ row }) => isSample(row) || names(row, all))
  return { ids: all, rows: kept.sort((a, b) => a.at - b.at || (a.row.id < b.row.id ? -1 : 1)), meant }
}

/** The item a reject is of. */
const baseOf = (row: AnyRow): string => (row.reason === undefined ? row.id : row.id.replace(/!\d+$/u, ""))

const quoted = (text: string): string => `"${inJson(text)}"`

/** Whether a row that is no sample speaks of one of the ids; a reject speaks of its own item, whatever its detail. */
const names = (row: AnyRow, ids: ReadonlySet<string>): boolean => {
  const found = (value: unknown): boolean => {
    if (typeof value === "string") return ids.has(value)
    return typeof value === "object" && value !== null && Object.values(value).some(found)
  }
  return ids.has(baseOf(row)) || (row.reason === undefined && found(row))
}

const digestMeant = (ref: string): string | undefined => {
  if (/^[0-9a-f]{8,64}$/u.test(ref)) return ref
  if (ref.includes("://") || !existsSync(ref) || !statSync(ref).isFile()) return undefined
  return digestOf(readFileSync(ref))
}

/**
 * Looks for texts in tables until nothing new is wanted. A text wanted while tables are searched is searched for
 * from the table `from` on, so that each table is read about once, however many relatives come to light.
 */
class Search {
  readonly #store: OpenStore
  readonly #tables: ReadonlyArray<TablePlace>
  readonly #wanted = new Map<string, { readonly text: string; readonly from: number }>()
  readonly #searched: ReadonlyArray<Set<string>>
  /** By what was searched for, chunks without it: tables of one pipeline share many. */
  readonly #passed = new Map<string, Set<Digest>>()

  constructor(store: OpenStore, tables: ReadonlyArray<TablePlace>) {
    this.#store = store
    this.#tables = tables
    this.#searched = tables.map(() => new Set())
  }

  want(name: string, text: string, from: number): void {
    this.#wanted.set(name, { text, from: Math.min(from, this.#wanted.get(name)?.from ?? from) })
  }

  async run(each: (row: AnyRow, table: number) => void): Promise<void> {
    for (let more = true; more;) {
      more = false
      for (const [at, { digest }] of this.#tables.entries()) {
        const open = [...this.#wanted].filter(
          ([name, { from }]) => from <= at && !this.#searched[at].has(name),
        )
        if (open.length === 0) continue
        more = true
        for (const [name] of open) this.#searched[at].add(name)
        const texts = [...new Set(open.map(([, { text }]) => text))]
        const all = texts.join("\n")
        const passed = this.#passed.get(all) ?? new Set<Digest>()
        this.#passed.set(all, passed)
        for await (const row of rowsWith(this.#store, digest, texts, passed)) each(row, at)
      }
    }
  }
}
