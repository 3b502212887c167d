import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { NodeCheck } from "../../src/schema/check.ts"
import { dag, project } from "./dag.ts"

const PLUGIN = `import { defineNode, Files, Json, list, Schema, table } from "facet"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
const Rows = table("Rows", Schema.Struct({ id: Schema.String, deep: Schema.optionalKey(Schema.Unknown), blob: Schema.optionalKey(Schema.Unknown) }))
const turn = (file) => readFileSync(join(import.meta.dirname, "turn", file), "utf8").trim()
const ids = ["a", "b", "c", "d", "e", "f", "g"]
export const steady = defineNode({ type: "t.steady", description: "d", outputs: { out: Rows },
  run: () => ({ out: ids.map((id) => ({ id })) }) })
export const rows = defineNode({ type: "t.rows", description: "d", outputs: { out: Rows }, impl: () => import("./rows.ts") })
export const json = defineNode({ type: "t.json", description: "d", outputs: { out: Json, same: Json },
  run: () => ({ out: { figures: { accuracy: Number(turn("number")), f1: 1 }, list: [1, Number(turn("number"))] }, same: 1 }) })
export const files = defineNode({ type: "t.files", description: "d", outputs: { out: Files },
  run: () => ({ out: { "same.txt": new Uint8Array([1]), "sub/changed.bin": new TextEncoder().encode("abc" + turn("number")), ["only-" + turn("number")]: new Uint8Array([2, 3]) } }) })
export const each = defineNode({ type: "t.each", description: "d", inputs: { of: Rows }, outputs: { out: Rows },
  map: { over: "of", impl: () => import("./each.ts") } })
export const fails = defineNode({ type: "t.fails", description: "d", outputs: { out: Json },
  run: () => { if (turn("number") === "2") throw new Error("not today"); return { out: 1 } } })
export const trained = defineNode({ type: "t.trained", description: "d", outputs: { out: Json }, exact: "same-machine",
  run: () => ({ out: { weight: Number(turn("number")) / 3 } }) })
`
const ROWS = `import { readFileSync } from "node:fs"
import { join } from "node:path"
export default async ({ context }) => {
  const second = readFileSync(join(import.meta.dirname, "turn", "number"), "utf8").trim() === "2"
  const blob = await context.blobs.put(new Uint8Array([1, 2, second ? 9 : 3, 4]))
  const rows = [
    { id: "a", deep: { box: { x: second ? 0.25 : 0.5 }, label: "joy" } },
    { id: "b", blob },
    { id: "c" },
  ]
  return { out: second ? [...rows.slice(0, 2), { id: "d" }] : rows }
}`
const EACH = `import { readFileSync } from "node:fs"
import { join } from "node:path"
export default ({ item }) => {
  const number = readFileSync(join(import.meta.dirname, "turn", "number"), "utf8").trim()
  return { deep: item.id === "e" ? number : "same" }
}`

let place: ReturnType<typeof project>
const turn = (number: number): void => writeFileSync(join(place.folder, "turn", "number"), String(number))
const run = (...args: ReadonlyArray<string>) => dag(place.folder, ["run", "-f", "pipeline.yaml", ...args])
const checks = async (
  ...names: ReadonlyArray<string>
): Promise<{ readonly code: number; readonly checks: ReadonlyArray<NodeCheck> }> => {
  const { code, stdout } = await run("--json", ...names.flatMap((name) => ["--check", name]))
  return { code, checks: (JSON.parse(stdout) as { readonly checks: ReadonlyArray<NodeCheck> }).checks }
}
const remembered = (): string => {
  const db = new DatabaseSync(join(place.folder, "cache", "store.db"), { readOnly: true })
  try {
    const all = ["traces", "items", "chunk_results"].map((table) =>
      db.prepare(`SELECT * FROM ${table}`).all(),
    )
    return JSON.stringify(all)
  } finally {
    db.close()
  }
}

beforeAll(async () => {
  place = project()
  mkdirSync(join(place.folder, "turn"))
  const write = (path: string, text: string): void => writeFileSync(join(place.folder, path), text)
  write("plugin.ts", PLUGIN)
  write("rows.ts", ROWS)
  write("each.ts", EACH)
  const names = ["steady", "rows", "json", "files", "fails", "trained"]
  write(
    "pipeline.yaml",
    `pipeline: checked\nplugins: [./plugin.ts]\nnodes:\n${names.map((name) => `  ${name}: { uses: t.${name} }\n`).join("")}  each: { uses: t.each, in: { of: steady } }\n`,
  )
  turn(1)
  const targets = ["rows", "json", "files", "each", "fails", "trained"].flatMap((name) => ["-t", name])
  const first = await run("-q", ...targets)
  if (first.code !== 0) throw new Error(first.stderr)
})
afterAll(() => place.remove())

describe("a check", () => {
  it("of nodes that give the same again ends with 0, and computes a node first that never ran", async () => {
    turn(1)
    const { code, checks: all } = await checks("steady", "rows", "json", "files", "each")
    expect(code).toBe(0)
    expect(all.map(({ node, status }) => [node, status])).toEqual(
      ["steady", "rows", "json", "files", "each"].map((node) => [node, "same"]),
    )
    expect(all[1].ports.map(({ port, same }) => [port, same])).toEqual([["out", true]])
  })

  it("tells rows, fields and bytes that differ, and replaces nothing of the store", async () => {
    turn(2)
    const before = remembered()
    const { code, checks: all } = await checks("rows")
    expect(code).toBe(1)
    expect(all[0]).toMatchObject({
      node: "rows",
      status: "different",
      ports: [
        {
          port: "out",
          same: false,
          counts: { of: 3, changed: 2, added: 1, removed: 1 },
          first: [
            { at: 'row "a", field deep.box.x', before: "0.5", after: "0.25" },
            { at: 'row "b", field blob, byte 2', before: "0x03 of 4 bytes", after: "0x09 of 4 bytes" },
            { at: 'row "c"', before: '{"id":"c"}', after: null },
          ],
        },
      ],
    })
    expect(remembered()).toBe(before)
  })

  it("tells values of a document and bytes of files", async () => {
    turn(2)
    const { checks: all } = await checks("json", "files")
    expect(all[0].ports).toMatchObject([
      {
        port: "out",
        first: [
          { at: "figures.accuracy", before: "1", after: "2" },
          { at: "list[1]", before: "1", after: "2" },
        ],
      },
      { port: "same", same: true },
    ])
    expect(all[1].ports[0]).toMatchObject({
      counts: { of: 4, changed: 1, added: 1, removed: 1 },
      first: [
        { at: "only-1", before: "2 bytes", after: null },
        { at: "only-2", before: null, after: "2 bytes" },
        { at: "sub/changed.bin, byte 3", before: "0x31 of 4 bytes", after: "0x32 of 4 bytes" },
      ],
    })
  })

  it("computes every item of a mapping node again, whatever is remembered of them", async () => {
    turn(2)
    const before = remembered()
    const { code, checks: all } = await checks("each")
    expect(code).toBe(1)
    expect(all[0].ports[0]).toMatchObject({
      counts: { of: 7, changed: 1, added: 0, removed: 0 },
      first: [{ at: 'row "e", field deep', before: '"1"', after: '"2"' }],
    })
    expect(remembered()).toBe(before)
    turn(1)
    expect(await run("-q")).toMatchObject({ code: 0 })
  })

  it("of a node that fails the second time says so", async () => {
    turn(2)
    const { code, checks: all } = await checks("fails")
    expect(code).toBe(1)
    expect(all[0]).toMatchObject({ status: "failed", error: "not today" })
  })

  it("says where a result was made of a node that promises the same bits on the same machine alone", async () => {
    turn(2)
    expect(await checks("trained")).toMatchObject({
      code: 1,
      checks: [{ status: "different", environment: [] }],
    })
    const db = new DatabaseSync(join(place.folder, "cache", "store.db"))
    db.exec(
      `UPDATE traces SET seal = NULL, record = json_set(record, '$.environment.processor', 'Another Processor') WHERE node IN ('trained', 'json')`,
    )
    db.close()
    const { code, checks: all } = await checks("trained")
    expect(code).toBe(0)
    expect(all[0]).toMatchObject({
      status: "elsewhere",
      environment: [{ name: "processor", before: "Another Processor" }],
    })
    // A node that promises more is held to it, wherever it ran.
    expect(await checks("json")).toMatchObject({ code: 1, checks: [{ status: "different" }] })
  })

  it("is told to a person in a few lines", async () => {
    turn(2)
    const { code, stdout } = await run("-q", "--check", "rows")
    expect(code).toBe(1)
    expect(stdout.replaceAll(/[0-9a-f]{12}/gu, "DIGEST")).toContain(
      [
        "rows differs: computed again from the same inputs it gives something else",
        "  out: DIGEST → DIGEST: of 3 rows 2 differ, 1 came, 1 went",
        '    row "a", field deep.box.x: 0.5 → 0.25',
        '    row "b", field blob, byte 2: 0x03 of 4 bytes → 0x09 of 4 bytes',
        '    row "c": {"id":"c"} → absent',
      ].join("\n"),
    )
  })

  it("of a name that the document does not have is wrong usage", async () => {
    const { code, stderr } = await run("--check", "rovs")
    expect(code).toBe(2)
    expect(stderr).toContain("did you mean rows?")
  })
})
