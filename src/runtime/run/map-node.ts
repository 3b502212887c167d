import * as Effect from "effect/Effect"
import type { Digest } from "../../schema/digest.ts"
import type { ItemCounts } from "../../schema/trace.ts"
import type { Decision } from "../plan/decide.ts"
import type { Item } from "../plan/items.ts"
import { workOf, type Entry, type Piece } from "../plan/pieces.ts"
import { storeFailure } from "../store/errors.ts"
import { storeTry } from "../store/store.ts"
import { TableWriter } from "../store/tables.ts"
import type { ItemResult, Kept } from "../store/traces.ts"
import { computeItems } from "./compute-items.ts"
import { TaskFailed } from "./executor.ts"
import { pieceWriter, type Outcome } from "./piece.ts"
import type { NodeRun } from "./compute-node.ts"

type ToRun = Extract<Decision, { action: "run" }>

/** Pieces are taken until so many items are to be computed, or so many rows are held; then those are computed. */
const ITEMS_AT_ONCE = 4096
const ROWS_AT_ONCE = 32_768

/** Pieces whose items are computed together, with what is known of them. */
interface Section {
  readonly pieces: ReadonlyArray<{ readonly piece: Piece; readonly entries: ReadonlyArray<Entry> }>
  readonly known: Map<Digest, Outcome>
  readonly todo: ReadonlyArray<Item>
}

/**
 * Runs a mapping node: only items without a result are computed, each result is kept as soon as it is there, and
 * the outputs are written piece by piece, so that memory holds one section however many items there are.
 */
export const runMapNode = Effect.fnUntraced(function* (run: NodeRun, decision: ToRun) {
  const { store, node } = run
  const { previous, record, itemsSince: since } = decision
  const reading = `read the items of ${node.id}`
  const work = yield* storeTry(reading, () => workOf({ store, node, record, since, previous }))
  const { total } = work
  const sections = sectionsOf(work.pieces(), (key) => store.traces.item(key, since))
  const writer = pieceWriter(run)
  const tables = new Map(writer.ports.map(({ port }) => [port, new TableWriter(store.blobs)]))
  let [started, done, ran, failed, firstFailure] = [false, 0, 0, 0, ""]
  for (;;) {
    const next = yield* storeTry(reading, () => sections.next())
    const { pieces, known, todo } = next.value ?? { pieces: [], known: new Map(), todo: [] }
    const rows = pieces.reduce((sum, { piece }) => sum + piece.items, 0)
    // How many are cached is known at the start where all were looked at; else at the end.
    if (!started) run.started(rows === total ? { total, cached: total - todo.length } : { total })
    started = true
    if (next.done === true) break
    done += rows - todo.length
    run.hooks.progress(done, total)
    yield* computeItems(run, todo, (item, outcome) => {
      known.set(item.key, outcome)
      if (outcome.ok) ran++
      else {
        failed++
        firstFailure ||= outcome.error
      }
      run.hooks.progress(++done, total)
    })
    yield* Effect.try({
      try: () => {
        for (const { piece, entries } of pieces) {
          const result = piece.kind === "kept" ? piece.kept.result : writer.write(piece.key, entries, known)
          for (const [port, table] of tables) table.run(result.ports[port] ?? { chunks: [], open: false })
        }
        store.publish()
      },
      catch: (cause) => storeFailure(`write the output of ${node.id}`, cause),
    })
  }
  if (total > 0 && failed === total) {
    return yield* new TaskFailed({ message: `every item failed; the first: ${firstFailure}` })
  }
  const items: ItemCounts = { total, cached: total - ran - failed, ran, failed }
  const outputs = yield* storeTry(`write the output of ${node.id}`, () =>
    Object.fromEntries(writer.ports.map(({ port, type }) => [port, tables.get(port)!.end(type)])),
  )
  return { outputs, items, changes: work.changes() }
})

/** Takes pieces together until there is enough to compute. Items of one key are computed once. */
function* sectionsOf(
  pieces: Iterable<Piece>,
  lookUp: (key: Digest) => Kept<ItemResult> | undefined,
): Generator<Section, undefined> {
  let section = emptySection()
  let held = 0
  for (const piece of pieces) {
    const entries = piece.kind === "kept" ? [] : piece.entries()
    section.pieces.push({ piece, entries })
    held += entries.length
    for (const entry of entries) {
      if (entry.kind !== "item" || section.seen.has(entry.item.key)) continue
      section.seen.add(entry.item.key)
      const kept = lookUp(entry.item.key)
      if (kept === undefined) section.todo.push(entry.item)
      else section.known.set(entry.item.key, { ok: true, ...kept })
    }
    if (section.todo.length < ITEMS_AT_ONCE && held < ROWS_AT_ONCE) continue
    yield section
    section = emptySection()
    held = 0
  }
  if (section.pieces.length > 0) yield section
  return undefined
}

const emptySection = () => ({
  pieces: new Array<Section["pieces"][number]>(),
  known: new Map<Digest, Outcome>(),
  todo: new Array<Item>(),
  seen: new Set<Digest>(),
})
