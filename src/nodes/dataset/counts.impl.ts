import type { TableHandle } from "../../runtime/handles.ts"
import type { Recall, RunFunction } from "../../runtime/node.ts"
import type { Sample } from "../../schema/sample.ts"
import type { inputs, outputs, Params } from "./counts.ts"

type Counts = Record<string, number>
const add = (counts: Counts, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1
}

/** What a set is made of. A picture without a label, split … counts as "none". */
export const countSet = async (rows: AsyncIterable<Sample> | Iterable<Sample>) => {
  const counts = {
    total: 0,
    generated: 0,
    labels: {} as Counts,
    splits: {} as Record<string, Counts>,
    sets: {} as Counts,
    queries: {} as Record<string, Counts>,
    licences: {} as Counts,
    copies: { original: 0, resampled: 0, augmented: 0 },
  }
  for await (const { label = "none", split = "none", set, source, licence, copy } of rows) {
    counts.total++
    if (source.generated === true) counts.generated++
    add(counts.labels, label)
    add((counts.splits[split] ??= {}), label)
    add(counts.sets, set)
    if (source.query !== undefined) add((counts.queries[label] ??= {}), source.query)
    add(counts.licences, licence?.name ?? "none")
    counts.copies[copy?.kind ?? "original"]++
  }
  return counts
}

type SetCounts = Awaited<ReturnType<typeof countSet>>
type Tree = number | { readonly [key: string]: Tree }

/** The sum of two counts, number by number. */
const plus = (a: Tree | undefined, b: Tree | undefined): Tree => {
  if (a === undefined || typeof a === "number")
    return b === undefined ? (a ?? 0) : typeof b === "number" ? (a ?? 0) + b : b
  if (b === undefined || typeof b === "number") return a
  return Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, plus(a[key], b[key])]),
  )
}

/** Counts a table chunk by chunk; a chunk that was counted before is not read. */
const countTable = async (table: TableHandle<Sample>, recall: Recall): Promise<SetCounts> => {
  let counts: SetCounts = await countSet([])
  for (const { digest, rows } of table.chunks()) {
    const known = recall.get("counts", digest)
    const part = known === undefined ? await countSet(rows()) : (known as unknown as SetCounts)
    if (known === undefined) recall.put("counts", digest, part)
    counts = plus(counts, part) as unknown as SetCounts
  }
  return counts
}

const run = async ({
  inputs: { sets },
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const counts: Record<string, Awaited<ReturnType<typeof countSet>>> = {}
  for (const [k, { node, value }] of sets.entries())
    counts[node in counts ? `${node}.${k}` : node] = await countTable(value, context.recall)
  return { counts }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
