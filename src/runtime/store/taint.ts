import type { NodeTrace } from "../../schema/trace.ts"
import { StoreDamaged } from "./errors.ts"
import type { Forgotten } from "./forgotten.ts"
import { asBuffer, digestsIn } from "./references.ts"
import { unsealed } from "./seal.ts"
import type { OpenStore } from "./store.ts"

/** Rows of a table that are about something forgotten. */
export interface TaintedTable {
  readonly node: string
  readonly port: string
  readonly uses: string
  readonly rows: number
  /** How many by split, where the rows have one. */
  readonly splits: Readonly<Record<string, number>>
}

/** A result that holds, or rests on, something forgotten. */
export interface TaintedResult {
  readonly seq: number
  readonly pipeline: string
  readonly node: string
  readonly uses: string
  readonly key: string
  readonly run: string
  /** Whether the thing itself is in it; else it was made of such a result. */
  readonly holds: boolean
  /** Outputs that are no tables: models, figures, pages. */
  readonly artifacts: ReadonlyArray<{ readonly port: string; readonly type: string }>
}

/** Everything in a store that rests on what is to be forgotten. */
export interface Taint {
  readonly results: ReadonlyArray<TaintedResult>
  readonly tables: ReadonlyArray<TaintedTable>
  /** Addresses and pictures of the rows as they were fetched or imported: other names of the same thing. */
  readonly addresses: ReadonlySet<string>
  readonly pictures: ReadonlySet<string>
  /** Pictures and perceptual hashes of all rows found, also of what was made of them. */
  readonly derived: ReadonlySet<string>
  readonly hashes: ReadonlySet<string>
  readonly chunks: ReadonlySet<string>
}

interface FoundRow {
  readonly id: string
  readonly parent?: unknown
  readonly sample?: unknown
  readonly split?: unknown
  readonly phash?: unknown
  readonly image?: { readonly $blob?: unknown }
  readonly source?: { readonly kind?: unknown; readonly url?: unknown }
}

/**
 * Goes through the results of a store, upstream first: rows that match, rows made of those (by id, `parent`,
 * `sample`), and whatever was computed from a table that holds one.
 */
export const findTaint = (store: OpenStore, forgotten: Forgotten): Taint => {
  const search = new Search(store, forgotten)
  const rows = store.db
    .prepare("SELECT seq, key, at, record, seal FROM traces WHERE invalid = 0 ORDER BY seq")
    .iterate()
  for (const row of rows) {
    const trace = unsealed<NodeTrace>(row, row["record"])
    if (trace !== undefined) search.result(Number(row["seq"]), trace)
  }
  return search.found()
}

class Search {
  readonly #store: OpenStore
  readonly #forgotten: Forgotten
  readonly #results: Array<TaintedResult> = []
  readonly #tables = new Map<string, TaintedTable>()
  readonly #addresses = new Set<string>()
  readonly #pictures = new Set<string>()
  readonly #derived = new Set<string>()
  readonly #hashes = new Set<string>()
  readonly #ids = new Set<string>()
  readonly #outputs = new Set<string>()
  /** Rows found in a chunk, by its digest and the number of ids known when it was read. */
  readonly #chunks = new Map<string, { readonly ids: number; readonly rows: ReadonlyArray<FoundRow> }>()

  constructor(store: OpenStore, forgotten: Forgotten) {
    this.#store = store
    this.#forgotten = forgotten
  }

  result(seq: number, trace: NodeTrace): void {
    const rests = Object.values(trace.inputs).some((refs) =>
      refs.some(({ digest }) => this.#outputs.has(digest)),
    )
    const isSource = Object.keys(trace.inputs).length === 0
    const holding = new Map<string, boolean>()
    for (const [port, { digest, rows }] of Object.entries(trace.outputs)) {
      if (rows === undefined) {
        holding.set(port, this.#names(digest))
        continue
      }
      const found = this.#rowsOf(digest)
      holding.set(port, found.length > 0)
      if (found.length > 0) this.#note(trace, port, found, isSource)
    }
    const holds = [...holding.values()].includes(true)
    if (!holds && !rests) return
    this.#results.push({
      seq,
      pipeline: trace.pipeline,
      node: trace.node,
      uses: trace.uses,
      key: trace.key,
      run: trace.run,
      holds,
      artifacts: Object.entries(trace.outputs).flatMap(([port, { rows, type }]) =>
        rows === undefined ? [{ port, type }] : [],
      ),
    })
    for (const [port, { digest, rows }] of Object.entries(trace.outputs)) {
      // Rows of a mapping node depend on their own items alone: a table of it without the row has nothing of it.
      const untouched = trace.items !== undefined && rows !== undefined && holding.get(port) === false
      // All empty tables are one artifact.
      if (!untouched && rows !== 0) this.#outputs.add(digest)
    }
  }

  found(): Taint {
    return {
      results: this.#results,
      tables: [...this.#tables.values()],
      addresses: this.#addresses,
      pictures: this.#pictures,
      derived: this.#derived,
      hashes: this.#hashes,
      chunks: new Set([...this.#chunks].flatMap(([digest, { rows }]) => (rows.length > 0 ? [digest] : []))),
    }
  }

  #note({ node, uses }: NodeTrace, port: string, rows: ReadonlyArray<FoundRow>, isSource: boolean): void {
    const splits: Record<string, number> = {}
    for (const { id, split, image, phash, source } of rows) {
      this.#ids.add(id)
      if (typeof split === "string") splits[split] = (splits[split] ?? 0) + 1
      if (typeof phash === "string") this.#hashes.add(phash)
      if (typeof image?.$blob === "string") {
        this.#derived.add(image.$blob)
        if (isSource) this.#pictures.add(image.$blob)
      }
      // A row of a file is named by its place in it, where another row may be tomorrow.
      if (isSource && source?.kind !== "file" && typeof source?.url === "string")
        this.#addresses.add(source.url)
    }
    this.#tables.set(`${node} ${port}`, { node, port, uses, rows: rows.length, splits })
  }

  #rowsOf(table: string): ReadonlyArray<FoundRow> {
    const manifest = this.#text(table)
    return manifest === undefined ? [] : digestsIn(manifest).flatMap((chunk) => this.#rowsOfChunk(chunk))
  }

  #rowsOfChunk(chunk: string): ReadonlyArray<FoundRow> {
    const known = this.#chunks.get(chunk)
    if (known?.ids === this.#ids.size) return known.rows
    if (this.#ids.size === 0 && this.#store.forgotten.isKnown(chunk, this.#forgotten)) return []
    const text = this.#text(chunk)
    const may = text !== undefined && (this.#forgotten.text(text) || this.#namesId(text))
    const rows = may
      ? text
          .toString("utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as FoundRow)
          .filter((row) => this.#forgotten.row(row) || this.#isFamily(row))
      : []
    this.#chunks.set(chunk, { ids: this.#ids.size, rows })
    return rows
  }

  #isFamily({ id, parent, sample }: FoundRow): boolean {
    return [id, parent, sample].some((name) => typeof name === "string" && this.#ids.has(name))
  }

  #namesId(text: Buffer): boolean {
    for (const id of this.#ids) if (text.includes(JSON.stringify(id))) return true
    return false
  }

  #names(digest: string): boolean {
    if (this.#store.forgotten.isKnown(digest, this.#forgotten)) return false
    const text = this.#text(digest)
    return text !== undefined && this.#forgotten.text(text)
  }

  #text(digest: string): Buffer | undefined {
    try {
      return asBuffer(this.#store.blobs.get(digest))
    } catch (error) {
      if (error instanceof StoreDamaged) return undefined
      throw error
    }
  }
}
