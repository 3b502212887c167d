import type { RunFunction } from "../../runtime/node.ts"
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

const run = async ({
  inputs: { sets },
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const counts: Record<string, Awaited<ReturnType<typeof countSet>>> = {}
  for (const [k, { node, value }] of sets.entries())
    counts[node in counts ? `${node}.${k}` : node] = await countSet(value.stream())
  return { counts }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
