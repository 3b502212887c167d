import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag, project } from "./dag.ts"
import { Screen } from "./screen.ts"

const DAG = join(packageRoot, "bin", "dag")
const hasScript = spawnSync("script", ["-qec", "true", "/dev/null"]).status === 0

const { folder, remove } = project()
beforeAll(async () => {
  await dag(packageRoot, ["--version"])
  writeFileSync(
    join(folder, "types.ts"),
    `import { Json, Schema, defineNode } from "facet"
export const steps = defineNode({
  type: "test.steps", description: "Takes a second.", outputs: { value: Json }, params: Schema.Struct({ fails: Schema.Boolean }),
  run: async ({ params, context }) => {
    for (let i = 1; i <= 10; i++) {
      context.progress(i * 10, 100)
      await new Promise((resolve) => setTimeout(resolve, 90))
    }
    context.log("WARNING: it was slow")
    context.log("step 10 is done")
    if (params.fails) throw new Error("it would not")
    return { value: 1 }
  },
})
`,
  )
  writeFileSync(
    join(folder, "p.yaml"),
    `pipeline: p
plugins: [types.ts]
nodes:
  good: { uses: test.steps, with: { fails: false } }
  bad: { uses: test.steps, with: { fails: true } }
`,
  )
})
afterAll(remove)

/** The program on a terminal of its own, and all that was written to it. */
const onTerminal = (columns: number, env: Readonly<Record<string, string>> = {}) => {
  const command = `stty cols ${columns} rows 24; exec ${DAG} run -f p.yaml --force good --keep-going`
  const { stdout, status } = spawnSync("script", ["-qec", command, "/dev/null"], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TERM: "xterm-256color", ...env },
  })
  return { written: stdout, code: status }
}

it.skipIf(!hasScript)("draws on a terminal, and leaves a clean screen (needs `script` of util-linux)", () => {
  const { written, code } = onTerminal(80)
  expect(code).toBe(1)
  expect(written).toMatch(/━+╌+\S* {2}\d0\/100 {2}/u)
  const screen = new Screen(80)
  screen.write(written)
  const text = screen.lines.join("\n")
  expect(text).toMatch(/^✔ good {2}[\d.]+ m?s$/mu)
  expect(text).toMatch(/^✘ bad {2}it would not\n {2}│ step 10 is done$/mu)
  // Once each, and counted.
  expect(text.match(/^! \w+ {2}it was slow$/gmu)).toHaveLength(2)
  expect(text).toMatch(/p: failed, 2 nodes \(1 ran, 1 failed\), 2 warnings in [\d.]+ m?s$/u)
  expect(text).not.toMatch(/━|⠋|running/u)
  expect(written.lastIndexOf("\u001b[?25h")).toBeGreaterThan(written.lastIndexOf("\u001b[?25l"))
  expect(written).toContain("\u001b[32m")
})

it.skipIf(!hasScript)("writes no colours where they are not wanted, and plain lines in CI", () => {
  const narrow = onTerminal(30, { NO_COLOR: "1" })
  // Whatever stays may be longer than the screen is wide: only what is redrawn must not be.
  const drawn = narrow.written.split("\u001b").flatMap((part) => /(?:━|[⠋⠙⠹]).*/u.exec(part) ?? [])
  expect(drawn.length).toBeGreaterThan(3)
  for (const line of drawn) expect(line.length).toBeLessThan(30)
  // eslint-disable-next-line no-control-regex
  expect(narrow.written).not.toMatch(/\u001b\[[0-9;]+m/u)
  const ci = onTerminal(80, { NO_COLOR: "1", CI: "1" })
  // eslint-disable-next-line no-control-regex
  expect(ci.written).not.toMatch(/\u001b/u)
  expect(ci.written).toMatch(/^bad runs: /mu)
  expect(ci.written).toMatch(/^warning: bad: it was slow\r?$/mu)
})
