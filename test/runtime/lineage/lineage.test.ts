import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { Lineage, LineageNode } from "../../../src/schema/lineage.ts"
import { lineageJson } from "../../../src/runtime/lineage/json.ts"
import { collected, summaries } from "../../../src/runtime/lineage/members.ts"
import { lineageMermaid } from "../../../src/runtime/lineage/mermaid.ts"
import { lineageTree } from "../../../src/runtime/lineage/render.ts"
import { ask, newRig, PICTURES, sketches, type Edits } from "./world.ts"

const ran = async (edits?: Edits) => {
  const rig = newRig()
  const record = await rig.run(sketches(edits))
  expect(record.nodes.flatMap((node) => node.error ?? [])).toEqual([])
  return { rig, record }
}
type Rig = Awaited<ReturnType<typeof ran>>["rig"]

const whole = (rig: Rig, ref: string, direction: "up" | "down" = "up"): Promise<Lineage> =>
  ask(rig, ref, direction, (found, store) => collected(store, found))
const tree = (rig: Rig, ref: string, direction: "up" | "down" = "up", limit = 5): Promise<string> =>
  ask(rig, ref, direction, async (found, store) =>
    lineageTree(found, found.direction, { members: await summaries(store, found, limit) }),
  )
const of = (lineage: Lineage, kind: LineageNode["kind"]): ReadonlyArray<LineageNode> =>
  lineage.nodes.filter((node) => node.kind === kind)
const labels = (lineage: Lineage, kind: LineageNode["kind"]): ReadonlyArray<string> =>
  of(lineage, kind).map((node) => node.label)

/** Without digests, which are not what these tests are about. */
const plain = (text: string): string =>
  text.replaceAll(/ {2}[0-9a-f]{10}\b/gu, "").replaceAll(/\b[0-9a-f]{10}\b/gu, "…")

describe("what a thing rests on", () => {
  it("lists exactly the samples a model learnt from, with label, split and source", async () => {
    const { rig } = await ran()
    const found = await whole(rig, "train.model")
    expect(
      of(found, "sample").map(({ attributes }) => [
        attributes["id"],
        attributes["label"],
        attributes["split"],
        (attributes["source"] as { readonly url: string }).url,
      ]),
    ).toEqual([
      ["one#0", "anger", "train", "http://example.test/one.jpg"],
      ["one#0~1", "anger", "train", "http://example.test/one.jpg"],
      ["one#1", "anger", "train", "http://example.test/one.jpg"],
      ["three", "fear", "val", "http://example.test/three.jpg"],
    ])
    // Neither what had no face, nor the twin, nor what balancing left out, nor the pictures of the test.
    expect(labels(found, "source")).toEqual(["http://example.test/one.jpg", "http://example.test/three.jpg"])
    expect(of(found, "node").map(({ attributes }) => attributes["node"])).toEqual([
      "train",
      "balance",
      "unique",
      "faces",
      "crawl",
    ])
  })

  it("lists what figures were measured on beside what was learnt from", async () => {
    const { rig } = await ran()
    const found = await whole(rig, "eval.evaluation")
    expect(
      of(found, "sample").map(({ attributes }) => [attributes["node"], attributes["id"]].join(" ")),
    ).toEqual([
      "tests final",
      "tests other",
      "balance one#0",
      "balance one#0~1",
      "balance one#1",
      "balance three",
    ])
  })

  it("draws a tree: a node and its output on a line, samples counted and the first named", async () => {
    const { rig } = await ran()
    const lines = (await tree(rig, "train.model", "up", 1)).split("\n")
    expect(lines.map(plain)).toEqual([
      "train.model  t.train  Json",
      "└─ images: balance.images  t.balance  4 rows",
      "   ├─ 4 samples: train 3, val 1; anger 3, fear 1",
      "   │     one#0  train  anger  http://example.test/one.jpg",
      "   │     … 3 more (--limit N, or all with --json)",
      "   └─ images: unique.unique  t.unique  4 rows",
      "      └─ images: faces.faces  t.faces  5 rows",
      "         └─ images: crawl.images  t.crawl  5 rows",
    ])
  })

  it("writes JSON whose every edge ends at a node, each node once", async () => {
    const { rig } = await ran()
    const written = await ask(rig, "eval", "up", async (found, store) => {
      let text = ""
      for await (const piece of lineageJson(store, found)) text += piece
      return { text, same: await collected(store, found) }
    })
    const parsed = JSON.parse(written.text) as Lineage
    expect(parsed).toEqual(JSON.parse(JSON.stringify(written.same)))
    const ids = parsed.nodes.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(parsed.edges.flatMap(({ from, to }) => [from, to]).filter((id) => !ids.includes(id))).toEqual([])
  })

  it("draws the samples of a table as one box", async () => {
    const { rig } = await ran()
    expect(await ask(rig, "eval.evaluation", "up", (found) => lineageMermaid(found))).toContain(
      '("4 samples")',
    )
  })

  it("keeps two nodes apart that gave the same", async () => {
    const rig = newRig()
    await rig.run([sketches()[0], { id: "again", uses: "t.same", in: { images: "crawl" } }])
    const found = await whole(rig, "again")
    expect(of(found, "artifact").map(({ attributes }) => attributes["node"])).toEqual(["again", "crawl"])
    const drawn = await tree(rig, "again")
    expect(drawn).toContain("images: crawl.images  t.crawl")
    expect(drawn).not.toContain("see above")
  })

  it("leads from a run to all that it did and what came of it", async () => {
    const { rig, record } = await ran()
    const second = await rig.run(sketches({ lr: 0.2 }))
    for (const ref of [second.id, "last"]) {
      const found = await whole(rig, ref)
      expect(
        Object.fromEntries(
          of(found, "node").map(({ attributes }) => [attributes["node"], attributes["status"]]),
        ),
      ).toEqual({
        eval: "ran",
        train: "ran",
        balance: "cached",
        unique: "cached",
        faces: "cached",
        crawl: "cached",
        tests: "cached",
      })
    }
    const params = (lineage: Lineage) =>
      of(lineage, "node").find(({ attributes }) => attributes["node"] === "train")!.attributes["params"]
    expect(params(await whole(rig, record.id))).toEqual({ lr: 0.1 })
    expect(params(await whole(rig, second.id))).toEqual({ lr: 0.2 })
    expect(params(await whole(rig, "eval"))).toEqual({ lr: 0.2 })
  })

  it("finds an artifact by its digest, of an earlier run too", async () => {
    const { rig, record } = await ran()
    await rig.run(sketches({ lr: 0.2 }))
    const { digest } = record.nodes.find(({ id }) => id === "train")!.outputs["model"]
    const found = await whole(rig, digest.slice(0, 12))
    expect(of(found, "artifact")[0].digest).toBe(digest)
    expect(of(found, "sample")).toHaveLength(4)
  })
})

describe("what a picture touched", () => {
  it("is its crops, its split, the models that saw it and what rests on them", async () => {
    const { rig } = await ran()
    expect(plain(await tree(rig, "http://example.test/one.jpg"))).toBe(
      `http://example.test/one.jpg  found by "anger face"; CC0
└─ fetched: crawl.images  one  anger, claimed anger by "anger face"
   ├─ t.faces: faces.faces  one#0  image … → …, + quality
   │  ├─ t.unique: unique.unique
   │  │  ├─ t.balance: balance.images  + split train
   │  │  │  └─ train: train.model  Json
   │  │  │     ├─ model: eval.predictions  2 rows
   │  │  │     └─ model: eval.evaluation  Json
   │  │  ├─ t.balance: balance.images  one#0~1  + copy, + split train
   │  │  │  └─ train: train.model  Json (see above)
   │  │  └─ images: balance.counts  Json
   │  └─ t.unique: unique.clusters  members one#0 twin, outcome kept
   └─ t.faces: faces.faces  one#1  image … → …, + quality
      └─ t.unique: unique.unique
         ├─ t.balance: balance.images  + split train
         │  └─ train: train.model  Json (see above)
         └─ images: balance.counts  Json`,
    )
  })

  it("answers to an id, a digest, a page, a file; a crop is asked for without its sisters", async () => {
    const { rig } = await ran()
    const byUrl = await whole(rig, "http://example.test/three.jpg")
    expect((await whole(rig, "three")).nodes).toEqual(byUrl.nodes)
    const { digest } = of(byUrl, "sample").find(({ attributes }) => attributes["node"] === "crawl")!
    const ids = (found: Lineage) => of(found, "sample").map(({ id }) => id)
    expect(ids(await whole(rig, digest!.slice(0, 12)))).toEqual(ids(byUrl))
    writeFileSync(join(rig.root, "three.png"), "three")
    expect(ids(await whole(rig, join(rig.root, "three.png")))).toEqual(ids(byUrl))

    const crop = await whole(rig, "one#1")
    expect(new Set(of(crop, "sample").map(({ attributes }) => attributes["id"]))).toEqual(
      new Set(["one", "one#1"]),
    )
    expect(plain(await tree(rig, "one#1"))).toContain("one#1  image … → …, + quality  ← asked for")
  })

  it("says what was decided about it: dropped, joined, left out, predicted", async () => {
    const { rig } = await ran()
    expect(await tree(rig, "two")).toContain("└─ t.faces: faces.rejected  dropped: no-face (nobody)")
    expect(await tree(rig, "http://example.test/gone.jpg")).toContain("crawl.rejected  dropped: http-404")
    const twin = await tree(rig, "twin")
    expect(twin).toContain("t.unique: unique.rejected  dropped: duplicate (one#0)")
    expect(twin).toContain("t.unique: unique.clusters  members one#0 twin, outcome kept")
    expect(await tree(rig, "spare")).toContain(
      "t.balance: balance  left out: not among its outputs, and no reason was recorded",
    )
    const seen = await tree(rig, "final")
    expect(seen).toContain("t.eval: eval.predictions  predicted fear (75 %) by m, labelled anger")
    // Judging a picture is not learning from it.
    expect(seen).not.toContain("train.model")
    // Of pictures of the test nobody is said to have left them out.
    expect(seen).not.toContain("left out")
    for (const kind of ["two", "twin", "spare"])
      expect(of(await whole(rig, kind), "node").map(({ label }) => label)).not.toContain("train (t.train)")
  })

  it("shows what a relabelling did and that the old label is gone", async () => {
    const { rig } = await ran()
    await rig.run(sketches({ pictures: { ...PICTURES, three: "anger" } }))
    const found = await whole(rig, "three")
    expect(of(found, "sample").map(({ attributes }) => attributes["label"])).toEqual(
      of(found, "sample").map(() => "anger"),
    )
  })
})

describe("what rests on a thing", () => {
  it("leads down from a node", async () => {
    const { rig } = await ran()
    const found = await whole(rig, "train", "down")
    expect(labels(found, "node")).toEqual(["train (t.train)", "eval (t.eval)"])
    expect(
      (await tree(rig, "train", "down")).split("\n").map((line) => line.replace(/(\w) {2}.*$/u, "$1")),
    ).toEqual(["train", "└─ train.model", "   ├─ model: eval.predictions", "   └─ model: eval.evaluation"])
  })
})

describe("a reference that nothing answers to", () => {
  const hint = async (ref: string): Promise<string> => {
    const { rig } = await ran()
    return ask(rig, ref, "up", () => "answered").catch((error: unknown) =>
      error instanceof Error && "hint" in error ? String(error.hint) : String(error),
    )
  }
  it.each([
    ["evl", "did you mean eval?"],
    ["eval.evaluaton", "eval gave predictions, evaluation; did you mean eval.evaluation?"],
    ["train.weights", "train gave model"],
    ["20990101-000000-abcd", "the newest runs:"],
    [
      "http://nowhere.test/x.jpg",
      "give a node (crawl, faces, unique, balance, tests, train, eval), NODE.PORT",
    ],
  ])("%s: %s", async (ref, expected) => {
    expect(await hint(ref)).toContain(expected)
  })

  it("says when nothing ran at all", async () => {
    const error: unknown = await ask(newRig(), "eval", "up", () => "answered").catch(
      (cause: unknown) => cause,
    )
    expect(error).toMatchObject({ _tag: "UnknownRef", hint: expect.stringContaining("run it first") })
  })
})
