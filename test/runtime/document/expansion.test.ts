import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { load } from "./catalogue.ts"
import { head } from "./mistakes.ts"

const set = "  set: { uses: dataset.label, in: { images: crawl } }\n"
const train = `${set}  train:
    uses: model.train
    in: { dataset: set }
    matrix: { model: [res/net, dense], lr: [0.1, 1.0e-7] }
    with: { model: "\${matrix.model}", lr: "\${matrix.lr}" }
`
const nodes = (text: string, options?: Parameters<typeof load>[1]) =>
  new Map(load(`${head}${text}`, options).graph.nodes.map((node) => [node.id, node]))

describe("expansion", () => {
  it("makes one instance per combination, axes by name, values as listed", () => {
    expect([...nodes(train).keys()]).toEqual([
      "crawl",
      "set",
      "train[lr=0.1,model=res%2Fnet]",
      "train[lr=0.1,model=dense]",
      "train[lr=1e-7,model=res%2Fnet]",
      "train[lr=1e-7,model=dense]",
    ])
    expect(nodes(train).get("train[lr=1e-7,model=res%2Fnet]")?.params).toEqual({ model: "res/net", lr: 1e-7 })
  })

  it("takes a single value and a list by reference as axes", () => {
    const graph = nodes(
      `  d: { uses: face.detect, in: { images: crawl }, matrix: { a: "\${params.sizes}", b: 5 }, with: { minFaceSize: "\${matrix.a}" } }\n`,
    )
    expect([...graph.keys()]).toEqual(["crawl", "d[a=32,b=5]", "d[a=64,b=5]"])
  })

  it("hands all instances to a list port, and one to each of `each`", () => {
    const graph = nodes(
      `${train}  all: { uses: model.evaluate, in: { models: train, sets: set } }
  one: { uses: model.explain, each: train, in: { model: train }, with: { title: "at \${matrix.lr}" } }
  two: { uses: model.evaluate, each: one, in: { models: train, sets: set } }
  some: { uses: model.evaluate, in: { models: "train[model=dense]", sets: set } }
`,
    )
    expect(graph.get("all")?.inputs["models"]?.map(({ node }) => node)).toEqual(
      [...graph.keys()].filter((id) => id.startsWith("train[")),
    )
    expect(graph.get("one[lr=0.1,model=dense]")?.inputs).toEqual({
      model: [{ node: "train[lr=0.1,model=dense]", port: "model" }],
    })
    expect(graph.get("one[lr=0.1,model=dense]")?.params).toEqual({ title: "at 0.1" })
    // What belongs to an instance of `one` belongs to its instance of `train`.
    expect(graph.get("two[lr=0.1,model=dense]")?.inputs["models"]).toEqual([
      { node: "train[lr=0.1,model=dense]", port: "model" },
    ])
    expect(graph.get("some")?.inputs["models"]?.map(({ node }) => node)).toEqual([
      "train[lr=0.1,model=dense]",
      "train[lr=1e-7,model=dense]",
    ])
  })

  it("takes the first output that fits a port, and the rejected only by name", () => {
    const graph = nodes(
      `${train}  e: { uses: model.evaluate, in: { models: train, sets: set } }
  d: { uses: face.detect, in: { images: crawl }, with: { minFaceSize: 1 } }
  b: { uses: face.blur, in: { faces: d } }
`,
    )
    expect(graph.get("e")?.inputs["models"]?.[0]?.port).toBe("model")
    expect(graph.get("b")?.inputs["faces"]).toEqual([{ node: "d", port: "faces" }])
    expect(Object.entries(graph.get("d")!.outputs).map(([port, type]) => `${port}:${type.name}`)).toEqual([
      "faces:Faces",
      "rejected:Rejects",
    ])
  })

  it("follows the type of what feeds a `sameAs`", () => {
    const graph = nodes(
      `  d: { uses: face.detect, in: { images: crawl }, with: { minFaceSize: 1 } }
  l: { uses: dataset.label, in: { images: d } }
  both: { uses: dataset.merge, in: { sets: [l, d] } }
  blur: { uses: face.blur, in: { faces: both } }
`,
    )
    expect(graph.get("l")?.outputs["dataset"]?.name).toBe("Dataset+face")
    expect(graph.get("both")?.outputs["images"]?.name).toBe("Faces")
  })

  it("fills in references: whole values keep their type, `$${` is literal", () => {
    const graph = nodes(
      `  c:
    uses: crawl.search
    with: { engine: gallery, keywords: "\${params.keywords}", perKeyword: "\${params.sizes.1}", token: "$\${x} \${params.seed}/\${env.REGION}" }
`,
      { env: { REGION: "eu" } },
    )
    expect(graph.get("c")?.params).toEqual({
      engine: "gallery",
      keywords: { anger: ["rage", "fury"] },
      perKeyword: 64,
      token: "${x} 7/eu",
    })
  })

  it("keeps secrets out of the parameters", () => {
    const text = `  c: { uses: crawl.search, with: { engine: gallery, keywords: {}, token: "\${env.TOKEN}" } }\n`
    const node = nodes(text, { env: { TOKEN: "s3cret" } }).get("c")!
    expect(node.params["token"]).toEqual({ $secret: "TOKEN" })
    expect(node.secrets).toEqual({ TOKEN: "s3cret" })
    const { graph } = load(`${head}${text}`)
    expect(graph.nodes.find(({ id }) => id === "c")?.secrets).toEqual({})
    expect(graph.warnings.map(({ message }) => message)).toEqual(["the secret TOKEN is not set"])
    expect(JSON.stringify(node.params)).not.toContain("s3cret")
  })

  it("takes the seed of the node, else of the document", () => {
    const text = `${set}  a: { uses: model.train, in: { dataset: set }, with: { model: a, seed: 3 } }
  b: { uses: model.train, in: { dataset: set }, with: { model: a } }
`
    expect(nodes(text).get("a")?.seed).toBe(3)
    expect(nodes(text).get("b")?.seed).toBe(7)
    expect(nodes(text, { profile: ["paper"] }).get("b")?.seed).toBe(8)
    expect(nodes(text, { profile: ["paper"], set: ["params.seed=9"] }).get("b")?.seed).toBe(9)
  })

  it("reads retries, times, resources and optional", () => {
    const node = nodes(
      "  m: { uses: dataset.merge, in: { sets: crawl }, retries: 2, timeout: 1h30m, refresh: 7d, optional: true, resources: { memory: 4GB } }\n",
    ).get("m")!
    expect(node).toMatchObject({
      retries: 2,
      timeoutMs: 5_400_000,
      refreshMs: 604_800_000,
      optional: true,
      resources: { memory: "4GB" },
    })
    expect(nodes("").get("crawl")?.resources).toEqual({ net: 4 })
  })

  it("lays profiles and --set over the document, and points at the overlay's place", () => {
    const text = `pipeline: a
profiles:
  wrong:
    nodes: { c: { with: { perKeyword: 0 } } }
nodes:
  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }
`
    expect(() => load(text, { profile: ["wrong"] })).toThrow(/p\.yaml:4:39 nodes\.c\.with\.perKeyword/)
    const { graph } = load(text, {
      profile: ["wrong"],
      set: ["nodes.c.with.perKeyword=3", "nodes.c.with.keywords.joy=[a]"],
    })
    expect(graph.nodes[0]?.params).toEqual({ engine: "gallery", keywords: { joy: ["a"] }, perKeyword: 3 })
  })

  it("gives topological order, ties in the order of the document", () => {
    const text = `pipeline: a
nodes:
  z: { uses: dataset.merge, in: { sets: [b, c] } }
  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }
  y: { uses: dataset.merge, in: { sets: c } }
  b: { uses: crawl.search, with: { engine: gallery, keywords: {} } }
`
    expect(load(text).graph.nodes.map(({ id }) => id)).toEqual(["c", "y", "b", "z"])
  })

  it("resolves aliases and merge keys", () => {
    const text = `pipeline: a
x-common: &common { engine: gallery, keywords: { joy: [a] } }
nodes:
  c: { uses: crawl.search, with: { <<: *common, keywords: {} } }
  d: { uses: crawl.search, with: *common }
`
    const [c, d] = load(text).graph.nodes
    expect(c?.params).toEqual({ engine: "gallery", keywords: {}, perKeyword: 40 })
    expect(d?.params).toEqual({ engine: "gallery", keywords: { joy: ["a"] }, perKeyword: 40 })
  })

  it("tells the place of a path", () => {
    const loaded = load(`${head}${set}`)
    const locate = (path: ReadonlyArray<string>) => Effect.runSync(loaded.locate(path))
    expect(locate(["nodes", "crawl", "with", "engine"])).toMatchObject({ line: 12, column: 48 })
    expect(locate(["nodes", "crawl", "with", "nothing"])).toMatchObject({ line: 12, column: 32 })
  })
})
