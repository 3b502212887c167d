import * as Schema from "effect/Schema"
import { estimate, pairedDifference } from "../../learning/student-t.ts"
import { json } from "../../schema/artifact.ts"
import { parseInstance } from "./instance.ts"
import { DatasetError } from "./training-set.ts"
import type { ModelValue, Result } from "./types.ts"

/** A mean over repetitions; see `Estimate` of learning/student-t.ts. */
export const EstimateSchema = Schema.Struct({
  n: Schema.Int,
  mean: Schema.Finite,
  sd: Schema.optionalKey(Schema.Finite),
  /** 95 % interval of the mean (Student's t); absent where there is one repetition only. */
  interval: Schema.optionalKey(Schema.Tuple([Schema.Finite, Schema.Finite])),
  values: Schema.Array(Schema.Finite),
})

const Pair = Schema.Struct({ accuracy: EstimateSchema, macroF1: EstimateSchema })

/** All repetitions of one setting on one set. */
export const Group = Schema.Struct({
  /** Axis → value, without the axis of repetitions. */
  settings: Schema.Record(Schema.String, Schema.String),
  set: Schema.String,
  /** Pictures of the set. */
  pictures: Schema.Int,
  generated: Schema.Union([Schema.Boolean, Schema.Literal("partly")]),
  /** Values of the axis of repetitions (seeds), in the order of the estimates' values. */
  repetitions: Schema.Array(Schema.String),
  ...Pair.fields,
  /** Macro-F1 of the kept epoch on the validation split: what a setting may be chosen by. */
  validation: Schema.optionalKey(EstimateSchema),
  /** Differences from the baseline, pair by pair of equal repetitions. */
  difference: Schema.optionalKey(Pair),
  /** The highest mean on validation of those it competes with. */
  best: Schema.Boolean,
})
export type Group = typeof Group.Type

/** Settings side by side, each with the means of its repetitions. */
export const ComparisonValue = Schema.Struct({
  /** The axis of repetitions. */
  over: Schema.String,
  /** Axes that have more than one value, without that of repetitions, in the order of the ids. */
  axes: Schema.Array(Schema.String),
  /** Axes whose values do not compete with one another: each has a best of its own. */
  apart: Schema.Array(Schema.String),
  baseline: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  groups: Schema.Array(Group),
})
export type ComparisonValue = typeof ComparisonValue.Type

/** A sweep or an ablation. */
export const Comparison = json<ComparisonValue>("Comparison", ComparisonValue)

export interface CompareOptions {
  readonly over: string
  readonly apart: ReadonlyArray<string>
  readonly baseline?: Readonly<Record<string, string>> | undefined
}

/** One result with where it belongs. */
interface Entry {
  readonly settings: Readonly<Record<string, string>>
  readonly repetition: string
  readonly result: Result
  readonly validation: number | undefined
}

/** Names a node where the results are of several. */
const NODE = "node"

const entriesOf = (
  results: ReadonlyArray<Result>,
  models: ReadonlyMap<string, ModelValue>,
  over: string,
): ReadonlyArray<Entry> => {
  const named = results.map((result) => ({ result, ...parseInstance(result.model) }))
  const several = new Set(named.map(({ node }) => node)).size > 1
  return named.map(({ result, node, settings }) => {
    const { [over]: repetition, ...rest } = settings
    const model = models.get(result.model)
    return {
      settings: several ? { [NODE]: node, ...rest } : rest,
      repetition: repetition ?? (over === "seed" && model !== undefined ? String(model.seed) : ""),
      result,
      validation: model?.history.find(({ epoch }) => epoch === model.bestEpoch)?.val?.macroF1,
    }
  })
}

const keyOf = (settings: Readonly<Record<string, string>>, axes: ReadonlyArray<string>): string =>
  JSON.stringify(axes.map((axis) => settings[axis] ?? ""))

/** Entries by key, both in the order in which they came. */
const grouped = <A>(all: ReadonlyArray<A>, key: (one: A) => string): ReadonlyArray<ReadonlyArray<A>> => {
  const groups = new Map<string, Array<A>>()
  for (const one of all) {
    const members = groups.get(key(one))
    if (members === undefined) groups.set(key(one), [one])
    else members.push(one)
  }
  return [...groups.values()]
}

const checkTwice = (group: ReadonlyArray<Entry>, over: string): void => {
  const seen = new Map<string, Entry>()
  for (const entry of group) {
    const other = seen.get(entry.repetition)
    if (other !== undefined)
      throw new DatasetError(
        `${other.result.model} and ${entry.result.model} have the same settings on ${entry.result.set}` +
          `${entry.repetition === "" ? "" : ` and the same ${over} (${entry.repetition})`}: repetitions have to differ in the ` +
          `axis "${over}" of their matrix (parameter over), and every model may be judged once only on a set`,
      )
    seen.set(entry.repetition, entry)
  }
}

const estimates = (entries: ReadonlyArray<Entry>) => ({
  accuracy: estimate(entries.map(({ result }) => result.accuracy)),
  macroF1: estimate(entries.map(({ result }) => result.macroF1)),
})

/** Differences of the repetitions that both have. */
const differenceOf = (
  group: ReadonlyArray<Entry>,
  base: ReadonlyArray<Entry>,
  over: string,
): typeof Pair.Type => {
  const pairs = group.flatMap((one) => {
    const other = base.find(({ repetition }) => repetition === one.repetition)
    return other === undefined ? [] : [[one.result, other.result] as const]
  })
  if (pairs.length === 0)
    throw new DatasetError(
      `${group[0].result.model} and the baseline ${base[0].result.model} have no ${over} in common: nothing can be paired`,
    )
  const of = (figure: "accuracy" | "macroF1") =>
    pairedDifference(
      pairs.map(([one]) => one[figure]),
      pairs.map(([, other]) => other[figure]),
    )
  return { accuracy: of("accuracy"), macroF1: of("macroF1") }
}

/**
 * Groups results by what their models' matrix set, but for the axis of repetitions, and estimates the mean of each
 * group. Groups come in the order of the results, each set's together.
 * @param models by the names that the results have; without them nothing is said of validation, and no best is named:
 * to choose by the test set would be to learn from it
 * @throws DatasetError for results that cannot be told apart, and for a baseline that is not among them
 */
export const compare = (
  results: ReadonlyArray<Result>,
  models: ReadonlyMap<string, ModelValue>,
  { over, apart, baseline }: CompareOptions,
): ComparisonValue => {
  if (results.length === 0) throw new DatasetError("input evaluations: no results to compare")
  const entries = entriesOf(results, models, over)
  const all = [...new Set(entries.flatMap(({ settings }) => Object.keys(settings)))]
  const valuesOf = (axis: string): ReadonlyArray<string> => [
    ...new Set(entries.map(({ settings }) => settings[axis] ?? "")),
  ]
  for (const [axis, value] of Object.entries(baseline ?? {}))
    if (!valuesOf(axis).includes(value))
      throw new DatasetError(
        all.includes(axis)
          ? `parameter baseline: no model has ${axis} ${value}; there are ${valuesOf(axis).join(", ")}`
          : `parameter baseline: the models have no axis "${axis}"; theirs are ${all.join(", ") || "none"}`,
      )
  const bySet = grouped(entries, ({ result }) => result.set)
  const groups = bySet.flatMap((ofSet) => {
    const members = grouped(ofSet, ({ settings }) => keyOf(settings, all))
    for (const group of members) checkTwice(group, over)
    const made = members.map((group): Group => {
      const [{ settings, result }] = group
      const wanted = keyOf({ ...settings, ...baseline }, all)
      const base = members.find(([first]) => keyOf(first.settings, all) === wanted)
      if (baseline !== undefined && base === undefined)
        throw new DatasetError(`${result.model} has no baseline: none of the models has its other settings`)
      const checked = group.flatMap(({ validation }) => validation ?? [])
      return {
        settings,
        set: result.set,
        pictures: result.n,
        generated: result.generated,
        repetitions: group.map(({ repetition }) => repetition),
        ...estimates(group),
        ...(checked.length === group.length ? { validation: estimate(checked) } : {}),
        ...(baseline === undefined || base === undefined || base === group
          ? {}
          : { difference: differenceOf(group, base, over) }),
        best: false,
      }
    })
    const best = new Set(
      grouped(made, ({ settings }) => keyOf(settings, apart)).flatMap((rivals) => {
        if (rivals.length < 2 || rivals.some(({ validation }) => validation === undefined)) return []
        const mean = ({ validation }: Group): number => validation?.mean ?? 0
        return [rivals.reduce((a, b) => (mean(b) > mean(a) ? b : a))]
      }),
    )
    return made.map((group) => ({ ...group, best: best.has(group) }))
  })
  return {
    over,
    axes: all.filter((axis) => valuesOf(axis).length > 1),
    apart: apart.filter((axis) => all.includes(axis)),
    ...(baseline === undefined ? {} : { baseline }),
    groups,
  }
}
