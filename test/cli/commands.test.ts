import { spawn } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag, project, type Answer } from "./dag.ts"

const { folder, remove } = project()
const documentFile = join(folder, "pipelines", "fer.pipeline.yaml")
const ask = (...args: ReadonlyArray<string>): Promise<Answer> => dag(folder, args)

/** The one JSON document that standard output has to be. */
const json = async (...args: ReadonlyArray<string>): Promise<unknown> => {
  const { stdout, stderr, code } = await ask(...args, "--json")
  if (code !== 0) throw new Error(`${args.join(" ")}: ${stderr}`)
  return JSON.parse(stdout)
}
type Nodes = { readonly nodes: ReadonlyArray<Readonly<Record<string, unknown>>> }
const column = (value: unknown, field: string) =>
  Object.fromEntries((value as Nodes).nodes.map((node) => [node["id"], node[field]]))

beforeAll(async () => {
  await dag(packageRoot, ["--version"])
  const { code, stderr } = await ask("init")
  if (code !== 0) throw new Error(stderr)
})
afterAll(remove)

describe("a new project, from plan to lineage", () => {
  it("is right, and not begun twice", async () => {
    expect((await ask("validate")).stdout).toBe("pipelines/fer.pipeline.yaml: faces is right, 5 nodes\n")
    expect(await ask("init")).toMatchObject({ code: 2, stdout: "" })
    expect(await json("validate")).toMatchObject({
      ok: true,
      pipeline: "faces",
      nodes: 5,
      instances: 5,
      profiles: [],
    })
  })

  it("plan says what run does, and changes nothing", async () => {
    expect(column(await json("plan"), "action")).toEqual({
      crawl: "run",
      checked: "depends",
      hashed: "depends",
      unique: "depends",
      counts: "depends",
    })
    const first = (await json("run")) as Nodes & { readonly run: { readonly status: string } }
    expect(first.run.status).toBe("ok")
    expect(new Set(Object.values(column(first, "status")))).toEqual(new Set(["ran"]))
    expect(first.nodes.find(({ id }) => id === "crawl")).toMatchObject({
      uses: "crawl.search",
      items: { total: 3, cached: 0, ran: 3, failed: 0 },
      outputs: { images: { type: "Labelled" } },
    })
    expect(new Set(Object.values(column(await json("plan"), "action")))).toEqual(new Set(["cached"]))
    const { stdout, stderr } = await ask("run")
    expect(stdout).toMatch(/^faces: ok, 5 nodes \(5 cached\) in [\d.]+ m?s\n$/)
    expect(stderr).toBe("")
  })

  it("explains a change with before and after, and runs only what is new", async () => {
    const before = readFileSync(documentFile, "utf8")
    writeFileSync(documentFile, before.replace("sadness: [sorrow]", "sadness: [sorrow, grief]"))
    const { stdout } = await ask("explain", "crawl")
    expect(stdout).toContain("crawl (crawl.search): would run")
    expect(stdout).toContain('parameter keywords.sadness[1]: unset → "grief"')
    expect(stdout).toContain('before: {"happiness":["joyful","delighted"],"sadness":["sorrow"]}')
    const result = (await json("run", "--target", "checked")) as Nodes
    expect(column(result, "status")).toEqual({ crawl: "ran", checked: "ran" })
    expect(result.nodes.find(({ id }) => id === "crawl")).toMatchObject({
      items: { total: 4, cached: 3, ran: 1 },
    })
    // A comment and another order of keys are no change.
    writeFileSync(
      documentFile,
      `# a comment\n${before.replace("sadness: [sorrow]", "sadness: [sorrow, grief] # more")}`,
    )
    expect(column(await json("plan", "--target", "checked"), "action")).toEqual({
      crawl: "cached",
      checked: "cached",
    })
    writeFileSync(documentFile, before)
  })

  it("--set and --force are heeded", async () => {
    const actions = async (...args: ReadonlyArray<string>) =>
      column(await json("plan", "-t", "checked", ...args), "action")
    expect(await actions()).toEqual({ crawl: "cached", checked: "cached" })
    expect(await actions("--set", "params.keywords={joy: [glad]}")).toEqual({
      crawl: "run",
      checked: "depends",
    })
    expect(await actions("--force", "checked")).toEqual({ crawl: "cached", checked: "run" })
  })

  it("shows tables, values and logs", async () => {
    const [shown] = (await json("show", "crawl.images", "--limit", "3")) as ReadonlyArray<{
      readonly content: ReadonlyArray<{ readonly id: string }>
      readonly output: { readonly rows: number }
    }>
    expect(shown?.content).toHaveLength(3)
    expect(shown?.output.rows).toBeGreaterThan(10)
    const text = (await ask("show", "crawl.images", "--limit", "3")).stdout.split("\n")
    expect(text[0]).toMatch(/^crawl\.images: Labelled, \d+ rows, .*[0-9a-f]{64}$/)
    expect(text[1]).toMatch(/^id +/)
    expect((await ask("show", "counts")).stdout).toContain('"happiness"')
    expect((await ask("show", "crawl", "--log")).code).toBe(0)
  })

  it("traces lineage up and down", async () => {
    await json("run")
    const up = (await json("lineage", "counts")) as {
      nodes: ReadonlyArray<{ kind: string; id: string }>
      edges: unknown
    }
    expect(up.nodes.filter(({ kind }) => kind === "source").length).toBeGreaterThan(10)
    expect((await ask("lineage", "crawl", "--down")).stdout).toMatch(/counts/)
    expect((await ask("lineage", "crawl", "--down", "--format", "mermaid")).stdout).toMatch(
      /^(flowchart|graph) /,
    )
    expect(await ask("lineage", "crawl", "--down", "--up")).toMatchObject({ code: 2, stdout: "" })
  })

  it("keeps a history, and a store that is whole", async () => {
    const runs = (await json("runs")) as ReadonlyArray<{ readonly status: string }>
    expect(runs.length).toBeGreaterThanOrEqual(3)
    expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(["ok"]))
    expect((await ask("runs", "--limit", "1")).stdout.trimEnd().split("\n")).toHaveLength(2)
    expect(await json("cache", "verify")).toMatchObject({ problems: [] })
    expect(await json("cache", "stats")).toHaveProperty("blobs")
    expect((await ask("cache", "gc", "--dry-run")).stdout).toMatch(/^would free /)
    expect(await ask("metrics")).toMatchObject({ code: 2, stdout: "" })
  })

  it("says what is different between two runs, and what it did", async () => {
    const same = (await json("run", "-t", "crawl")) as { readonly run: { readonly id: string } }
    const other = (await json("run", "-t", "crawl", "--set", "params.keywords={joy: [glad]}")) as typeof same
    expect((await ask("diff", same.run.id, same.run.id)).stdout).toBe("no node is different\n")
    expect((await ask("diff", same.run.id, other.run.id)).stdout).toMatch(
      /^crawl: other result\n {2}parameter keywords: .*"glad".*\n {2}images: \d+ rows → \d+ rows: \d+ added, \d+ removed\n {4}[+−] crawl-/,
    )
    expect(await json("diff", same.run.id, other.run.id)).toMatchObject({
      nodes: [{ id: "crawl", change: "other result" }],
    })
    expect(await ask("diff", same.run.id, "nothing")).toMatchObject({ code: 2, stdout: "" })
  })

  it("--watch runs again when the document changes, and goes on after a mistake in it", async () => {
    const before = readFileSync(documentFile, "utf8")
    const child = spawn(join(packageRoot, "bin", "dag"), ["run", "-t", "checked", "--watch"], {
      cwd: folder,
      env: { ...process.env, NO_COLOR: "1" },
    })
    let said = ""
    let heard = (): void => {}
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (part: Buffer) => {
        said += part.toString()
        heard()
      })
    }
    const until = (text: string): Promise<void> =>
      new Promise((resolve) => {
        heard = () => {
          if (!said.includes(text)) return
          said = said.slice(said.indexOf(text) + text.length)
          resolve()
        }
        heard()
      })
    await until("waiting for changes")
    writeFileSync(documentFile, before.replace("image.check", "image.chek"))
    await until('did you mean "image.check"?')
    await until("waiting for changes")
    writeFileSync(documentFile, before.replace("[sorrow]", "[sorrow, woe]"))
    await until("crawl runs (1 of 4 items)")
    await until("waiting for changes")
    writeFileSync(documentFile, before)
    child.kill("SIGINT")
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130)
  })

  it("draws the graph", async () => {
    expect((await ask("graph")).stdout).toMatch(/^flowchart LR\n/)
    expect((await ask("graph", "--format", "dot")).stdout).toMatch(
      /^digraph "faces" \{\n[^]*"crawl" -> "checked"/,
    )
    const svg = (await ask("graph", "--format", "svg")).stdout
    expect(svg).toMatch(/^<svg [^]*<\/svg>\n$/)
    for (const name of ["crawl", "checked", "hashed", "unique", "counts"])
      expect(svg).toContain(`>${name}</text>`)
  })
})

describe("the catalogue", () => {
  it("lists types, and shows one with ports, parameters, defaults", async () => {
    const all = (await json("nodes")) as ReadonlyArray<{ readonly type: string }>
    expect(all.map(({ type }) => type)).toContain("face.detect")
    expect((await ask("nodes", "face.detect")).stdout).toMatch(
      /minFaceSize +whole number, 12 to 10000 +default 20 /,
    )
    expect(await json("nodes", "crawl.search")).toMatchObject({
      inputs: [],
      outputs: [
        { name: "images", type: "Labelled" },
        { name: "rejected", type: "Rejects" },
      ],
    })
  })

  it("prints the editor's schema, the same as init writes", async () => {
    const printed = await ask("schema")
    expect(printed.stdout).toBe(readFileSync(join(folder, "pipelines", "pipeline.schema.json"), "utf8"))
  })
})

describe("manners", () => {
  it("keeps what a failed node said, and shows it until a result comes after it", async () => {
    const other = project()
    try {
      const document = (run: string): string =>
        `pipeline: a\nnodes:\n  one: { uses: command.run, with: { run: ${JSON.stringify(run)}, outputs: { o: o } } }\n`
      const at = (...args: ReadonlyArray<string>) => dag(other.folder, [...args, "-f", "p.yaml"])
      writeFileSync(join(other.folder, "p.yaml"), document("echo first words; echo x > o"))
      expect((await at("run", "--quiet")).code).toBe(0)
      expect((await at("show", "one", "--log")).stdout).toMatch(/^one ran in run \S+, .*\nfirst words\n$/u)
      writeFileSync(join(other.folder, "p.yaml"), document("echo last words; exit 7"))
      const failed = await at("run", "--quiet")
      expect(failed.code).toBe(1)
      const log = /^one failed in run \S+, .*\nlast words\nerror: .*7/u
      expect((await at("show", "one", "--log")).stdout).toMatch(log)
      // A collection leaves it: the run counts.
      expect((await at("cache", "gc")).code).toBe(0)
      expect((await at("show", "one", "--log")).stdout).toMatch(log)
      expect(JSON.parse((await at("show", "one", "--log", "--json")).stdout)).toMatchObject([
        { node: "one", status: "failed", log: "last words" },
      ])
      writeFileSync(join(other.folder, "p.yaml"), document("echo at last; echo y > o"))
      expect((await at("run", "--quiet")).code).toBe(0)
      expect((await at("show", "one", "--log")).stdout).toMatch(/^one ran .*\nat last\n$/u)
    } finally {
      other.remove()
    }
  })

  it("gives errors as JSON where that is asked for, and as text beside it", async () => {
    const { code, stdout, stderr } = await ask("plan", "-f", "nothing.yaml", "--json")
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        type: "DocumentError",
        diagnostics: [{ file: "nothing.yaml", message: "there is no such file" }],
      },
    })
    expect(stderr).toContain("nothing.yaml: there is no such file")
  })

  it("leaves no store behind where the document is wrong", async () => {
    const other = project()
    try {
      writeFileSync(join(other.folder, "p.yaml"), "pipeline: a\nnodes:\n  b: { uses: nothing }\n")
      expect((await dag(other.folder, ["run", "-f", "p.yaml"])).code).toBe(2)
      expect(existsSync(join(other.folder, "cache"))).toBe(false)
    } finally {
      other.remove()
    }
  })

  it("shows help for the program and every command", async () => {
    for (const args of [["--help"], ["run", "--help"], ["cache", "gc", "--help"]]) {
      const { code, stdout, stderr } = await ask(...args)
      expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" })
      expect(stdout).toContain("USAGE")
    }
  })

  it("keeps what finished when it is interrupted, says so, and exits with 130", async () => {
    const other = project()
    try {
      writeFileSync(
        join(other.folder, "slow.ts"),
        `import { Json, Schema, defineNode } from "facet"
export const quick = defineNode({ type: "test.quick", description: "Is quick.", outputs: { value: Json }, run: () => ({ value: 1 }) })
export default defineNode({
  type: "test.slow",
  description: "Takes its time.",
  inputs: { value: Json },
  outputs: { value: Json },
  run: ({ context }) => new Promise((_, reject) => context.signal.addEventListener("abort", () => reject(new Error("stopped")))),
})
`,
      )
      writeFileSync(
        join(other.folder, "p.yaml"),
        "pipeline: a\nplugins: [slow.ts]\nnodes:\n  one: { uses: test.quick }\n  two: { uses: test.slow, in: { value: one } }\n",
      )
      const child = spawn(join(packageRoot, "bin", "dag"), ["run", "-f", "p.yaml"], {
        cwd: other.folder,
        stdio: ["ignore", "pipe", "pipe"],
      })
      let said = ""
      const code = await new Promise<number | null>((resolve) => {
        child.stderr.on("data", (part: Buffer) => {
          said += part.toString()
          if (said.includes("two") && child.exitCode === null) child.kill("SIGINT")
        })
        child.on("close", resolve)
      })
      expect(code).toBe(130)
      expect(said).toContain("interrupted: what finished is kept")
      const { nodes } = JSON.parse(
        (await dag(other.folder, ["plan", "-f", "p.yaml", "--json"])).stdout,
      ) as Nodes
      expect(nodes.map(({ id, action }) => [id, action])).toEqual([
        ["one", "cached"],
        ["two", "run"],
      ])
    } finally {
      other.remove()
    }
  })
})
