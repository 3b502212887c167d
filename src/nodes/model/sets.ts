import type { Sample } from "../../schema/sample.ts"

type Row = Sample & { readonly label: string }

/** Rows that are judged together. */
export interface TestSet {
  /** Unique among the sets. */
  readonly name: string
  /** By id. */
  readonly rows: ReadonlyArray<Row>
}

/**
 * The sets to judge. A table may hold several (rows say which in `set`): each is judged apart, under its own name;
 * `name.test` where only the test rows of a set with splits are taken; with the node's name in front where two
 * tables hold a set of the same name.
 * @param split "test": of a set whose rows have splits only the test rows; "all": every row.
 */
export const testSets = (
  tables: ReadonlyArray<{ readonly node: string; readonly rows: ReadonlyArray<Row> }>,
  split: "test" | "all",
): ReadonlyArray<TestSet> => {
  const found: Array<TestSet & { readonly node: string }> = []
  for (const { node, rows } of tables) {
    const bySet = new Map<string, Array<Row>>()
    for (const row of rows) {
      const members = bySet.get(row.set)
      if (members === undefined) bySet.set(row.set, [row])
      else members.push(row)
    }
    for (const [set, members] of [...bySet].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const test = members.filter((row) => row.split === "test")
      const part = split === "test" && members.some((row) => row.split !== undefined)
      if (part && test.length === 0) continue
      found.push({
        node,
        name: part && test.length < members.length ? `${set}.test` : set,
        rows: part ? test : members,
      })
    }
  }
  return found.map(({ node, name, rows }, i) => ({
    name: found.some((other, j) => i !== j && other.name === name) ? `${node}: ${name}` : name,
    rows,
  }))
}
