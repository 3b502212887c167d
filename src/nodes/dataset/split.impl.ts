import type { RunFunction } from "../../runtime/node.ts"
import { Split, type Sample } from "../../schema/sample.ts"
import { assign } from "./assign.ts"
import type { inputs, outputs, Params } from "./split.ts"

/** Fractions that make no split. */
export class SplitError extends Error {
  readonly _tag = "SplitError"
  override readonly name = "SplitError"
}

const run = async ({
  inputs: { dataset },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const { train, val, given } = params
  // Decimal fractions such as 0.7 + 0.3 come out a little above 1.
  if (train + val > 1 + 1e-9)
    throw new SplitError(`train ${train} and val ${val} make ${train + val}: together they may be 1 at most`)
  const rest = Math.max(0, 1 - train - val) < 1e-9 ? 0 : 1 - train - val
  const rows = await dataset.all()
  const { splits, conflicts, groups } = assign(rows, {
    train,
    val: rest === 0 ? 1 : val,
    seed: params.seed ?? context.seed,
    given,
  })
  const counts: Record<Split, Record<string, number>> = { train: {}, val: {}, test: {} }
  const divided = rows.map((row): Sample => {
    const split = splits.get(row.id)!
    counts[split][row.label] = (counts[split][row.label] ?? 0) + 1
    return { ...row, split }
  })
  const size = (split: Split): number => Object.values(counts[split]).reduce((a, b) => a + b, 0)
  context.log(
    `${rows.length} pictures in ${groups} groups: train ${size("train")}, val ${size("val")}, test ${size("test")}`,
  )
  if (conflicts > 0)
    context.log(`${conflicts} groups have rows of different given splits; each went to the best guarded one`)
  for (const [split, part] of [
    ["train", train],
    ["val", val],
    ["test", rest],
  ] as const) {
    const missing = [...new Set(rows.map(({ label }) => label))].filter(
      (label) => counts[split][label] === undefined,
    )
    if (part > 0 && missing.length > 0)
      context.log(`WARNING: no ${missing.sort().join(", ")} in ${split}: too few groups of it`)
  }
  return { dataset: divided, counts }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
