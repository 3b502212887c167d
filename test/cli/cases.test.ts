import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag, project, type Answer } from "./dag.ts"

/** What a case does: commands one after the other in a copy of its folder. */
interface Step {
  readonly dag: ReadonlyArray<string>
  readonly exit: number
  /** Of a JSON answer with `content` rows: only these fields are compared. */
  readonly pick?: ReadonlyArray<string>
}

const cases = join(packageRoot, "test", "cases")
const names = readdirSync(cases).filter((name) => existsSync(join(cases, name, "case.json")))

const picked = (stdout: string, fields: ReadonlyArray<string>): string => {
  const parts = JSON.parse(stdout) as ReadonlyArray<{
    readonly content: ReadonlyArray<Record<string, unknown>>
  }>
  return parts
    .flatMap(({ content }) => content)
    .map((row) => JSON.stringify(Object.fromEntries(fields.map((field) => [field, row[field]]))))
    .join("\n")
}

/** What is said, with what is different every time taken out. */
const words = (answer: Answer, step: Step, folder: string): string =>
  [
    `$ dag ${step.dag.join(" ")}`,
    step.pick === undefined ? answer.stdout : `${picked(answer.stdout, step.pick)}\n`,
    answer.stderr,
    `exit ${answer.code}\n`,
  ]
    .filter((part) => part !== "")
    .join("\n")
    .replaceAll(folder, "HERE")
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
      const answer = await dag(folder, step.dag)
      codes.push(answer.code)
      said.push(words(answer, step, folder))
    }
    await expect(said.join("\n")).toMatchFileSnapshot(join(cases, name, "expected.txt"))
    expect(codes).toEqual(steps.map(({ exit }) => exit))
  } finally {
    remove()
  }
})
