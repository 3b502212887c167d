import { reasonText } from "../plan/reason.ts"
import type { OpenStore } from "../store/store.ts"
import type { NodeChange, OutputChange, RunDiff } from "./diff.ts"
import type { AnyRow } from "./scan.ts"
import { diffTables, type ChangeKind, type RowChange } from "./table-diff.ts"

/** How many rows of a table are what. */
export type RowCounts = Readonly<Record<ChangeKind, number>>

/** Counts changes as they pass. */
export class RowCounter {
  readonly #counts: Record<ChangeKind, number> = { added: 0, removed: 0, relabelled: 0, moved: 0, changed: 0 }

  count({ kinds }: RowChange): void {
    for (const kind of kinds) this.#counts[kind]++
  }

  get counts(): RowCounts {
    return this.#counts
  }
}

/** A row in what is told of it: enough to find it and to see what it is to a model. */
const told = (row: AnyRow) => ({
  ...(row.label === undefined ? {} : { label: row.label }),
  ...(row.split === undefined ? {} : { split: row.split }),
  ...(row.reason === undefined ? {} : { reason: row.reason }),
  ...(row.image === undefined ? {} : { digest: row.image.$blob }),
  ...(row.source === undefined ? {} : { source: row.source }),
})

const changeJson = ({ id, kinds, before, after, fields }: RowChange) =>
  before !== undefined && after !== undefined
    ? {
        id,
        kinds,
        fields: Object.fromEntries(
          fields.map((field) => [field, { before: before[field] ?? null, after: after[field] ?? null }]),
        ),
        ...(after.source === undefined ? {} : { source: after.source }),
      }
    : { id, kinds, ...told((after ?? before)!) }

/**
 * A comparison of two runs as JSON text, with every row that is another; the rows stream:
 * `{before, after, nodes: [{id, uses, change, status, why, reasons, own, outputs: [{port, …, changes: [], rows: {}}]}]}`.
 */
export async function* diffJson(store: OpenStore, { before, after, nodes }: RunDiff): AsyncGenerator<string> {
  yield `{\n  "before": ${JSON.stringify(before.id)},\n  "after": ${JSON.stringify(after.id)},\n  "nodes": [`
  for (const [i, node] of nodes.entries()) {
    yield i === 0 ? "\n" : ",\n"
    yield* nodeJson(store, node)
  }
  yield `${nodes.length === 0 ? "" : "\n  "}]\n}\n`
}

async function* nodeJson(store: OpenStore, { outputs, ...node }: NodeChange): AsyncGenerator<string> {
  const head = JSON.stringify({ ...node, reasons: node.why.map(reasonText) })
  yield `    ${head.slice(0, -1)},"outputs":[`
  for (const [i, output] of outputs.entries()) {
    if (i > 0) yield ","
    yield* outputJson(store, output)
  }
  yield "]}"
}

async function* outputJson(
  store: OpenStore,
  { comparable, ...output }: OutputChange,
): AsyncGenerator<string> {
  const head = JSON.stringify(output)
  if (!comparable || output.before === undefined || output.after === undefined) return yield head
  yield `${head.slice(0, -1)},"changes":[`
  const { counts, changes } = diffTables(store, output.before.digest, output.after.digest)
  const counter = new RowCounter()
  let any = false
  for await (const change of changes) {
    counter.count(change)
    yield `${any ? ",\n" : "\n"}      ${JSON.stringify(changeJson(change))}`
    any = true
  }
  yield `],"rows":${JSON.stringify({ ...counter.counts, ...counts })}}`
}
