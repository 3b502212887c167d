import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag, project, type Answer } from "./dag.ts"

/** A command of a case. */
interface Command {
  readonly dag: ReadonlyArray<string>
  readonly exit: number
  /** Of a JSON answer with `content` rows: only these fields are compared. */
  readonly pick?: ReadonlyArray<string>
  /** Of a JSON answer that is a list, or has `nodes`: only these fields are compared. */
  readonly nodes?: ReadonlyArray<string>
}
/** A person writes files. */
interface Edit {
  readonly write: Readonly<Record<string, string>>
}
/** What a case does: commands and edits one after the other in a copy of its folder. */
type Step = Command | Edit

const cases = join(packageRoot, "test", "cases")
const names = readdirSync(cases).filter((name) => existsSync(join(cases, name, "case.json")))

type Row = Readonly<Record<string, unknown>>

const withFields = (rows: ReadonlyArray<Row>, fields: ReadonlyArray<string>): string =>
  rows
    .map((row) => `${JSON.stringify(Object.fromEntries(fields.map((field) => [field, row[field]])))}\n`)
    .join("")

const picked = (stdout: string, { pick, nodes }: Command): string => {
  if (pick !== undefined) {
    const parts = JSON.parse(stdout) as ReadonlyArray<{ readonly content: ReadonlyArray<Row> }>
    return withFields(
      parts.flatMap(({ content }) => content),
      pick,
    )
  }
  if (nodes === undefined) return stdout
  const answer = JSON.parse(stdout) as ReadonlyArray<Row> | { readonly nodes: ReadonlyArray<Row> }
  return withFields("nodes" in answer ? answer.nodes : answer, nodes)
}

/** What is said, with what is different every time taken out. */
const words = (answer: Answer, step: Command, folder: string): string =>
  [`$ dag ${step.dag.join(" ")}`, picked(answer.stdout, step), answer.stderr, `exit ${answer.code}\n`]
    .filter((part) => part !== "")
    .join("\n")
    .replaceAll(folder, "HERE")
    .replaceAll(/\d{8}-\d{6}-[0-9a-f]{4}/g, "RUN")
    .replaceAll(/\n\n+/g, "\n")

beforeAll(async () => {
  // Builds the program if its sources went on.
  const { code, stderr } = await dag(packageRoot, ["--version"])
  if (code !== 0) throw new Error(stderr)
})

it("there are the cases that there should be", () => {
  expect(names.length).toBeGreaterThanOrEqual(30)
})

it.each(names)("%s", async (name) => {
  const { steps } = JSON.parse(readFileSync(join(cases, name, "case.json"), "utf8")) as {
    readonly steps: ReadonlyArray<Step>
  }
  const { folder, remove } = project(join(cases, name))
  try {
    const said: Array<string> = []
    const codes: Array<number> = []
    for (const step of steps) {
      if ("write" in step) {
        for (const [path, text] of Object.entries(step.write)) writeFileSync(join(folder, path), text)
        said.push(`# ${Object.keys(step.write).join(", ")} written\n`)
        continue
      }
      const answer = await dag(folder, step.dag)
      codes.push(answer.code)
      said.push(words(answer, step, folder))
    }
    await expect(said.join("\n")).toMatchFileSnapshot(join(cases, name, "expected.txt"))
    expect(codes).toEqual(steps.flatMap((step) => ("write" in step ? [] : [step.exit])))
  } finally {
    remove()
  }
})
