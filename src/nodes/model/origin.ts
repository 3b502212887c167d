import type { Sample } from "../../schema/sample.ts"

/** How much of a set was drawn by a program: all of it, nothing, or a part. An empty set is not. */
export const generatedOf = (rows: ReadonlyArray<Pick<Sample, "source">>): boolean | "partly" => {
  const drawn = rows.filter((row) => row.source.generated === true || row.source.kind === "generated").length
  return drawn === 0 ? false : drawn === rows.length ? true : "partly"
}
