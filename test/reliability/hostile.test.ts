import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import * as Schema from "effect/Schema"
import { afterEach, describe, expect, it } from "vitest"
import { defineNode, Files, Json, table } from "../../src/api.ts"
import { readJson, readTable } from "../../src/runtime/engine.ts"
import { dag, project } from "../cli/dag.ts"
import { engineRig, type NodeSketch } from "../kit/engine-rig.ts"

const Rows = table("Rows", Schema.Struct({ id: Schema.String, n: Schema.Int }))

const makeRig = (given: {
  files?: unknown
  rows?: ReadonlyArray<{ id: string; n: number }>
  value?: unknown
}) =>
  engineRig([
    defineNode({
      type: "t.files",
      description: "",
      outputs: { files: Files },
      present: ["files"],
      run: (async () => ({ files: given.files })) as never,
    }),
    defineNode({
      type: "t.rows",
      description: "",
      outputs: { rows: Rows, value: Json },
      run: (async () => ({ rows: given.rows ?? [], value: given.value ?? null })) as never,
    }),
    defineNode({
      type: "t.same",
      description: "",
      inputs: { rows: Rows },
      outputs: { rows: Rows },
      map: { over: "rows", run: (({ item }: { item: { n: number } }) => ({ n: item.n + 1 })) as never },
    }),
  ])
type Rig = ReturnType<typeof makeRig>
const rigs: Array<Rig> = []
const folders: Array<string> = []
const rigOf = (given: Parameters<typeof makeRig>[0]): Rig => {
  const rig = makeRig(given)
  rigs.push(rig)
  return rig
}
afterEach(() => {
  for (const one of rigs.splice(0)) one.dispose()
  for (const one of folders.splice(0)) rmSync(one, { recursive: true, force: true })
})
const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "facet-hostile-"))
  folders.push(folder)
  return folder
}
const files: ReadonlyArray<NodeSketch> = [{ id: "files", uses: "t.files" }]

describe("files with names that lead elsewhere", () => {
  const bytes = new TextEncoder().encode("evil")
  it.each([
    "../evil",
    "a/../../evil",
    "/tmp/facet-evil",
    "..",
    ".",
    "",
    "a//b",
    "..\\evil",
    "a\\..\\..\\evil",
    "a/../b",
    "./a",
    "a/",
    "a\0b",
    "fine.txt/below",
  ])("are refused: %j", async (path) => {
    const rig = rigOf({ files: { "fine.txt": bytes, [path]: bytes } })
    const record = await rig.run(files)
    expect(record.nodes[0].status).toBe("failed")
    expect(record.nodes[0].error).toMatch(/plain relative path|a file of the artifact and a folder/u)
    expect(existsSync(join(rig.root, "cache", "out"))).toBe(false)
    expect(readdirSync(rig.root).sort()).toEqual(["cache"])
  })

  it.each(["__proto__", "constructor", "toString", "a b", "ä\u0301", "-rf", "con.txt", ".hidden", "a\nb"])(
    "are taken as they are where they lead nowhere: %j",
    async (path) => {
      const rig = rigOf({ files: Object.fromEntries([[path, bytes]]) })
      const record = await rig.run(files)
      expect(record.nodes[0].error).toBeUndefined()
      expect(existsSync(join(rig.root, "cache", "out", "files", path))).toBe(true)
    },
  )

  it("that are links out of the folder give content, never a link; pipes and circles are refused", async () => {
    const folder = temporary()
    writeFileSync(join(folder, "secret"), "not to be linked")
    mkdirSync(join(folder, "out"))
    symlinkSync(join(folder, "secret"), join(folder, "out", "link"))
    const rig = rigOf({ files: join(folder, "out") })
    const record = await rig.run(files)
    expect(record.nodes[0].error).toBeUndefined()
    const laid = readdirSync(join(rig.root, "cache", "out", "files"), { withFileTypes: true })
    expect(laid.filter((entry) => entry.isSymbolicLink())).toEqual([])

    symlinkSync(join(folder, "out"), join(folder, "out", "circle"))
    const circle = rigOf({ files: join(folder, "out") })
    expect((await circle.run(files)).nodes[0].error).toMatch(/link back to a folder/u)
  })
})

describe("names of JavaScript's own", () => {
  const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"]
  it("are ids, fields and values like any other", async () => {
    const rows = NAMES.map((id, n) => ({ id, n }))
    const value = JSON.parse(
      `{ "__proto__": { "polluted": 1 }, "constructor": { "prototype": { "polluted": 1 } } }`,
    ) as unknown
    const rig = rigOf({ rows, value })
    const nodes: ReadonlyArray<NodeSketch> = [
      { id: "rows", uses: "t.rows" },
      { id: "constructor", uses: "t.same", in: { rows: "rows" } },
    ]
    const record = await rig.run(nodes)
    expect(record.nodes.map(({ error }) => error)).toEqual([undefined, undefined])
    const [given, same] = await rig.store(async (store) => [
      readJson(store.blobs, record.nodes[0].outputs["value"].digest),
      await readTable<{ id: string; n: number }>(store.blobs, record.nodes[1].outputs["rows"].digest).all(),
    ])
    expect(JSON.stringify(given)).toBe(JSON.stringify(value))
    expect(
      Object.fromEntries(
        (same as ReadonlyArray<{ id: string; n: number }>).map(({ id, n }) => [`:${id}`, n]),
      ),
    ).toEqual(Object.fromEntries(rows.map(({ id, n }) => [`:${id}`, n + 1])))
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    expect((await rig.plan(nodes)).nodes.map(({ action }) => action)).toEqual(["cached", "cached"])
  })

  it("pass through a table whatever the ids are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...NAMES)), { maxLength: 12 }),
        async (ids) => {
          const rig = makeRig({ rows: ids.map((id, n) => ({ id, n })) })
          try {
            const record = await rig.run([
              { id: "rows", uses: "t.rows" },
              { id: "same", uses: "t.same", in: { rows: "rows" } },
            ])
            expect(record.nodes.map(({ error }) => error)).toEqual([undefined, undefined])
            const same = await rig.store((store) =>
              readTable<{ id: string; n: number }>(store.blobs, record.nodes[1].outputs["rows"].digest).all(),
            )
            expect(same).toEqual(
              [...ids].map((id, n) => ({ id, n: n + 1 })).sort((a, b) => (a.id < b.id ? -1 : 1)),
            )
          } finally {
            rig.dispose()
          }
        },
      ),
      { numRuns: 25, seed: 3 },
    )
  })
})

describe("documents that mean harm", () => {
  const at = async (text: string, args: ReadonlyArray<string> = ["plan"]) => {
    const { folder, remove } = project()
    try {
      writeFileSync(join(folder, "p.yaml"), text)
      const answer = await dag(folder, ["-f", "p.yaml", ...args])
      return { ...answer, made: readdirSync(folder).sort() }
    } finally {
      remove()
    }
  }
  const SOURCE = "{ uses: gallery.heldout, with: { perClass: 1, subjects: 1 } }"
  it.each<readonly [string, string, RegExp]>([
    ["a node named ..", `pipeline: a\nnodes:\n  "..": ${SOURCE}\n`, /p\.yaml:3:3/u],
    ["a node named ../../evil", `pipeline: a\nnodes:\n  "../../evil": ${SOURCE}\n`, /p\.yaml:3:3/u],
    ["a node named __proto__", `pipeline: a\nnodes:\n  __proto__: ${SOURCE}\n`, /p\.yaml:3:3/u],
    ["a pipeline named ../evil", `pipeline: ../evil\nnodes:\n  n: ${SOURCE}\n`, /p\.yaml:1:11/u],
    [
      "a port with a path in it",
      `pipeline: a\nnodes:\n  n: ${SOURCE}\n  m: { uses: dataset.merge, in: { sets: ["n.../../x"] } }\n`,
      /p\.yaml:4/u,
    ],
    [
      "an output outside of the scratch folder",
      `pipeline: a\nnodes:\n  n: { uses: command.run, with: { run: "true", outputs: { o: ../../evil } } }\n`,
      /p\.yaml:3/u,
    ],
    [
      "an output with an absolute path",
      `pipeline: a\nnodes:\n  n: { uses: command.run, with: { run: "true", outputs: { o: /etc/passwd } } }\n`,
      /p\.yaml:3/u,
    ],
    [
      "a port named __proto__",
      `pipeline: a\nnodes:\n  n: { uses: command.run, with: { run: "true", outputs: { __proto__: x } } }\n`,
      /p\.yaml:3/u,
    ],
  ])("%s is refused at its place", async (_, text, place) => {
    const { code, stderr, made } = await at(text)
    expect(`${code} ${stderr}`).toMatch(/^2 /u)
    expect(stderr).toMatch(place)
    expect(stderr).not.toMatch(/fault in the program/u)
    expect(made).not.toContain("evil")
  })

  it("of 10 MB, valid YAML, are refused before they are read", async () => {
    const many = Array.from(
      { length: 110_000 },
      (_, n) => `  n${n}: { uses: dataset.merge, in: { sets: [x${n}] }, with: { classes: [a, b, c] } }\n`,
    )
    const { code, stderr } = await at(`pipeline: a\nnodes:\n${many.join("")}`)
    expect(code).toBe(2)
    expect(stderr).toMatch(/too large/u)
  })
})
