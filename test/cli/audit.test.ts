import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { AmbientRead, NodeAudit } from "../../src/schema/audit.ts"
import { dag, project } from "./dag.ts"

/** Implementations that read the world, each in its own way on a line of its own; and some that may. */
const IMPLEMENTATIONS = {
  sources: `import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
const now = (): number => Date.now()
const read = [
  () => now(),
  () => new Date().getTime(),
  () => performance.now(),
  () => Math.random(),
  () => randomUUID(),
  () => process.env["FACET_TEST"],
  () => hostname(),
  () => new Date(0).toISOString(),
  () => process.env["TZ"],
]
export default () => ({ out: { n: read.filter((one) => one() !== null).length } })`,
  spread: `export default () => ({ out: { n: Object.keys({ ...process.env }).length > 0 } })`,
  files: `import * as fs from "node:fs"
import { readFile } from "node:fs/promises"
import { load } from "reads-files"
import { length } from "./helper.ts"
export default async () => {
  let n = length("secret.txt") + load("secret.txt")
  for await (const part of fs.createReadStream("secret.txt")) n += part.length
  if (fs.existsSync("nowhere.txt")) n++
  await new Promise((resolve) => setTimeout(resolve, 1))
  return { out: { n: n + (await readFile("secret.txt", "utf8")).length } }
}`,
  outside: `import { execFileSync } from "node:child_process"
import { connect } from "node:net"
const knock = () =>
  new Promise((resolve) => {
    connect({ port: 9, host: "127.0.0.1" }).on("error", resolve).on("connect", resolve)
  })
export default async ({ params }) => {
  const { value } = await import(params.path)
  await knock()
  return { out: { n: value + execFileSync("true").length } }
}`,
  quiet: `import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { tick } from "looks-at-the-clock"
import { length } from "./helper.ts"
export default async ({ context }) => {
  const folder = await context.scratch()
  writeFileSync(join(folder, "a"), process.env["TZ"] ?? "")
  mkdirSync(join(folder, "b"))
  const blob = await context.blobs.put(new Uint8Array([1]))
  const back = await context.blobs.get(blob)
  return { out: { n: readFileSync(join(folder, "a"), "utf8").length + length(context.files.data) + back.length, t: tick() } }
}`,
  declared: `export default () => ({ out: { n: Date.now() > 0 } })`,
} as const

const plugin = `import { defineNode, Json, Schema, table } from "facet"
const Things = table("Things", Schema.Struct({ id: Schema.String }))
${Object.keys(IMPLEMENTATIONS)
  .map(
    (name) => `export const ${name} = defineNode({
  type: "t.${name}", description: "d", outputs: { out: Json },
  params: Schema.Struct({ path: Schema.optionalKey(Schema.String) }),
  ${name === "quiet" ? 'files: () => ({ data: "data" }),' : ""}
  ${name === "declared" ? 'ambient: ["clock"],' : ""}
  impl: () => import("./${name}.ts") })`,
  )
  .join("\n")}
export const light = defineNode({ type: "t.light", description: "d", outputs: { out: Things },
  run: () => ({ out: [{ id: "a" }, { id: Math.random() < 2 ? "b" : "c" }] }) })
export const each = defineNode({ type: "t.each", description: "d", inputs: { of: Things }, outputs: { out: Things },
  map: { over: "of", run: ({ item }) => ({ at: item.id === "b" ? Date.now() > 0 : false }) } })
export const fetched = defineNode({ type: "t.fetched", description: "d", inputs: { of: Things }, outputs: { out: Things },
  map: { over: "of", bound: "io", impl: () => import("./fetched.ts") } })
`
const fetched = `import { lookup } from "node:dns/promises"
export default async () => ({ n: (await lookup("localhost")).address.length > 0 })`

const installedPackages: Readonly<Record<string, string>> = {
  "reads-files": `import { readFileSync } from "node:fs"
export const load = (path) => readFileSync(path, "utf8").length`,
  "looks-at-the-clock": `export const tick = () => Date.now() > 0 && process.env.DEBUG === undefined`,
}

let place: ReturnType<typeof project>
let audits: ReadonlyMap<string, NodeAudit>
let code: number
let traces: readonly [before: number, after: number]

const countTraces = (): number => {
  const db = new DatabaseSync(join(place.folder, "cache", "store.db"), { readOnly: true })
  try {
    return Number(db.prepare("SELECT COUNT(*) AS n FROM traces").get()?.["n"])
  } finally {
    db.close()
  }
}

beforeAll(async () => {
  place = project()
  const write = (path: string, text: string): void => writeFileSync(join(place.folder, path), text)
  mkdirSync(join(place.folder, "data"))
  for (const [name, text] of Object.entries(installedPackages)) {
    mkdirSync(join(place.folder, "node_modules", name))
    write(`node_modules/${name}/index.js`, text)
    write(
      `node_modules/${name}/package.json`,
      JSON.stringify({ name, version: "1.0.0", type: "module", main: "index.js" }),
    )
  }
  for (const [name, text] of Object.entries(IMPLEMENTATIONS)) write(`${name}.ts`, text)
  write("fetched.ts", fetched)
  write(
    "helper.ts",
    `import { readFileSync, statSync } from "node:fs"\n/** Reads. */\nexport const length = (path: string) =>\n  statSync(path).isDirectory() ? 0 : readFileSync(path).length\n`,
  )
  write("outside-module.ts", "export const value = 3\n")
  write("secret.txt", "secret")
  write("data/a.txt", "a")
  write("plugin.ts", plugin)
  write(
    "pipeline.yaml",
    [
      "pipeline: audited",
      "plugins: [./plugin.ts]",
      "nodes:",
      ...Object.keys(IMPLEMENTATIONS).map((name) =>
        name === "outside"
          ? `  outside: { uses: t.outside, with: { path: "${join(place.folder, "outside-module.ts")}" } }`
          : `  ${name}: { uses: t.${name} }`,
      ),
      "  light: { uses: t.light }",
      "  each: { uses: t.each, in: { of: light } }",
      "  fetched: { uses: t.fetched, in: { of: light } }",
    ].join("\n"),
  )
  const first = await dag(place.folder, ["run", "-f", "pipeline.yaml", "--quiet"])
  if (first.code !== 0) throw new Error(first.stderr)
  const before = countTraces()
  const answer = await dag(place.folder, ["run", "--audit", "-f", "pipeline.yaml", "--json"])
  code = answer.code
  traces = [before, countTraces()]
  const { audit } = JSON.parse(answer.stdout) as { readonly audit: ReadonlyArray<NodeAudit> }
  audits = new Map(audit.map((one) => [one.node, one]))
}, 240_000)
afterAll(() => place.remove())

const reads = (node: string): ReadonlyArray<string> =>
  audits.get(node)!.reads.map(({ kind, what, where, through }: AmbientRead) => {
    const at = where === undefined ? "nowhere" : `${where.file}:${where.line}`
    return `${kind} ${what} at ${at}${through === undefined ? "" : ` through ${through}`}`.replaceAll(
      `${place.folder}/`,
      "",
    )
  })

describe("an audit", () => {
  it("names what a node reads, and where", () => {
    expect([...reads("sources")].sort()).toEqual([
      "clock Date.now() at sources.ts:3",
      "clock new Date() at sources.ts:6",
      "clock performance.now() at sources.ts:7",
      "environment FACET_TEST at sources.ts:10",
      "machine os.hostname() at sources.ts:11",
      "random Math.random() at sources.ts:8",
      "random crypto.randomUUID() at sources.ts:9",
    ])
    expect(audits.get("sources")!.status).toBe("undeclared")
  })

  it("watches light functions too, which else run in the engine's process", () => {
    expect(reads("light").join("\n")).toMatch(/^random Math\.random\(\) at plugin\.ts:\d+$/u)
    expect(reads("each").join("\n")).toMatch(/^clock Date\.now\(\) at plugin\.ts:\d+$/u)
  })

  it("tells the listing of all variables as one read among others", () => {
    expect(reads("spread")).toContain("environment all variables at spread.ts:1")
  })

  it("names files by the line of the node or of its helper; those that a package reads for it, with the package", () => {
    expect([...new Set(reads("files"))].sort()).toEqual([
      "file nowhere.txt at files.ts:8",
      "file secret.txt at files.ts:10",
      "file secret.txt at files.ts:6 through reads-files",
      "file secret.txt at files.ts:7",
      "file secret.txt at helper.ts:4",
    ])
  })

  it("names programs, connections, and modules that no fingerprint covers", () => {
    const found = reads("outside")
    expect(found).toContain("process true at outside.ts:10")
    expect(found).toContain("network 127.0.0.1:9 at outside.ts:5")
    expect(found).toContain("code outside-module.ts at outside.ts:8")
    expect(audits.get("fetched")).toMatchObject({ status: "clean", reads: [] })
  })

  it("lets pass what is declared: files, scratch folder, blobs, fixed variables; a package's clock is a note", () => {
    const quiet = audits.get("quiet")!
    expect(quiet.reads).toEqual([])
    expect(quiet.status).toBe("clean")
    expect(quiet.notes.map(({ kind, what, through }) => [kind, what, through])).toEqual([
      ["clock", "Date.now()", "looks-at-the-clock"],
      ["environment", "DEBUG", "looks-at-the-clock"],
    ])
    expect(audits.get("declared")).toMatchObject({ status: "clean", reads: [] })
  })

  it("ends with 1 and leaves the store's memory as it was", () => {
    expect(code).toBe(1)
    expect(traces[1]).toBe(traces[0])
  })

  it("of named targets audits those alone, and ends with 0 where all is declared", async () => {
    const { code, stdout, stderr } = await dag(place.folder, [
      "run",
      "--audit",
      "-t",
      "quiet",
      "-f",
      "pipeline.yaml",
    ])
    expect(stderr).not.toContain("failed")
    expect(stdout).toContain("quiet (t.quiet) reads only what it declares")
    expect(stdout).toContain("packages: looks-at-the-clock: Date.now(), DEBUG")
    expect(stdout).not.toContain("sources (t.sources)")
    expect(code).toBe(0)
  })

  it("shows a person the place and its line of code", async () => {
    const { stdout } = await dag(place.folder, [
      "run",
      "--audit",
      "-t",
      "sources",
      "-f",
      "pipeline.yaml",
      "-q",
    ])
    expect(stdout).toContain("sources (t.sources) reads 7 things it does not declare")
    expect(stdout).toMatch(/at sources\.ts:3:\d+ {2}const now = \(\): number => Date\.now\(\)/u)
  })

  it("leaves no scratch behind", () => {
    const tmp = join(place.folder, "cache", "tmp")
    expect(existsSync(tmp) ? readdirSync(tmp) : []).toEqual([])
  })
})
