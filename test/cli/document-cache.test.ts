import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag, project } from "./dag.ts"

const { folder, remove } = project()
const documents = join(folder, "cache", "documents")

const plugin = (size: number): string => `import { Json, Schema, defineNode } from "facet"
export default defineNode({
  type: "test.made", description: "Made.", outputs: { value: Json },
  params: Schema.Struct({ word: Schema.String, size: Schema.Literal("big").transform(${size}) }),
  run: ({ params }) => ({ value: params }),
})
`
const document = (word: string): string => `pipeline: a
plugins: [made.ts]
env: { PLACE: { default: here } }
profiles: { other: { nodes: { two: { with: { word: other } } } } }
nodes:
  one: { uses: test.made, with: { word: "\${env.PLACE}", size: big } }
  two: { uses: test.made, with: { word: ${word}, size: big } }
`

interface Planned {
  readonly nodes: ReadonlyArray<{ readonly id: string; readonly action: string; readonly reason: string }>
}

/** What a plan says of each node that is not up to date. */
const plan = async (env: Readonly<Record<string, string>> = {}, ...args: ReadonlyArray<string>) => {
  const { code, stdout, stderr } = await dag(folder, ["plan", "-f", "p.yaml", "--json", ...args], env)
  if (code !== 0) throw new Error(stderr)
  const { nodes } = JSON.parse(stdout) as Planned
  return Object.fromEntries(
    nodes.flatMap(({ id, action, reason }) => (action === "cached" ? [] : [[id, reason]])),
  )
}
const run = async (...args: ReadonlyArray<string>) => {
  const { code, stderr } = await dag(folder, ["run", "-f", "p.yaml", "--quiet", ...args])
  expect([code, stderr]).toEqual([0, ""])
}

beforeAll(async () => {
  await dag(packageRoot, ["--version"])
  writeFileSync(join(folder, "made.ts"), plugin(1))
  writeFileSync(join(folder, "p.yaml"), document("first"))
})
afterAll(remove)

it("a document that was checked before is the same, and any change of what it is made of is seen", async () => {
  await run()
  const [kept, ...others] = readdirSync(documents)
  expect(others).toEqual([])
  expect(await plan()).toEqual({})
  expect(await plan({ PLACE: "there" })).toEqual({
    one: expect.stringContaining('"here" → "there"') as string,
  })
  expect(await plan()).toEqual({})
  expect(await plan({}, "--profile", "other")).toEqual({
    two: expect.stringContaining('"first" → "other"') as string,
  })
  expect(await plan({}, "--set", "nodes.two.with.word=set")).toEqual({
    two: expect.stringContaining('"first" → "set"') as string,
  })
  writeFileSync(join(folder, "p.yaml"), document("second"))
  expect(await plan()).toEqual({ two: expect.stringContaining('"first" → "second"') as string })
  writeFileSync(join(folder, "p.yaml"), document("first"))
  // What the plugin makes of a parameter is in the kept graph, and is another now.
  writeFileSync(join(folder, "made.ts"), plugin(2))
  expect(await plan()).toEqual({
    one: expect.stringContaining("1 → 2") as string,
    two: expect.stringContaining("1 → 2") as string,
  })
  writeFileSync(join(folder, "made.ts"), plugin(1))
  expect(await plan()).toEqual({})
  expect(readdirSync(documents)).toContain(kept)
})

it("what is kept is nothing to rely on: damaged or gone, the document is read", async () => {
  for (const name of readdirSync(documents)) {
    const content = readFileSync(join(documents, name), "utf8")
    expect(content).toContain('"word":"')
    // Right as JSON, wrong in what it says.
    writeFileSync(join(documents, name), content.replaceAll('"word":"', '"word":"un'))
  }
  expect(await plan()).toEqual({})
  rmSync(documents, { recursive: true })
  expect(await plan()).toEqual({})
  expect((await dag(folder, ["cache", "verify"])).code).toBe(0)
})

it("a mistake is told where it stands, also when the graph is the kept one", async () => {
  await run()
  writeFileSync(
    join(folder, "p.yaml"),
    `${document("first")}  three: { uses: source.path, with: { path: is-there.txt } }\n`,
  )
  writeFileSync(join(folder, "is-there.txt"), "x")
  await run()
  rmSync(join(folder, "is-there.txt"))
  const { code, stderr } = await dag(folder, ["run", "-f", "p.yaml"])
  expect(code).toBe(2)
  expect(stderr).toContain("p.yaml:8:45 nodes.three.with.path: source.path reads is-there.txt")
  expect(stderr).toContain("^^^^^^^^^^^^")
})

it("the value of a secret is nowhere in the store", async () => {
  writeFileSync(
    join(folder, "p.yaml"),
    document("first").replace("PLACE: { default: here }", "PLACE: { secret: true }"),
  )
  const { code } = await dag(folder, ["plan", "-f", "p.yaml"], { PLACE: "hush-hush-hush" })
  expect(code).toBe(0)
  const files = readdirSync(join(folder, "cache"), { recursive: true, withFileTypes: true })
  const held = files
    .filter((file) => file.isFile())
    .map((file) => readFileSync(join(file.parentPath, file.name)))
  expect(held.length).toBeGreaterThan(2)
  for (const content of held) expect(content.includes("hush-hush-hush")).toBe(false)
})
