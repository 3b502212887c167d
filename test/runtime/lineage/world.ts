import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterEach } from "vitest"
import { defineNode, Images, Json, Predictions, Rejects, sameAs, table } from "../../../src/api.ts"
import type { NodeDefinition, Sample } from "../../../src/api.ts"
import { lineage, Store, type OpenStore, type Traced } from "../../../src/runtime/engine.ts"
import { engineRig, type NodeSketch } from "../../kit/engine-rig.ts"

type Blobs = {
  readonly get: (ref: Sample["image"]) => Promise<Uint8Array>
  readonly put: (bytes: Uint8Array, media: string) => Promise<Sample["image"]>
}

const Cluster = Schema.Struct({
  id: Schema.String,
  members: Schema.Array(Schema.String),
  outcome: Schema.String,
})

/** Light node types that do to rows what a real pipeline does: find, reject, cut, join, split, copy, learn, judge. */
export const definitions: ReadonlyArray<NodeDefinition> = [
  defineNode({
    type: "t.crawl",
    description: "Pictures by name, `name: label`; one is not found.",
    outputs: { images: Images },
    params: Schema.Struct({ pictures: Schema.Record(Schema.String, Schema.String) }),
    map: {
      items: () => [{ id: "q" }],
      run: (async ({
        params,
        context,
      }: {
        params: { pictures: Readonly<Record<string, string>> }
        context: { blobs: Blobs }
      }) => ({
        rows: await Promise.all(
          Object.entries(params.pictures).map(async ([name, label]) => ({
            id: name,
            image: await context.blobs.put(new TextEncoder().encode(name), "image/png"),
            set: "crawl",
            source: { kind: "crawl", url: `http://example.test/${name}.jpg`, query: `${label} face` },
            licence: { name: "CC0" },
            label,
            claims: [{ label, by: `${label} face` }],
          })),
        ),
        rejected: [{ id: "gone", reason: "http-404", url: "http://example.test/gone.jpg" }],
      })) as never,
    },
  }),
  defineNode({
    type: "t.faces",
    description: "Two faces on the picture `one`, none on `two`, one on the others.",
    inputs: { images: Images },
    outputs: { faces: sameAs("images") },
    params: Schema.Struct({}),
    map: {
      over: "images",
      reads: ["image"],
      run: (async ({ item, context }: { item: Sample; context: { blobs: Blobs } }) => {
        const name = new TextDecoder().decode(await context.blobs.get(item.image))
        if (name === "two") return { rows: [], rejected: [{ reason: "no-face", detail: "nobody" }] }
        const crop = async (n: number) => ({
          image: await context.blobs.put(new TextEncoder().encode(`${name} ${n}`), "image/png"),
          quality: { n },
        })
        return name === "one" ? [await crop(1), await crop(2)] : [await crop(1)]
      }) as never,
    },
  }),
  defineNode({
    type: "t.unique",
    description: "Drops twins.",
    inputs: { images: Images },
    outputs: { unique: sameAs("images"), clusters: table("Clusters", Cluster), rejected: Rejects },
    params: Schema.Struct({}),
    run: async ({ inputs }) => {
      const rows = await inputs.images.all()
      const twin = (row: Sample): boolean => row.id.startsWith("twin")
      return {
        unique: rows.filter((row) => !twin(row)),
        clusters: rows.filter(twin).map(({ id }) => ({
          id: "one#0",
          members: ["one#0", id],
          outcome: "kept",
        })),
        rejected: rows.filter(twin).map(({ id }) => ({ id, reason: "duplicate", detail: "one#0" })),
      }
    },
  }),
  defineNode({
    type: "t.balance",
    description: "A split; a copy of the first row; `spare` is left out, unasked and unsaid.",
    inputs: { images: Images },
    outputs: { images: sameAs("images", "split"), counts: Json },
    params: Schema.Struct({ val: Schema.Array(Schema.String) }),
    run: async ({ inputs, params }) => {
      const all = await inputs.images.all()
      const rows = all
        .filter(({ id }) => id !== "spare")
        .map((row) => ({
          ...row,
          split: params.val.includes(row.id) ? ("val" as const) : ("train" as const),
        }))
      const copies = rows.slice(0, 1).map((row) => ({
        ...row,
        id: `${row.id}~1`,
        parent: row.id,
        copy: { kind: "resampled" as const, index: 1 },
      }))
      return { images: [...rows, ...copies], counts: { rows: rows.length } }
    },
  }),
  defineNode({
    type: "t.same",
    description: "What it gets.",
    inputs: { images: Images },
    outputs: { images: sameAs("images") },
    params: Schema.Struct({}),
    run: async ({ inputs }) => ({ images: await inputs.images.all() }),
  }),
  defineNode({
    type: "t.train",
    description: "Counts.",
    inputs: { images: Images },
    outputs: { model: Json },
    params: Schema.Struct({ lr: Schema.Number }),
    run: async ({ inputs, params }) => ({ model: { trainedOn: inputs.images.rows, lr: params.lr } }),
  }),
  defineNode({
    type: "t.eval",
    description: "Says fear of everything.",
    inputs: { model: Json, images: Images },
    outputs: { predictions: Predictions, evaluation: Json },
    params: Schema.Struct({}),
    run: async ({ inputs }) => {
      const rows = await inputs.images.all()
      const model = inputs.model as { readonly trainedOn: number; readonly lr: number }
      return {
        evaluation: {
          results: [{ model: "m", set: "tests", accuracy: model.trainedOn / 10 + model.lr }],
        },
        predictions: rows.map((row) => ({
          id: `m/${row.id}`,
          sample: row.id,
          image: row.image,
          model: "m",
          set: "s",
          label: row.label ?? "",
          predicted: "fear",
          probabilities: [0.75, 0.25],
        })),
      }
    },
  }),
]

export interface Edits {
  readonly pictures?: Readonly<Record<string, string>>
  readonly val?: ReadonlyArray<string>
  readonly lr?: number
}

export const PICTURES = {
  one: "anger",
  two: "anger",
  three: "fear",
  spare: "anger",
  twin: "anger",
}

export const sketches = (edits: Edits = {}): ReadonlyArray<NodeSketch> => [
  { id: "crawl", uses: "t.crawl", with: { pictures: edits.pictures ?? PICTURES } },
  { id: "faces", uses: "t.faces", in: { images: "crawl" } },
  { id: "unique", uses: "t.unique", in: { images: "faces" } },
  { id: "balance", uses: "t.balance", in: { images: "unique" }, with: { val: edits.val ?? ["three"] } },
  { id: "tests", uses: "t.crawl", with: { pictures: { other: "fear", final: "anger" } } },
  { id: "train", uses: "t.train", in: { images: "balance" }, with: { lr: edits.lr ?? 0.1 } },
  { id: "eval", uses: "t.eval", in: { model: "train", images: "tests" } },
]

const rigs: Array<ReturnType<typeof engineRig>> = []
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose()
})

/** A rig that is thrown away after the test. */
export const newRig = () => {
  const rig = engineRig(definitions)
  rigs.push(rig)
  return rig
}

type Rig = ReturnType<typeof engineRig>

/** Asks for a lineage and hands it on with the store still open. Throws where nothing answers. */
export const ask = <A>(
  rig: Rig,
  ref: string,
  direction: "up" | "down",
  body: (found: Traced, store: OpenStore) => A | Promise<A>,
): Promise<A> =>
  rig.store(async (store) => {
    const result = await Effect.runPromise(
      lineage({ pipeline: "test", ref, direction }).pipe(Effect.provideService(Store, store), Effect.result),
    )
    if (result._tag === "Failure") throw result.failure
    return body(result.success, store)
  })
