import { DatabaseSync } from "node:sqlite"

/** Characters of rows that are sorted in memory; more goes to a temporary file. */
const IN_MEMORY = 64 << 20

export interface SortableRow {
  readonly id: string
  readonly line: string
}

/** Two rows of a table have one id, which would make the table ambiguous. */
export const duplicateId = (id: string): Error =>
  new Error(`two rows of the table have the id ${JSON.stringify(id)}`)

/** Order of rows: by id, by UTF-16 code units, the same on every machine. */
export const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0

/** An id as bytes that compare as its code units do. */
const sortKey = (id: string): Uint8Array => Buffer.from(id, "utf16le").swap16()

/** Sorts any number of rows by their ids in bounded memory. */
export class RowSorter {
  #rows: Array<SortableRow> = []
  #text = 0
  #spilled: DatabaseSync | undefined
  readonly #inMemory: number

  constructor(inMemory = IN_MEMORY) {
    this.#inMemory = inMemory
  }

  add(row: SortableRow): void {
    this.#rows.push(row)
    this.#text += row.line.length
    if (this.#text >= this.#inMemory) this.#spill()
  }

  /** The rows in order; throws where an id is there twice. Can be called once. */
  *sorted(): Generator<SortableRow> {
    if (this.#spilled === undefined) {
      const rows = this.#rows.sort(byId)
      for (let i = 1; i < rows.length; i++) if (rows[i - 1].id === rows[i].id) throw duplicateId(rows[i].id)
      yield* rows
      return
    }
    try {
      this.#spill()
      for (const { id, line } of this.#spilled.prepare("SELECT id, line FROM rows ORDER BY key").iterate())
        yield { id: id as string, line: line as string }
    } finally {
      this.#spilled.close()
    }
  }

  #spill(): void {
    if (this.#spilled === undefined) {
      // A database without a name is a temporary file that goes with its connection.
      this.#spilled = new DatabaseSync("")
      this.#spilled.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536")
      this.#spilled.exec("CREATE TABLE rows (key BLOB PRIMARY KEY, id TEXT, line TEXT) WITHOUT ROWID")
    }
    const insert = this.#spilled.prepare("INSERT OR IGNORE INTO rows (key, id, line) VALUES (?, ?, ?)")
    this.#spilled.exec("BEGIN")
    for (const { id, line } of this.#rows.sort(byId))
      if (insert.run(sortKey(id), id, line).changes === 0) throw duplicateId(id)
    this.#spilled.exec("COMMIT")
    this.#rows = []
    this.#text = 0
  }
}
