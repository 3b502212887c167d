import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { stringify } from "yaml"
import type { Catalogue } from "../../../src/runtime/catalogue.ts"
import { findDocument, keepDocument, type ReadDocument } from "../../../src/runtime/document/cache.ts"
import {
  checkEnvelope,
  openDocument,
  type Envelope,
  type LoadedDocument,
} from "../../../src/runtime/document/index.ts"
import { defineNode } from "../../../src/runtime/node.ts"
import { Files } from "../../../src/schema/artifact.ts"
import { catalogue as usual } from "./catalogue.ts"

const root = mkdtempSync(join(tmpdir(), "facet-kept-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newCache = () => ({ folder: join(root, String(folders++)), build: "b1" })

// A type whose ports the document decides, as those have that run any program.
const program = defineNode({
  type: "test.program",
  description: "Ports of its own.",
  outputs: {},
  openInputs: true,
  outputsOf: ({ gives }) => Object.fromEntries(gives.map((name) => [name, Files])),
  params: Schema.Struct({
    gives: Schema.Array(Schema.String),
    more: Schema.optionalKey(Schema.Unknown),
  }),
  run: () => ({}),
})
const catalogue: Catalogue = new Map([
  ...usual,
  ["test.program", { definition: program, fingerprint: "0", modules: {}, origin: { kind: "builtin" } }],
])

const read = (
  options: ReadDocument,
  types = catalogue,
): { readonly envelope: Envelope; readonly document: LoadedDocument } =>
  Effect.runSync(
    Effect.gen(function* () {
      const envelope = yield* openDocument(options)
      return { envelope, document: yield* checkEnvelope(envelope, types, options.env) }
    }),
  )

const keep = (cache: ReturnType<typeof newCache>, options: ReadDocument, types = catalogue) => {
  const { envelope, document } = read(options, types)
  const plugins = envelope.plugins.map(({ path }) => path)
  const kept = keepDocument(cache, options, { plugins, environment: envelope.environment }, types, document)
  return { kept, document }
}

/** What the document is by what was kept; undefined where it would be read anew. */
const found = (cache: ReturnType<typeof newCache>, options: ReadDocument, types = catalogue) =>
  findDocument(cache, options)?.open(types)

/** What others see of a loaded document; its places are compared where they are asked for. */
const whole = ({ graph, sources }: LoadedDocument) => ({ graph, sources })

const word = fc.stringMatching(/^[a-z]{1,6}$/)
const text = fc.string({ unit: "grapheme", maxLength: 8 }).filter((value) => !value.includes("${"))
const number = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((value) => value / 8)
const { json } = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    fc.oneof(number, fc.boolean(), fc.constant(null), text),
    fc.array(tie("json"), { maxLength: 3 }),
    fc.dictionary(fc.oneof(word, fc.constantFrom("1", "x y", "toString")), tie("json"), { maxKeys: 3 }),
  ),
}))

/** Documents of many shapes that are right: chains and trees of nodes, axes, ports of their own, profiles, variables. */
const documents = fc
  .record({
    seed: fc.nat(100),
    axis: fc.uniqueArray(fc.oneof(word, fc.integer({ min: 0, max: 99 }), fc.boolean()), {
      minLength: 1,
      maxLength: 4,
      selector: String,
    }),
    sources: fc.array(
      fc.record({
        engine: fc.constantFrom("gallery", "wikimedia"),
        words: fc.dictionary(word, fc.array(word)),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    programs: fc.array(
      fc.record({ gives: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }), more: json }),
      { maxLength: 4 },
    ),
    retries: fc.option(fc.nat(9)),
    optional: fc.option(fc.boolean()),
    timeout: fc.option(fc.constantFrom("90s", "1h30m")),
    resources: fc.option(fc.record({ net: fc.nat(9), memory: fc.constantFrom(7, "4GB") })),
    profile: fc.boolean(),
    value: fc.oneof(word, fc.constant("")),
  })
  .map((shape) => {
    const nodes: Record<string, unknown> = {}
    const common = {
      ...(shape.retries === null ? {} : { retries: shape.retries }),
      ...(shape.optional === null ? {} : { optional: shape.optional }),
      ...(shape.timeout === null ? {} : { timeout: shape.timeout, refresh: "7d" }),
      ...(shape.resources === null ? {} : { resources: shape.resources }),
    }
    for (const [i, { engine, words }] of shape.sources.entries())
      nodes[`crawl${i}`] = {
        uses: "crawl.search",
        with: { engine, keywords: words, token: "${env.PLACE}" },
        ...common,
      }
    const crawls = shape.sources.map((_, i) => `crawl${i}`)
    nodes["raw"] = { uses: "dataset.merge", in: { sets: crawls } }
    nodes["faces"] = { uses: "face.detect", in: { images: "raw" }, with: { minFaceSize: shape.seed } }
    nodes["set"] = { uses: "dataset.label", in: { images: "faces" } }
    nodes["train"] = {
      uses: "model.train",
      in: { dataset: "set" },
      matrix: { kind: shape.axis },
      with: { model: "m ${matrix.kind}", sizes: [1, 2] },
    }
    nodes["why"] = { uses: "model.explain", each: "train", in: { model: "train" } }
    for (const [i, { gives, more }] of shape.programs.entries()) {
      nodes[`run${i}`] = {
        uses: "test.program",
        in: {
          faces: "faces",
          models: "train.model",
          ...(i === 0 ? {} : { before: [`run${i - 1}.${shape.programs[i - 1]?.gives[0]}`] }),
        },
        with: { gives, more },
      }
    }
    const text = stringify({
      pipeline: "p",
      params: { seed: shape.seed },
      env: { PLACE: { default: "here" } },
      profiles: {
        other: { params: { seed: shape.seed + 1 }, nodes: { faces: { with: { minFaceSize: 99 } } } },
      },
      nodes,
    })
    const options: ReadDocument = {
      file: "p.yaml",
      root: "/project",
      env: shape.value === "" ? {} : { PLACE: shape.value },
      profile: shape.profile ? ["other"] : [],
      set: shape.profile ? ["params.seed=5"] : [],
      text,
    }
    return options
  })

describe("a document that was checked before", () => {
  it("comes back exactly as it would be read", () => {
    fc.assert(
      fc.property(documents, documents, (one, other) => {
        const cache = newCache()
        for (const options of [one, other]) {
          const { kept, document } = keep(cache, options)
          expect(kept).toBe(true)
          const again = found(cache, options)
          if (again === undefined) throw new Error("the document is not kept")
          expect(whole(again)).toEqual(whole(document))
        }
        // Another document beside it changes nothing; of one with other variables, the last is kept.
        const again = found(cache, one)
        const lost = again === undefined && isDeepStrictEqual(one.env, other.env)
        expect(lost).toBe(false)
        expect(whole(again ?? read(one).document)).toEqual(whole(read(one).document))
      }),
      { numRuns: 60 },
    )
  })

  const options: ReadDocument = {
    file: "p.yaml",
    root: "/project",
    env: { PLACE: "here", OTHER: "x" },
    profile: [],
    set: [],
    text: `pipeline: p
env: { PLACE: {} }
profiles: { big: { params: { seed: 9 } } }
nodes:
  a: { uses: crawl.search, with: { engine: gallery, keywords: {}, token: "\${env.PLACE}" } }
  b: { uses: test.program, in: { pictures: a }, with: { gives: [x] } }
`,
  }
  const withPrint = (type: string, fingerprint: string): Catalogue =>
    new Map(catalogue).set(type, { ...catalogue.get(type)!, fingerprint })

  it.each<readonly [string, Partial<ReadDocument>]>([
    ["an edit, be it a comment", { text: `${options.text}# more\n` }],
    ["another profile", { profile: ["big"] }],
    ["a parameter set", { set: ["nodes.b.with.gives=[y]"] }],
    ["another value of a variable that it declares", { env: { PLACE: "there", OTHER: "x" } }],
    ["a variable no longer set", { env: { OTHER: "x" } }],
    ["another name of the file", { file: "./p.yaml" }],
    ["another project", { root: "/elsewhere" }],
  ])("is read anew after %s", (_, change) => {
    const cache = newCache()
    keep(cache, options)
    expect(found(cache, options)).toBeDefined()
    expect(found(cache, { ...options, ...change })).toBeUndefined()
  })

  it("is read anew by another build of the program, and where a node type's code is another", () => {
    const cache = newCache()
    keep(cache, options)
    expect(found({ ...cache, build: "b2" }, options)).toBeUndefined()
    expect(found(cache, options, withPrint("test.program", "1"))).toBeUndefined()
    expect(
      found(cache, options, new Map([...catalogue].filter(([type]) => type !== "test.program"))),
    ).toBeUndefined()
    // Types that it does not use are nothing to it, and neither are variables that it does not declare.
    expect(found(cache, options, withPrint("model.train", "1"))).toBeDefined()
    expect(found(cache, { ...options, env: { ...options.env, OTHER: "y" } })).toBeDefined()
  })

  it("tells its warnings again, and places in its text", async () => {
    const cache = newCache()
    const warned = { ...options, text: `${options.text}x-notes: 1\n` }
    const { document } = keep(cache, warned)
    const graph = {
      ...document.graph,
      warnings: [
        {
          severity: "warning" as const,
          file: "p.yaml",
          line: 2,
          column: 8,
          length: 5,
          path: "env.PLACE",
          message: "?",
        },
      ],
    }
    const environment = new Map([["PLACE", { secret: false }]])
    expect(keepDocument(cache, warned, { plugins: [], environment }, catalogue, { ...document, graph })).toBe(
      true,
    )
    const again = found(cache, warned)
    expect(again?.graph.warnings).toEqual(graph.warnings)
    for (const path of [["nodes", "b", "with", "gives"], ["nodes", "b", "nothing"], ["env"]])
      expect(await Effect.runPromise(again!.locate(path))).toEqual(Effect.runSync(document.locate(path)))
  })

  it("is not kept with a secret, or when something of it cannot be written down", () => {
    const cache = newCache()
    const secret = {
      ...options,
      env: { PLACE: "hush-hush" },
      text: options.text.replace("PLACE: {}", "PLACE: { secret: true }"),
    }
    expect(keep(cache, secret).kept).toBe(false)
    expect(found(cache, secret)).toBeUndefined()
    const { document } = read(options)
    const [first, ...rest] = document.graph.nodes
    for (const value of [new Date(0), Number.NaN, undefined, new Map([[1, 2]]), () => 1]) {
      const graph = { ...document.graph, nodes: [{ ...first, params: { value } }, ...rest] }
      const declared = { plugins: [], environment: new Map() }
      expect(keepDocument(cache, options, declared, catalogue, { ...document, graph })).toBe(false)
    }
    expect(found(cache, options)).toBeUndefined()
  })

  it("is read anew where what is kept of it is damaged", () => {
    const cache = newCache()
    keep(cache, options)
    const [name] = readdirSync(cache.folder)
    const path = join(cache.folder, name)
    const content = readFileSync(path)
    for (let at = 0; at < content.length; at += 37) {
      const flipped = Buffer.from(content)
      flipped[at] ^= 1
      writeFileSync(path, flipped)
      expect(found(cache, options)).toBeUndefined()
    }
    for (const end of [0, 1, 64, 65, content.length - 1]) {
      writeFileSync(path, content.subarray(0, end))
      expect(found(cache, options)).toBeUndefined()
    }
    writeFileSync(path, content)
    expect(found(cache, options)).toBeDefined()
  })

  it("a store keeps the newest few", () => {
    const cache = newCache()
    for (let i = 0; i < 20; i++) keep(cache, { ...options, set: [`nodes.b.with.gives=[x${i}]`] })
    const names = readdirSync(cache.folder)
    expect(names).toHaveLength(16)
    expect(names.every((name) => statSync(join(cache.folder, name)).size > 100)).toBe(true)
    expect(found(cache, { ...options, set: ["nodes.b.with.gives=[x19]"] })).toBeDefined()
  })
})
