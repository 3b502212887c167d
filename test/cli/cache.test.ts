import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { dag, project } from "./dag.ts"

const PLUGIN = `
import { defineNode, Json, Schema } from "facet"
export default defineNode({
  type: "t.text", description: "Text", outputs: { text: Json }, params: Schema.Struct({ word: Schema.String }),
  run: ({ params }) => ({ text: params.word.repeat(1000) }),
})
`
let home: ReturnType<typeof project>
beforeAll(async () => {
  home = project()
  mkdirSync(join(home.folder, "pipelines"))
  writeFileSync(join(home.folder, "nodes.ts"), PLUGIN)
  writeFileSync(
    join(home.folder, "pipelines", "fer.pipeline.yaml"),
    "pipeline: p\nplugins: [./nodes.ts]\nparams: { word: one }\nnodes:\n  text: { uses: t.text, with: { word: '${params.word}' } }\n",
  )
  for (const word of ["one", "two", "three"]) {
    const { code, stderr } = await dag(home.folder, ["run", "--set", `params.word=${word}`])
    if (code !== 0) throw new Error(stderr)
  }
}, 60_000)
afterAll(() => home.remove())

const ask = (...args: ReadonlyArray<string>) => dag(home.folder, ["cache", ...args])

describe("dag cache", () => {
  it("tells what is there, by node and by type, and what a collection would free", async () => {
    const stats = JSON.parse((await ask("stats", "--gc", "--json")).stdout) as never
    expect(stats).toMatchObject({
      traces: 3,
      runs: 3,
      nodes: [{ pipeline: "p", node: "text", uses: "t.text", traces: 3 }],
      types: [{ uses: "t.text", nodes: 1, traces: 3 }],
      gc: { freedTraces: 0 },
    })
    const { stdout } = await ask("stats", "--gc")
    expect(stdout).toMatch(/pack.*% in use/u)
    expect(stdout).toContain("`dag cache gc` would free 0 blobs")
  })

  it("keeps what the project says, where no flag says otherwise", async () => {
    writeFileSync(join(home.folder, "cache-policy.json"), '{ "keepRuns": 1, "keepDays": 0 }')
    expect((await ask("gc", "--dry-run")).stdout).toContain("2 results")
    expect((await ask("gc", "--dry-run", "--keep-runs", "2")).stdout).toContain("1 result ")
    expect((await ask("gc", "--dry-run", "--keep-days", "1")).stdout).toContain(
      "2 results kept only for being",
    )
    const quota = JSON.parse((await ask("gc", "--dry-run", "--quota", "1kB", "--json")).stdout) as never
    expect(quota).toMatchObject({
      freedTraces: 3,
      quota: { bytes: 1000, held: true, givenUp: [{ node: "text" }] },
    })
    expect((await ask("gc", "--dry-run", "--quota", "1kB")).stdout).toContain("had to go: text (run")
  }, 60_000)

  it("says what is wrong with a policy or a flag", async () => {
    for (const [text, message] of [
      ["{", "cache-policy.json"],
      ['{ "keepRun": 1 }', "keepRun"],
      ['{ "quota": "much" }', '"much" is no size'],
    ] as const) {
      writeFileSync(join(home.folder, "cache-policy.json"), text)
      const { code, stderr } = await ask("gc")
      expect(stderr).toContain(message)
      expect(code).toBe(2)
    }
    writeFileSync(join(home.folder, "cache-policy.json"), "{}")
    for (const args of [
      ["--quota", "20 apples"],
      ["--keep-days", "soon"],
    ]) {
      const { code, stderr } = await ask("gc", ...args)
      expect(stderr).toContain(args[0])
      expect(code).toBe(2)
    }
  }, 60_000)

  it("ends with 3 where there is damage, and with 0 when it is repaired", async () => {
    const packs = join(home.folder, "cache", "packs")
    for (const name of readdirSync(packs)) truncateSync(join(packs, name), 60)
    const { code, stderr } = await ask("verify")
    expect([code, stderr]).toEqual([3, expect.stringContaining("dag cache verify --repair")])
    expect((await ask("verify", "--repair")).code).toBe(0)
    expect((await ask("verify")).stdout).toContain("all whole")
    writeFileSync(join(home.folder, "cache", "store.db"), readFileSync(join(home.folder, "nodes.ts")))
    const run = await dag(home.folder, ["run"])
    expect([run.code, run.stderr]).toEqual([3, expect.stringContaining("dag cache verify --repair")])
    expect((await ask("verify")).code).toBe(3)
    expect((await ask("verify", "--repair")).code).toBe(0)
    expect((await dag(home.folder, ["run"])).code).toBe(0)
  }, 60_000)
})
