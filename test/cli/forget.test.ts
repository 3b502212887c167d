import { createServer, type Server } from "node:http"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { digestOf } from "../../src/schema/digest.ts"
import { dag, project } from "./dag.ts"

/** A source that fetches, crops, and a "model" that is made of all crops: what a pipeline of pictures is at least. */
const PLUGIN = `
import { defineNode, Faces, Files, Images, sameAs, Schema } from "facet"
import { createHash } from "node:crypto"
const digestOf = (text) => createHash("sha256").update(text).digest("hex")
export const crawl = defineNode({
  type: "t.crawl", description: "Fetch", outputs: { images: Images },
  params: Schema.Struct({ base: Schema.String, queries: Schema.Array(Schema.String) }),
  map: {
    items: ({ queries }) => queries.map((query) => ({ id: query })), itemParams: ["base"], bound: "io",
    run: async ({ item, params, context }) => {
      const names = await (await fetch(params.base + "/" + item.id)).json()
      return Promise.all(names.map(async (name) => {
        const url = params.base + "/" + name
        const image = await context.blobs.put(new Uint8Array(await (await fetch(url)).arrayBuffer()))
        return { id: "crawl-" + digestOf(url).slice(0, 12), image, set: "crawl", source: { kind: "crawl", url }, label: item.id }
      }))
    },
  },
})
export const crop = defineNode({
  type: "t.crop", description: "Crop", inputs: { images: Images }, outputs: { images: sameAs("images") },
  map: {
    over: "images", reads: ["image"],
    run: async ({ item, context }) => {
      const bytes = await context.blobs.get(item.image)
      return { image: await context.blobs.put(bytes.slice(0, bytes.length / 2)) }
    },
  },
})
export const train = defineNode({
  type: "t.train", description: "Train", inputs: { images: Images }, outputs: { model: Files }, present: ["model"],
  run: async ({ inputs, context }) => {
    const parts = []
    for (const row of await inputs.images.all()) parts.push(row.source.url, Buffer.from(await context.blobs.get(row.image)).toString("latin1"))
    return { model: { "model.txt": Buffer.from(parts.join("\\n"), "latin1") } }
  },
})
export default [crawl, crop, train]
`

/** Pictures by name: bytes that are found again wherever they lie in the clear. */
const picture = (name: string): Buffer => Buffer.from(`<${name}>`.repeat(60).padEnd(1200, "."))

let server: Server
let base = ""
const fetched: Array<string> = []
let home: ReturnType<typeof project>
beforeEach(async () => {
  fetched.length = 0
  server = createServer((request, response) => {
    const name = (request.url ?? "/").slice(1)
    fetched.push(name)
    if (name === "joy" || name === "fear") {
      const names = name === "joy" ? ["a.png", "b.png", "c.png"] : ["d.png", "e.png"]
      return response.end(JSON.stringify(names))
    }
    response.end(picture(name))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  home = project()
  mkdirSync(join(home.folder, "pipelines"))
  writeFileSync(join(home.folder, "nodes.ts"), PLUGIN)
  writeFileSync(
    join(home.folder, "pipelines", "fer.pipeline.yaml"),
    `pipeline: p
plugins: [./nodes.ts]
nodes:
  crawl: { uses: t.crawl, with: { base: "${base}", queries: [joy, fear] } }
  crop: { uses: t.crop, in: { images: crawl } }
  train: { uses: t.train, in: { images: crop } }
`,
  )
})
afterEach(async () => {
  home.remove()
  await new Promise((resolve) => server.close(resolve))
})

const ask = async (...args: ReadonlyArray<string>) => {
  const answer = await dag(home.folder, args)
  expect(answer).toMatchObject({ code: 0 })
  return answer.stdout
}
const json = async (...args: ReadonlyArray<string>): Promise<never> =>
  JSON.parse(await ask(...args, "--json")) as never

/** Files under the cache in which some bytes lie in the clear. */
const holding = (bytes: Buffer | string, folder = join(home.folder, "cache")): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return holding(bytes, path)
    return readFileSync(path).includes(bytes) ? [path] : []
  })

interface PlanJson {
  readonly nodes: ReadonlyArray<{ readonly id: string; readonly action: string; readonly reason: string }>
}
interface RunJson {
  readonly nodes: ReadonlyArray<{
    readonly id: string
    readonly status: string
    readonly key: string
    readonly items?: { readonly ran: number }
    readonly outputs: Readonly<Record<string, { readonly digest: string; readonly rows?: number }>>
  }>
}
const byNode = (run: RunJson) => new Map(run.nodes.map((node) => [node.id, node]))

describe("dag forget", () => {
  it("takes a picture out of tables, models and disk, and keeps it out", async () => {
    const first = byNode(await json("run"))
    expect(first.get("crawl")?.outputs["images"]?.rows).toBe(5)
    const url = `${base}/b.png`
    expect(holding(picture("b.png")).length).toBeGreaterThan(0)

    const dry = await ask("forget", "--url", url, "--dry-run")
    expect(dry).toContain("would compute again: crawl, crop, train")
    expect(dry).toContain("train.model (Files)")
    expect(existsSync(join(home.folder, "forgotten.jsonl"))).toBe(false)
    const before: PlanJson = await json("plan")
    expect(before.nodes.map(({ action }) => action)).toEqual(["cached", "cached", "cached"])

    expect(await ask("forget", "--url", url, "--reason", "asked by mail")).toContain("1 picture")
    const line = readFileSync(join(home.folder, "forgotten.jsonl"), "utf8")
    expect(line).not.toContain("b.png")
    expect(JSON.parse(line)).toMatchObject({ digests: [digestOf(picture("b.png"))], reason: "asked by mail" })

    const planned: PlanJson = await json("plan")
    expect(planned.nodes.map(({ action }) => action)).toEqual(["run", "depends", "depends"])
    expect(planned.nodes[0]?.reason).toContain("taken back")

    fetched.length = 0
    const second = byNode(await json("run"))
    // Nothing is fetched for it, and nothing computed but what rests on it.
    expect(fetched).toEqual([])
    expect(second.get("crop")?.items?.ran).toBe(0)
    expect(second.get("crawl")?.outputs["images"]?.rows).toBe(4)
    expect(second.get("crawl")?.key).toBe(first.get("crawl")?.key)
    const model = join(home.folder, "cache", "out", "train", "model.txt")
    expect(readFileSync(model, "latin1")).not.toContain("b.png")
    const rejected = await ask("show", "crawl.rejected")
    expect(rejected).toContain("forgotten")
    expect(rejected).not.toContain("b.png")

    const collected = await ask("cache", "gc")
    expect(collected).toContain("what was forgotten is gone from the disk")
    for (const trace of [picture("b.png"), picture("b.png").subarray(0, 600), "b.png"])
      expect(holding(trace)).toEqual([])
    expect(holding(picture("a.png")).length).toBeGreaterThan(0)
    expect(JSON.parse(await ask("cache", "verify", "--json"))).toMatchObject({ problems: [] })

    const refreshed = byNode(await json("run", "--refresh", "crawl"))
    expect(fetched).toContain("b.png")
    expect(refreshed.get("crawl")?.outputs["images"]?.digest).toBe(
      second.get("crawl")?.outputs["images"]?.digest,
    )
    expect(holding(picture("b.png"))).toEqual([])
    expect(holding("b.png")).toEqual([])
    const after: PlanJson = await json("plan")
    expect(after.nodes.map(({ action }) => action)).toEqual(["cached", "cached", "cached"])
  }, 120_000)

  it("is honoured by another machine, whose results were made before the request came", async () => {
    await ask("run")
    const other = project()
    for (const name of ["pipelines", "nodes.ts", "cache"])
      cpSync(join(home.folder, name), join(other.folder, name), { recursive: true })
    await ask("forget", "--digest", digestOf(picture("d.png")))
    // The request comes with the project's files; the store of that machine knows nothing of it.
    writeFileSync(
      join(other.folder, "forgotten.jsonl"),
      readFileSync(join(home.folder, "forgotten.jsonl"), "utf8"),
    )
    const there = async (...args: ReadonlyArray<string>) => (await dag(other.folder, args)).stdout
    const planned = JSON.parse(await there("plan", "--json")) as PlanJson
    expect(planned.nodes.map(({ action }) => action)).toEqual(["run", "depends", "depends"])
    const run = byNode(JSON.parse(await there("run", "--json")) as RunJson)
    expect(run.get("crawl")?.outputs["images"]?.rows).toBe(4)
    expect(await there("cache", "gc")).toContain("gone from the disk")
    expect(holding(picture("d.png"), join(other.folder, "cache"))).toEqual([])
    expect(holding("d.png", join(other.folder, "cache"))).toEqual([])
    other.remove()
  }, 120_000)

  it("reruns nothing that it does not touch", async () => {
    await ask("run")
    expect(await ask("forget", "--url", "https://example.org/never-seen.png")).toContain(
      "nothing in this store",
    )
    const planned: PlanJson = await json("plan")
    expect(planned.nodes.map(({ action }) => action)).toEqual(["cached", "cached", "cached"])
  }, 60_000)

  it("says what is wrong with what it is given", async () => {
    for (const [args, message] of [
      [[], "forget what?"],
      [["--digest", "abc"], "not a sha256"],
      [["--near", "nodes.ts"], "--near nodes.ts"],
    ] as const) {
      const answer = await dag(home.folder, ["forget", ...args])
      expect(answer.code).toBe(2)
      expect(answer.stderr).toContain(message)
    }
    writeFileSync(join(home.folder, "forgotten.jsonl"), "{}\nnonsense\n")
    const answer = await dag(home.folder, ["run"])
    expect(answer.code).toBe(2)
    expect(answer.stderr).toContain("forgotten.jsonl:1")
  }, 60_000)
})
