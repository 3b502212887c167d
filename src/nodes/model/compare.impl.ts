import type { Estimate } from "../../learning/student-t.ts"
import type { RunFunction } from "../../runtime/node.ts"
import type { CompareParams, inputs, outputs } from "./compare.ts"
import { compare as compareResults, type ComparisonValue, type Group } from "./comparison.ts"

/** A field of a csv (RFC 4180); what a spreadsheet would take for a formula is not made harmless: the text counts. */
const field = (value: string | number): string =>
  /[",\r\n]/u.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value)

const columns = (
  name: string,
  { mean, sd, interval }: Partial<Estimate>,
): Record<string, string | number> => ({
  [name]: mean ?? "",
  [`${name}_sd`]: sd ?? "",
  [`${name}_low`]: interval?.[0] ?? "",
  [`${name}_high`]: interval?.[1] ?? "",
})

/** A line per setting and set; empty where there is nothing to say (a single repetition has no interval). */
export const csvOf = ({ over, groups }: ComparisonValue): string => {
  const axes = [...new Set(groups.flatMap(({ settings }) => Object.keys(settings)))]
  const rows = groups.map((group) => ({
    ...Object.fromEntries(axes.map((axis) => [axis, group.settings[axis] ?? ""])),
    set: group.set,
    pictures: group.pictures,
    n: group.accuracy.n,
    [over]: group.repetitions.join(" "),
    ...columns("accuracy", group.accuracy),
    ...columns("macroF1", group.macroF1),
    ...columns("validation_macroF1", group.validation ?? {}),
    ...columns("accuracy_difference", group.difference?.accuracy ?? {}),
    ...columns("macroF1_difference", group.difference?.macroF1 ?? {}),
    best: group.best ? 1 : "",
  }))
  const names = Object.keys(rows[0] ?? {})
  const lines = [names, ...rows.map((row) => Object.values<string | number>(row))]
  return lines.map((line) => `${line.map(field).join(",")}\n`).join("")
}

const settingsOf = ({ settings }: Group): string =>
  Object.entries(settings)
    .map(([axis, value]) => `${axis} ${value}`)
    .join(", ")

const say = ({ mean, interval, n }: Estimate): string =>
  `${mean.toFixed(3)} ${interval === undefined ? "(one repetition: no interval)" : `± ${(interval[1] - mean).toFixed(3)} (n = ${n})`}`

/** Groups what was evaluated and writes the table. */
const compare = (({ inputs, params, context }) => {
  const { over, apart, baseline } = params
  const comparison = compareResults(
    inputs.evaluations.flatMap(({ value }) => value.results),
    new Map(inputs.models.map(({ node, value }) => [node, value])),
    {
      over,
      apart,
      baseline:
        baseline === undefined
          ? undefined
          : Object.fromEntries(Object.entries(baseline).map(([axis, value]) => [axis, String(value)])),
    },
  )
  for (const group of comparison.groups)
    context.log(
      `${settingsOf(group)} on ${group.set}: accuracy ${say(group.accuracy)}, macro-F1 ${say(group.macroF1)}${group.best ? "; best on validation" : ""}`,
    )
  return { comparison, table: { "comparison.csv": new TextEncoder().encode(csvOf(comparison)) } }
}) satisfies RunFunction<typeof inputs, typeof outputs, CompareParams>

export default compare
