import fc from "fast-check"
import { expect, it } from "vitest"
import { stringify } from "yaml"
import { overlay } from "../../../src/runtime/document/merge.ts"
import { orderNames } from "../../../src/runtime/document/order.ts"
import { parseYaml } from "../../../src/runtime/document/parse.ts"
import { nearest, Problems } from "../../../src/runtime/document/problems.ts"
import { makeSource } from "../../../src/runtime/document/source.ts"
import { plain, type MapTree } from "../../../src/runtime/document/tree.ts"
import { load } from "./catalogue.ts"

type Plain = { readonly [key: string]: unknown }
const key = fc.stringMatching(/^[a-z]{1,3}$/)
const scalar = fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[ -~]{0,12}$/), fc.constant(null))
const { value } = fc.letrec<{ value: unknown; map: Plain }>((tie) => ({
  value: fc.oneof({ depthSize: "small" }, scalar, fc.array(tie("value"), { maxLength: 4 }), tie("map")),
  map: fc.dictionary(key, tie("value"), { maxKeys: 5 }),
}))
const map = fc.dictionary(key, value, { maxKeys: 5 })

const tree = (value: unknown): MapTree => {
  const source = makeSource("t", stringify(value))
  const problems = new Problems([source])
  const parsed = parseYaml(source, problems)
  if (parsed?.kind !== "map") throw new Error(`no map: ${problems.failure.message}`)
  return parsed
}
const empty: MapTree = {
  kind: "map",
  entries: new Map(),
  at: { source: makeSource("t", ""), start: 0, end: 0 },
}

it("reads what the YAML library writes", () => {
  fc.assert(
    fc.property(map, (value) => {
      expect(plain(tree(value))).toEqual(value)
    }),
  )
})

it("overlay: nothing laid over changes nothing, the same twice is the same, one after the other as both together", () => {
  fc.assert(
    fc.property(map, map, map, (a, b, c) => {
      const [x, y, z] = [tree(a), tree(b), tree(c)]
      expect(plain(overlay(x, empty))).toEqual(a)
      expect(plain(overlay(empty, x))).toEqual(a)
      expect(plain(overlay(x, x))).toEqual(a)
      expect(plain(overlay(overlay(x, y), z))).toEqual(plain(overlay(x, overlay(y, z))))
      // What the overlay says holds, where it is no map.
      const said = Object.entries(b).filter(
        ([, value]) => typeof value !== "object" || value === null || Array.isArray(value),
      )
      expect(plain(overlay(x, y))).toMatchObject(Object.fromEntries(said))
    }),
  )
})

const document = {
  pipeline: "a",
  params: { seed: 3, lr: 0.1, sizes: [1, 2], words: { joy: ["a", "b"], fear: ["c"] } },
  nodes: {
    crawl: {
      uses: "crawl.search",
      with: { engine: "gallery", keywords: "${params.words}", perKeyword: 7 },
      retries: 2,
    },
    other: { uses: "crawl.search", with: { engine: "wikimedia", keywords: "${params.words}" } },
    raw: { uses: "dataset.merge", in: { sets: ["crawl", "other"] } },
    set: { uses: "dataset.label", in: { images: "raw" } },
    train: {
      uses: "model.train",
      in: { dataset: "set" },
      matrix: { model: ["x", "y"], lr: [1, 2] },
      with: { model: "${matrix.model}", lr: "${matrix.lr}" },
    },
    eval: { uses: "model.evaluate", in: { models: "train", sets: ["set"] } },
    why: {
      uses: "model.explain",
      each: "train",
      in: { model: "train" },
      with: { title: "t ${matrix.model}" },
    },
  },
}

/** The same document, keys of all maps in another order. */
const shuffled = (value: unknown, next: () => number): unknown => {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, next))
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [next(), key, shuffled(inner, next)] as const)
  return Object.fromEntries(entries.sort((a, b) => a[0] - b[0]).map(([, key, inner]) => [key, inner]))
}

const meaning = (text: string) =>
  new Map(
    load(text).graph.nodes.map(({ id, uses, params, inputs, seed, retries }) => [
      id,
      { uses, params, inputs, seed, retries },
    ]),
  )

it("order of keys, comments and layout change nothing of what the graph means", () => {
  const expected = meaning(stringify(document))
  expect(expected.size).toBe(13)
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat(1_000_000)), fc.boolean(), fc.nat(4), (numbers, flow, indent) => {
      const next = () => numbers.next().value ?? 0
      const text = stringify(shuffled(document, next), {
        indent: indent + 1,
        ...(flow ? { collectionStyle: "flow" as const } : {}),
      })
      const commented = flow
        ? text
        : text.replaceAll(/\n(?=\S)/g, () => (next() % 2 === 0 ? "\n# a comment\n\n" : "\n"))
      expect(meaning(`# head\n${commented}`)).toEqual(expected)
    }),
    { numRuns: 60 },
  )
})

it("order: every name after what feeds it, or on or behind a circle that is named", () => {
  const graph = fc
    .integer({ min: 1, max: 8 })
    .chain((size) =>
      fc
        .array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 14 })
        .map((edges) => ({ size, edges })),
    )
  fc.assert(
    fc.property(graph, ({ size, edges }) => {
      const names = Array.from({ length: size }, (_, index) => `n${index}`)
      const ups = (name: string) => edges.filter(([, to]) => names[to] === name).map(([from]) => names[from])
      const { order, cycles } = orderNames(names, ups)
      for (const [index, name] of order.entries()) {
        for (const up of ups(name)) expect(order.indexOf(up)).toBeLessThan(index)
        // Nothing earlier in the document could have come here.
        const before = new Set(order.slice(0, index))
        const possible = names.filter(
          (other) => !before.has(other) && ups(other).every((up) => before.has(up)),
        )
        expect(name).toBe(possible[0])
      }
      expect(cycles.length > 0).toBe(order.length < size)
      for (const cycle of cycles) {
        for (const [index, name] of cycle.entries()) {
          expect(ups(name)).toContain(cycle.at(index - 1))
        }
      }
    }),
  )
})

it("suggests only what is like the word", () => {
  expect(nearest("trian", ["train", "eval"])).toBe("train")
  expect(nearest("Train", ["train"])).toBe("train")
  expect(nearest("crawl", ["train", "eval", "faces"])).toBeUndefined()
})
