import type { RunFunction } from "../../runtime/node.ts"
import type { Reject } from "../../schema/sample.ts"
import type { inputs, outputs, Params } from "./balance.ts"
import { byLabel, countOf, even } from "./even.ts"

const run = async ({
  inputs: { dataset },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const all = await dataset.all()
  const train = all.filter(({ split }) => split === undefined || split === "train")
  const others = all.filter(({ split }) => split !== undefined && split !== "train")
  const weighs = params.strategy === "inverse" || params.strategy === "effective-number"
  const resamples = params.strategy === "down" || params.strategy === "over"
  if (weighs && train.some(({ copy }) => copy !== undefined))
    context.log("WARNING: weights over a set that was resampled already: together they may over-correct")
  if (resamples && train.some(({ weight = 1 }) => weight !== 1))
    context.log("WARNING: resampling a set that has weights already: together they over-correct")
  const { rows, dropped, weights, target } = even(train, { ...params, seed: params.seed ?? context.seed })

  const before = byLabel(train)
  const after = byLabel(rows)
  const classes = Object.fromEntries(
    [...before].map(([label, members]) => [
      label,
      {
        before: { ...countOf(members) },
        after: { ...countOf(after.get(label) ?? []) },
        ...(weighs ? { weight: weights[label] } : {}),
      },
    ]),
  )
  const sizes = [...before.values()].map((members) => members.length)
  const counts = {
    strategy: params.strategy,
    ...(target === undefined ? {} : { target }),
    classes,
    before: { ...countOf(train) },
    after: { ...countOf(rows) },
    dropped: dropped.length,
    /** Largest class over smallest. */
    imbalance: sizes.length === 0 ? 1 : Math.round((100 * Math.max(...sizes)) / Math.min(...sizes)) / 100,
    untouched: others.length,
  }
  const { original, resampled, augmented } = counts.after
  context.log(
    `${params.strategy}: ${original} originals, ${resampled} resampled, ${augmented} augmented, ${dropped.length} dropped; imbalance was ${counts.imbalance} to 1`,
  )
  return {
    dataset: [...rows, ...others],
    counts,
    dropped: dropped.map(({ id, label, image, source }): Reject => ({
      id,
      reason: "down-sampled",
      label,
      image,
      url: source.url,
    })),
  }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
