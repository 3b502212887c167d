import type { Digest } from "../../schema/digest.ts"
import { canonical } from "../../schema/json.ts"
import type { Row } from "../plan/items.ts"
import type { Entry } from "../plan/pieces.ts"
import { Chunker, idOfLine } from "../store/chunker.ts"
import { byId, duplicateId, type SortableRow } from "../store/row-sorter.ts"
import type { ChunkResult, ItemResult, Kept } from "../store/traces.ts"
import { checkRow, outputType } from "./outputs.ts"
import { failedReject, overlay, rejectsOf } from "./overlay.ts"
import type { NodeRun } from "./compute-node.ts"

/** How an item ended: its result and since when it is there, or what went wrong. */
export type Outcome =
  | ({ readonly ok: true } & Kept<ItemResult>)
  | { readonly ok: false; readonly error: string }

interface Port {
  readonly port: string
  readonly type: string
}

/** Rows of a port in the order of their items, and how many each item gave. */
class PortRows {
  readonly #rows: Array<SortableRow> = []
  readonly #shape: Array<number> = []
  #ordered = true

  add(given: ReadonlyArray<SortableRow>): void {
    for (const row of given) {
      const before = this.#rows.at(-1)
      if (before !== undefined && before.id > row.id) this.#ordered = false
      this.#rows.push(row)
    }
    const at = this.#shape.length - 2
    if (this.#shape[at] === given.length) this.#shape[at + 1]++
    else this.#shape.push(given.length, 1)
  }

  get shape(): ReadonlyArray<number> | undefined {
    return this.#ordered ? this.#shape : undefined
  }

  inOrder(): ReadonlyArray<SortableRow> {
    return this.#ordered ? this.#rows : this.#rows.sort(byId)
  }
}

/** Lays results over the rows of a piece, and cuts what comes of it into chunks. */
export const pieceWriter = (run: NodeRun) => {
  const { node, store } = run
  const map = node.definition.map!
  const [main] = Object.keys(node.definition.outputs) as [string]
  const { name, requires } = node.outputs[main]
  const artifact = outputType(node.definition, main)
  const ports: ReadonlyArray<Port> = [
    { port: main, type: name },
    { port: "rejected", type: "Rejects" },
  ]
  const sortable = (row: Row): SortableRow => ({ id: row.id, line: canonical(row) })
  const rowsOf = (row: Row, outcome: Outcome): Readonly<Record<string, ReadonlyArray<SortableRow>>> => {
    if (!outcome.ok) return { [main]: [], rejected: [sortable(failedReject(row, outcome.error))] }
    const result = store.forgotten.without(outcome.result)
    const rows = map.over === undefined ? (result.rows as ReadonlyArray<Row>) : overlay(row, result)
    for (const one of rows) checkRow(artifact, requires, one, `${node.uses}.${main}`)
    return { [main]: rows.map(sortable), rejected: rejectsOf(row, result).map(sortable) }
  }

  /** The result of a piece; kept under its key where no item failed. */
  const write = (
    key: Digest | undefined,
    entries: ReadonlyArray<Entry>,
    known: ReadonlyMap<Digest, Outcome>,
  ): ChunkResult => {
    const rows = new Map(ports.map(({ port }) => [port, new PortRows()]))
    let oldest = Number.POSITIVE_INFINITY
    let whole = true
    for (const entry of entries) {
      if (entry.kind === "as-before") {
        const { at, lines } = entry.earlier
        for (const [port, given] of rows)
          given.add((lines[port] ?? []).map((line) => ({ id: idOfLine(line), line })))
        oldest = Math.min(oldest, at)
        continue
      }
      const outcome = known.get(entry.item.key)!
      const gave = rowsOf(entry.item.row, outcome)
      for (const [port, given] of rows) given.add(gave[port] ?? [])
      if (outcome.ok) oldest = Math.min(oldest, outcome.at)
      else whole = false
    }
    const cut = (given: PortRows) => {
      const chunker = new Chunker(store.blobs)
      for (const { id, line } of given.inOrder()) {
        if (id === chunker.last) throw duplicateId(id)
        chunker.row(id, line)
      }
      return chunker.end()
    }
    const shapes = [...rows].map(([port, given]) => [port, given.shape] as const)
    const result: ChunkResult = {
      items: entries.length,
      ...store.forgotten.mark,
      ports: Object.fromEntries([...rows].map(([port, given]) => [port, cut(given)])),
      ...(shapes.every(([, shape]) => shape !== undefined)
        ? { shape: Object.fromEntries(shapes) as Readonly<Record<string, ReadonlyArray<number>>> }
        : {}),
    }
    if (whole && key !== undefined) store.traces.addChunk(key, result, oldest)
    return result
  }
  return { ports, write }
}
