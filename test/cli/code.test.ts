import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { dag, project, type Answer } from "./dag.ts"

let place: ReturnType<typeof project>
const path = (name: string): string => join(place.folder, name)
const write = (name: string, text: string): void => writeFileSync(path(name), text)
const edit = (name: string, from: string, to: string): void => {
  const text = readFileSync(path(name), "utf8")
  expect(text).toContain(from)
  write(name, text.replace(from, to))
}
const pack = (name: string, version: string, more: object = {}): void => {
  mkdirSync(path(`node_modules/${name}`), { recursive: true })
  write(
    `node_modules/${name}/package.json`,
    JSON.stringify({ name, version, type: "module", main: "index.js", ...more }),
  )
  if (!existsSync(path(`node_modules/${name}/index.js`)))
    write(`node_modules/${name}/index.js`, `export const ${name.replaceAll("-", "_")} = 1`)
}
const run = (...args: ReadonlyArray<string>): Promise<Answer> =>
  dag(place.folder, ["run", "-f", "pipeline.yaml", ...args])
/** The nodes that run now, in the order of the document. */
const ran = async (): Promise<ReadonlyArray<string>> => {
  const { stdout, stderr } = await run("--json")
  if (stdout === "") throw new Error(stderr)
  const { nodes } = JSON.parse(stdout) as {
    readonly nodes: ReadonlyArray<{ readonly id: string; readonly status: string }>
  }
  return nodes
    .filter(({ status }) => status !== "cached")
    .map(({ id, status }) => (status === "ran" ? id : `${id} ${status}`))
}
const explain = async (node: string): Promise<string> =>
  (await dag(place.folder, ["explain", node, "-f", "pipeline.yaml"])).stdout

const json = (name: string, rest: string): string =>
  `export const ${name} = defineNode({ type: "t.${name}", description: "d", outputs: { out: Json }, ${rest} })\n`

beforeEach(() => {
  place = project()
  write(
    "plugin.ts",
    `import { defineNode, Json } from "facet"
import { shared } from "./shared.ts"
import { once_used } from "once-used"
${json("lightA", "run: () => ({ out: shared(1) })")}${json("lightB", "run: () => ({ out: 2 })")}${json("lightC", "run: () => ({ out: once_used })")}${json("heavyA", 'impl: () => import("./heavy-a.ts")')}${json("heavyB", 'impl: () => import("./heavy-b.ts")')}
export { elsewhere } from "./nodes/elsewhere.ts"
${json("folded", 'impl: async () => ({ default: (await import("./heavy-a.ts")).other })')}`,
  )
  mkdirSync(path("nodes"))
  write(
    "nodes/elsewhere.ts",
    `import { defineNode, Json } from "facet"\n${json("elsewhere", 'impl: () => import("./heavy-a.ts")')}`,
  )
  write("nodes/heavy-a.ts", "export default () => ({ out: 'else' })\n")
  write(
    "heavy-a.ts",
    `import { shared } from "./shared.ts"\nexport default () => ({ out: shared(10) })\nexport const other = () => ({ out: 'other' })\n`,
  )
  write("heavy-b.ts", `import { deep } from "needs-deep"\nexport default () => ({ out: deep })\n`)
  write(
    "shared.ts",
    "/** Adds one. */\nexport const shared = (n: number): number => {\n  // why not\n  return n + 1\n}\nexport const unused = (n: number): number => n\n",
  )
  write("unrelated.ts", "export const nothing = 1\n")
  pack("once-used", "1.0.0", { sideEffects: false })
  pack("deeper", "1.0.0")
  pack("needs-deep", "1.0.0", { dependencies: { deeper: "^1" } })
  write("node_modules/needs-deep/index.js", "export const deep = 4")
  const types = ["lightA", "lightB", "lightC", "heavyA", "heavyB", "elsewhere", "folded"]
  write(
    "pipeline.yaml",
    `pipeline: code\nplugins: [./plugin.ts]\nnodes:\n${types.map((type) => `  ${type}: { uses: t.${type} }\n`).join("")}`,
  )
})
afterEach(() => place.remove())

describe("code", () => {
  it("edited reruns exactly the node types that use it", async () => {
    expect(await ran()).toHaveLength(7)
    expect(await ran()).toEqual([])

    edit("shared.ts", "// why not", "// because")
    edit("shared.ts", "/** Adds one. */", "")
    edit("shared.ts", "return n + 1", "return (n   +   1);")
    edit("heavy-b.ts", "export default", "\n\nexport    default")
    edit("unrelated.ts", "1", "2")
    edit("shared.ts", "=> n\n", "=> n * 3\n")
    expect(await ran()).toEqual([])

    edit("shared.ts", "(n   +   1)", "n + 2")
    expect(await explain("heavyA")).toContain("shared.ts:\n    -   return n + 1;\n    +   return n + 2;\n")
    // "folded" takes what it needs of a module when it runs: the whole module is its code.
    expect(await ran()).toEqual(["lightA", "heavyA", "folded"])

    edit("plugin.ts", "out: 2", "out: 3")
    expect(await ran()).toEqual(["lightB"])
    edit("nodes/heavy-a.ts", "'else'", "'elsewhere'")
    expect(await ran()).toEqual(["elsewhere"])
    edit("heavy-a.ts", "'other'", "'another'")
    expect(await ran()).toEqual(["folded"])
  })

  it("of packages: an upgrade reruns those that import it, one below it too, and explain tells the versions", async () => {
    await ran()
    pack("once-used", "1.1.0", { sideEffects: false })
    expect(await explain("lightC")).toContain("once-used: 1.0.0 → 1.1.0")
    expect(await ran()).toEqual(["lightC"])
    pack("needs-deep", "1.0.1", { dependencies: { deeper: "^1" } })
    expect(await ran()).toEqual(["heavyB"])
    pack("deeper", "1.2.0")
    expect(await explain("heavyB")).toMatch(
      /needs-deep: 1\.0\.1 \(with dependencies \w+\) → 1\.0\.1 \(with dependencies \w+\)/u,
    )
    expect(await ran()).toEqual(["heavyB"])
    pack("unused-by-all", "3.0.0")
    expect(await ran()).toEqual([])
  })

  it("of a linked package is code of one's own", async () => {
    mkdirSync(path("libs"))
    renameSync(path("node_modules/once-used"), path("libs/once-used"))
    symlinkSync(path("libs/once-used"), path("node_modules/once-used"))
    await ran()
    edit("libs/once-used/index.js", "= 1", "= 5")
    expect(await ran()).toEqual(["lightC"])
    edit("libs/once-used/index.js", "= 5", "= 5 // five")
    expect(await ran()).toEqual([])
  })
})

describe("code that is edited while a run is under way", () => {
  /** A node that says that it runs, and waits until it is told to go on. */
  const WAITS = `import { existsSync, writeFileSync } from "node:fs"
export default async ({ params }) => {
  writeFileSync(params.folder + "/started", "")
  while (!existsSync(params.folder + "/go-on")) await new Promise((resolve) => setTimeout(resolve, 10))
  return { out: 1 }
}`
  const until = async (name: string): Promise<void> => {
    while (!existsSync(path(name))) await new Promise((resolve) => setTimeout(resolve, 10))
  }

  beforeEach(() => {
    write("waits.ts", WAITS)
    write(
      "after.ts",
      `import { shared } from "./shared.ts"\nexport default ({ inputs }) => ({ out: shared(inputs.first) })\n`,
    )
    write(
      "plugin.ts",
      `import { defineNode, Json, Schema } from "facet"
export const waits = defineNode({ type: "t.waits", description: "d", outputs: { out: Json },
  params: Schema.Struct({ folder: Schema.String }), freeParams: ["folder"], impl: () => import("./waits.ts") })
export const after = defineNode({ type: "t.after", description: "d", inputs: { first: Json }, outputs: { out: Json },
  impl: () => import("./after.ts") })
export const reads = defineNode({ type: "t.reads", description: "d", inputs: { first: Json }, outputs: { out: Json },
  files: () => ({ file: "file.txt", folder: "folder" }), params: Schema.Struct({ edits: Schema.String }),
  impl: () => import("./reads.ts") })`,
    )
    write(
      "reads.ts",
      `import { readFileSync, writeFileSync, existsSync } from "node:fs"
import { dirname, join } from "node:path"
export default ({ params, context }) => {
  const text = readFileSync(context.files.file, "utf8") + readFileSync(join(context.files.folder, "a.txt"), "utf8")
  const target = join(dirname(context.files.file), params.edits)
  if (params.edits !== "" && !existsSync(target + ".done")) {
    writeFileSync(target + ".done", "")
    writeFileSync(target, "edited")
  }
  return { out: text }
}`,
    )
    write("file.txt", "first")
    mkdirSync(path("folder"))
    write("folder/a.txt", "a")
  })

  it("is not run under the name of what it was: the node fails, and runs as what it is next time", async () => {
    write(
      "pipeline.yaml",
      `pipeline: code\nplugins: [./plugin.ts]\nnodes:\n  waits: { uses: t.waits, with: { folder: "${place.folder}" } }\n  after: { uses: t.after, in: { first: waits } }\n`,
    )
    const first = run("--json")
    await until("started")
    edit("shared.ts", "n + 1", "n + 5")
    write("go-on", "")
    const answer = await first
    expect(answer.code).toBe(1)
    expect(answer.stdout).toContain("shared.ts changed after this run read it: run again")
    expect(await ran()).toEqual(["after"])
    const { stdout } = await dag(place.folder, ["show", "after", "-f", "pipeline.yaml", "--json"])
    expect((JSON.parse(stdout) as ReadonlyArray<{ readonly content: unknown }>)[0].content).toBe(6)
  })

  it.each(["file.txt", "folder/a.txt", "folder/new.txt"])(
    "%s, declared: no result of either content is kept",
    async (edits) => {
      write(
        "pipeline.yaml",
        `pipeline: code\nplugins: [./plugin.ts]\nnodes:\n  waits: { uses: t.waits, with: { folder: "${place.folder}" } }\n  reads: { uses: t.reads, in: { first: waits }, with: { edits: ${edits} } }\n`,
      )
      write("go-on", "")
      const first = await run("--json")
      expect(first.code).toBe(1)
      expect(first.stdout).toContain("changed while reads was reading it; its result is not kept: run again")
      expect(await ran()).toEqual(["reads"])
      expect(await ran()).toEqual([])
    },
  )
})
