import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { duration, withMemory, type Command } from "./measure.ts"

/**
 * A table of samples such as a data set has, and a mapping node over it that costs nothing itself: what is left is
 * the engine. `spread`: new rows anywhere between the old ones, so that every chunk of the table changes; else at the
 * end, as from a keyword that was added.
 */
const plugin = (facet: string): string => `
import { defineNode, Schema, table } from ${JSON.stringify(facet)}
const Rows = table("Rows", Schema.Struct({ id: Schema.String, n: Schema.Number, url: Schema.String, set: Schema.String, label: Schema.String, twice: Schema.optionalKey(Schema.Number) }))
const mix = (n) => ((Math.imul(n, 2654435761) >>> 0).toString(16).padStart(8, "0") + n.toString(16).padStart(8, "0"))
export default [
  defineNode({
    type: "bench.rows",
    description: "rows",
    outputs: { rows: Rows },
    params: Schema.Struct({ count: Schema.Number, added: Schema.Number, spread: Schema.Boolean }),
    run: ({ params: { count, added, spread } }) => {
      const ids = []
      for (let n = 0; n < count; n++) ids.push(["a" + mix(n), n])
      for (let n = 0; n < added; n++) ids.push([(spread ? "a" : "b") + mix(count + n), count + n])
      ids.sort((x, y) => (x[0] < y[0] ? -1 : 1))
      return { rows: (function* () { for (const [id, n] of ids) yield { id, n, url: "https://pictures.example.org/originals/" + id.slice(1, 3) + "/" + id + ".jpg", set: "crawl", label: ["anger", "fear", "joy"][n % 3] } })() }
    },
  }),
  defineNode({
    type: "bench.twice",
    description: "twice",
    inputs: { rows: Rows },
    outputs: { rows: Rows },
    params: Schema.Struct({}),
    map: { over: "rows", reads: ["n"], run: ({ item }) => ({ twice: 2 * item.n }) },
  }),
]
`

/** A table and a mapping node over 100,000 and 1,000,000 items: first, again, with 1 % more. */
export const itemsBench = (
  scratch: string,
  dag: (cwd: string, ...args: ReadonlyArray<string>) => Command,
): [ReadonlyArray<string>, ReadonlyArray<ReadonlyArray<string>>] => {
  const rows: Array<ReadonlyArray<string>> = []
  for (const count of [100_000, 1_000_000]) {
    const cwd = join(scratch, `items-${count}`)
    mkdirSync(cwd, { recursive: true })
    writeFileSync(join(cwd, "bench.ts"), plugin("facet"))
    const document = (added: number, spread: boolean): void =>
      writeFileSync(
        join(cwd, "pipeline.yaml"),
        `pipeline: items\nplugins: [./bench.ts]\nnodes:\n  rows: { uses: bench.rows, with: { count: ${count}, added: ${added}, spread: ${spread} } }\n  twice: { uses: bench.twice, in: { rows: rows } }\n`,
      )
    const run = (name: string, target: string): void => {
      const took = withMemory(dag(cwd, "run", "-f", "pipeline.yaml", "--quiet", "-t", target))
      rows.push([
        `${count.toLocaleString("en")} items: ${name}`,
        duration(took.ms),
        `${took.peakMiB!.toFixed(0)} MiB`,
      ])
    }
    document(0, false)
    run("the table written", "rows")
    run("all new", "twice")
    run("nothing changed", "twice")
    run("nothing changed, again", "twice")
    document(count / 100, false)
    run("1 % more at the end: the table written", "rows")
    run("1 % more at the end", "twice")
    document(count / 100, true)
    run("1 % more anywhere: the table written", "rows")
    run("1 % more anywhere", "twice")
  }
  return [["items", "whole process", "peak memory"], rows]
}
