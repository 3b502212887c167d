import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { dag, project, type Answer } from "./dag.ts"

let made: ReturnType<typeof project>
beforeAll(async () => {
  made = project()
  writeFileSync(join(made.folder, "raw.txt"), "b\na\n")
  writeFileSync(
    join(made.folder, "p.yaml"),
    `pipeline: p
nodes:
  raw: { uses: source.path, with: { path: raw.txt } }
  clean: { uses: command.run, in: { raw: raw }, with: { run: "sort raw > t", outputs: { table: t } } }
  count: { uses: command.run, in: { table: clean.table }, with: { run: "wc -l < table > n", outputs: { n: n } } }
`,
  )
  const { code, stderr } = await dag(made.folder, ["run", "-f", "p.yaml"])
  if (code !== 0) throw new Error(stderr)
}, 120_000)
afterAll(() => made.remove())

const lineage = (...args: ReadonlyArray<string>): Promise<Answer> =>
  dag(made.folder, ["lineage", "-f", "p.yaml", ...args])

describe("dag lineage", () => {
  it("draws where a figure comes from", async () => {
    const { code, stdout } = await lineage("count")
    expect(code).toBe(0)
    for (const name of ["count", "clean.table", "raw"]) expect(stdout).toContain(name)
  }, 60_000)

  it("writes PROV-JSONLD", async () => {
    const { code, stdout } = await lineage("count", "--format", "prov")
    expect(code).toBe(0)
    const document = JSON.parse(stdout) as {
      readonly "@context": ReadonlyArray<unknown>
      readonly "@graph": ReadonlyArray<{
        readonly "@type": string
        readonly "facet:node"?: ReadonlyArray<string>
      }>
    }
    expect(document["@context"].at(-1)).toBe("https://openprovenance.org/prov-jsonld/context.jsonld")
    const activities = document["@graph"].filter((one) => one["@type"] === "Activity")
    expect(activities.flatMap((one) => one["facet:node"] ?? []).sort()).toEqual(["clean", "count", "raw"])
  }, 60_000)

  it("writes OpenLineage events", async () => {
    const { code, stdout } = await lineage("last", "--format", "openlineage")
    expect(code).toBe(0)
    const events = JSON.parse(stdout) as ReadonlyArray<{
      readonly eventType: string
      readonly job: { readonly namespace: string; readonly name: string }
    }>
    expect(events.map(({ eventType, job }) => `${job.namespace}/${job.name} ${eventType}`).sort()).toEqual(
      ["clean", "count", "raw"].flatMap((name) => [`p/${name} COMPLETE`, `p/${name} START`]),
    )
  }, 60_000)

  it("writes a Run Crate: its metadata, or a new folder with the files", async () => {
    const { code, stdout } = await lineage("last", "--format", "ro-crate")
    expect(code).toBe(0)
    const out = await lineage("last", "--format", "ro-crate", "--out", "crate")
    expect([out.code, out.stdout]).toEqual([0, ""])
    expect(out.stderr).toContain("crate: ro-crate-metadata.json and ")
    const folder = join(made.folder, "crate")
    expect(readFileSync(join(folder, "ro-crate-metadata.json"), "utf8")).toBe(stdout)
    const { "@graph": graph } = JSON.parse(stdout) as {
      readonly "@graph": ReadonlyArray<{ readonly "@id": string; readonly "@type": unknown }>
    }
    const data = graph.filter((one) => /^(?:data|blobs)\//u.test(one["@id"]))
    expect(data.length).toBeGreaterThanOrEqual(2)
    expect(data.filter((one) => !existsSync(join(folder, one["@id"])))).toEqual([])

    const again = await lineage("last", "--format", "ro-crate", "--out", "crate")
    expect(again.code).toBe(2)
    expect(again.stderr).toContain("crate is there already, and not empty")
  }, 60_000)

  it("refuses --out for what goes to standard output, and names what it does not know", async () => {
    const prov = await lineage("count", "--format", "prov", "--out", "x")
    expect([prov.code, existsSync(join(made.folder, "x"))]).toEqual([2, false])
    expect(prov.stderr).toContain("--out is for --format ro-crate")
    const unknown = await lineage("cuont", "--format", "prov")
    expect(unknown.code).not.toBe(0)
    expect(unknown.stdout).toBe("")
    expect(unknown.stderr).toContain("did you mean count?")
  }, 60_000)
})
