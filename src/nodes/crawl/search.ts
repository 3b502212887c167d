import * as Schema from "effect/Schema"
import { defineNode } from "../../runtime/node.ts"
import { Labelled } from "../../schema/artifact.ts"
import { between, param, whole } from "../model/param.ts"
import { queriesOf } from "./queries.ts"

export const Params = Schema.Struct({
  engine: param(
    Schema.Literals(["gallery", "wikimedia"]),
    "gallery",
    "gallery: the local image service of this program, no network; wikimedia: Wikimedia Commons (needs `contact`)",
  ),
  baseUrl: Schema.optionalKey(
    Schema.String.annotate({
      description: "address of the search API, for another server that speaks it; default: the engine's",
    }),
  ),
  keywords: Schema.Record(Schema.String, Schema.Array(Schema.String)).annotate({
    description: "class → words to search for; each word is crawled, and kept, by itself",
  }),
  template: param(Schema.String, "{keyword} face", "the query made of a word"),
  perKeyword: param(whole(1, 10_000), 40, "pictures asked for per word, in the order of the engine"),
  width: param(whole(32, 10_000), 640, "width in pixels of the thumbnails asked for"),
  minSize: param(
    whole(0, 100_000),
    0,
    "shorter side in pixels below which a result is not fetched, as the engine states it",
  ),
  maxBytes: param(whole(1, 1_000_000_000), 20_000_000, "longest answer read for a picture, in bytes"),
  licences: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description:
        'licences taken, such as ["CC0", "CC BY", "Public domain"]; a name without a version means all of its versions; default: any',
    }),
  ),
  seed: Schema.optionalKey(
    Schema.Int.annotate({ description: "which world the gallery shows; default: the document's seed" }),
  ),
  contact: Schema.optionalKey(
    Schema.String.annotate({
      description: "e-mail or web address sent in the User-Agent, as Wikimedia's policy asks for",
    }),
  ),
  timeout: param(between(0.01, 3600), 60, "seconds one download may take altogether"),
  idle: param(between(0.01, 600), 15, "seconds without an answer, or a further byte of it, before giving up"),
  attempts: param(
    whole(1, 20),
    4,
    "tries of a request that fails for a reason that may pass (429, 5xx, connection)",
  ),
  perHost: Schema.optionalKey(
    whole(1, 64).annotate({
      description: "requests to one host at the same time; default 3 (wikimedia), 16 (gallery)",
    }),
  ),
})
export type Params = typeof Params.Type

export const inputs = {}
export const outputs = { images: Labelled }

export default defineNode({
  type: "crawl.search",
  description:
    "Search an image service for the words of each class and fetch the pictures found, with origin and licence. Labels are what was searched for; every failed download is a reject with its reason.",
  inputs,
  outputs,
  params: Params,
  // For when to ask a host again; no result has it.
  ambient: ["clock"],
  map: {
    items: (params) => queriesOf(params.keywords, params.template),
    itemParams: ["engine", "baseUrl", "perKeyword", "width", "minSize", "maxBytes", "licences", "seed"],
    bound: "io",
    impl: () => import("./search.impl.ts"),
  },
  freeParams: ["contact", "timeout", "idle", "attempts", "perHost"],
  seeded: true,
  resources: { net: 8 },
})
