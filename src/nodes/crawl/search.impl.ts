import * as Effect from "effect/Effect"
import type { MapFunction, MapReject, NodeContext } from "../../runtime/node.ts"
import { digestOf } from "../../schema/digest.ts"
import type { Sample } from "../../schema/sample.ts"
import { decodableTypes, sniffType } from "../../vision/sniff.ts"
import { makeClient, type Client, type ClientOptions } from "./client.ts"
import { placeOf } from "./connector.ts"
import type { Cursor, Engine, Found } from "./engines/engine.ts"
import { galleryPlace, galleryUrl, useGallery } from "./engines/gallery.ts"
import { mediawiki } from "./engines/mediawiki.ts"
import { FetchFailure } from "./failure.ts"
import { allowedLicence } from "./licence.ts"
import type { Query } from "./queries.ts"
import { refusedByTag, robotsOf } from "./robots.ts"
import type { Params } from "./search.ts"

/** A crawl that cannot be done at all; a single picture's failure is a reject instead. */
export class CrawlError extends Error {
  readonly _tag = "CrawlError"
  override readonly name = "CrawlError"
}

const commonsUrl = "https://commons.wikimedia.org/w/api.php"
/** Wikimedia asks for no more than three requests at a time. */
const politePerHost = 3
const galleryPerHost = 16

interface Crawler {
  readonly client: Client
  readonly allow: (url: string) => Effect.Effect<void, FetchFailure>
}
/** One client per setting and process, since limits per host hold for all queries together. */
const crawlers = new Map<string, Crawler>()
const crawlerOf = (options: ClientOptions, key: string): Crawler => {
  let crawler = crawlers.get(key)
  if (crawler === undefined) {
    const client = makeClient(options)
    crawlers.set(key, (crawler = { client, allow: robotsOf(client) }))
  }
  return crawler
}

const placeAt = (
  address: string,
): { readonly place: string; readonly host: string; readonly port: number } => {
  const url = URL.parse(address)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new CrawlError(`baseUrl: ${JSON.stringify(address)} is not an http or https address`)
  const place = placeOf(url)
  const at = place.lastIndexOf(":")
  return { place, host: place.slice(0, at), port: Number(place.slice(at + 1)) }
}

/** What is told from the description of a result alone; undefined when it is worth fetching. */
const refusal = ({ mime, width, height, licence }: Found, params: Params): MapReject | undefined => {
  if (mime !== undefined && !mime.startsWith("image/"))
    return { reason: "not-an-image", detail: `is ${mime}` }
  if (width !== undefined && height !== undefined && Math.min(width, height) < params.minSize)
    return { reason: "too-small", detail: `${width} × ${height} pixels; minSize is ${params.minSize}` }
  if (params.licences !== undefined && !allowedLicence(licence?.name, params.licences))
    return { reason: "licence", detail: licence?.name ?? "none stated" }
  return undefined
}

interface Candidates {
  readonly take: ReadonlyArray<Found>
  readonly refused: ReadonlyArray<readonly [Found, MapReject]>
}

/** Results worth fetching, at most `perKeyword`, each address once, from as many pages as that takes. */
const candidatesOf = Effect.fn("crawl.candidates")(function* (engine: Engine, query: string, params: Params) {
  const take: Array<Found> = []
  const refused: Array<readonly [Found, MapReject]> = []
  const seen = new Set<string>()
  const pages = new Set<string>()
  let cursor: Cursor | undefined
  // A strict filter must not page through a whole site.
  const most = 500 + 10 * params.perKeyword
  do {
    const page = yield* engine.page(query, params.perKeyword - take.length, cursor)
    for (const found of page.found) {
      if (seen.has(found.url) || take.length >= params.perKeyword) continue
      seen.add(found.url)
      const why = refusal(found, params)
      if (why === undefined) take.push(found)
      else refused.push([found, why])
    }
    cursor = page.next
    // Some servers repeat their last page for ever.
    const key = JSON.stringify(cursor)
    if (pages.has(key)) break
    pages.add(key)
  } while (cursor !== undefined && take.length < params.perKeyword && seen.size < most)
  return { take, refused } satisfies Candidates
})

type Outcome = { readonly row: Sample } | { readonly reject: MapReject }

const fetchOne = (
  { client, allow }: Crawler,
  item: Query,
  found: Found,
  params: Params,
  context: NodeContext,
): Effect.Effect<Outcome, unknown> =>
  Effect.gen(function* () {
    const { bytes, headers } = yield* client.get(found.url, {
      maxBytes: params.maxBytes,
      accept: "image/*",
      allow,
    })
    const tag = refusedByTag(headers["x-robots-tag"], client.userAgent)
    if (tag !== undefined) return { reject: { reason: "robots-tag", detail: `X-Robots-Tag: ${tag}` } }
    const type = sniffType(bytes)
    if (!decodableTypes.has(type))
      return { reject: { reason: "not-an-image", detail: `${bytes.length} bytes of type ${type}` } }
    const image = yield* Effect.tryPromise(() => context.blobs.put(bytes, `image/${type}`))
    const row: Sample = {
      id: `crawl-${digestOf(`${found.url}\n${image.$blob}\n${item.id}`).slice(0, 16)}`,
      image,
      set: "crawl",
      source: {
        kind: "crawl",
        url: found.url,
        ...(found.page === undefined ? {} : { page: found.page }),
        engine: params.engine,
        query: item.query,
        ...(params.engine === "gallery" ? { generated: true } : {}),
      },
      ...(found.licence === undefined ? {} : { licence: found.licence }),
      label: item.label,
      claims: [{ label: item.label, by: item.query }],
    }
    return { row }
  }).pipe(
    Effect.catch((problem) =>
      problem instanceof FetchFailure
        ? Effect.succeed<Outcome>({ reject: { reason: problem.reason, detail: problem.detail } })
        : Effect.fail(problem),
    ),
  )

const count = (rejects: ReadonlyArray<MapReject>): string => {
  const counts = new Map<string, number>()
  for (const { reason } of rejects) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts].map(([reason, n]) => `, ${n} ${reason}`).join("")
}

const crawl = (crawler: Crawler, engine: Engine, item: Query, params: Params, context: NodeContext) =>
  Effect.gen(function* () {
    const { take, refused } = yield* Effect.mapError(
      candidatesOf(engine, item.query, params),
      (problem) => new CrawlError(`searching for ${JSON.stringify(item.query)} failed: ${problem.message}`),
    )
    const outcomes = yield* Effect.forEach(
      take,
      (found) =>
        Effect.map(fetchOne(crawler, item, found, params, context), (outcome) => ({ found, outcome })),
      { concurrency: 16 },
    )
    const rows = outcomes.flatMap(({ outcome }) => ("row" in outcome ? [outcome.row] : []))
    const failed = outcomes.flatMap(({ found, outcome }) =>
      "reject" in outcome ? [[found, outcome.reject] as const] : [],
    )
    const rejected = [...refused, ...failed].map(([{ url }, why]) => ({
      id: `crawl-${digestOf(`${url}\n${item.id}`).slice(0, 16)}`,
      label: item.label,
      url,
      ...why,
    }))
    context.log(`${item.id}: ${take.length} found, ${rows.length} kept${count(rejected)}`)
    return { rows, rejected }
  })

const search = async (call: {
  readonly item: Query
  readonly params: Params
  readonly context: NodeContext
}) => {
  const { item, params, context } = call
  const { engine, baseUrl, contact, timeout, idle, attempts } = params
  if (engine === "wikimedia" && baseUrl === undefined && contact === undefined)
    throw new CrawlError(
      "engine wikimedia needs `contact`, an e-mail or web address: Wikimedia's User-Agent policy asks every program for one",
    )
  const options = {
    userAgent: `facet/0.1${contact === undefined ? "" : ` (${contact})`}`,
    timeout,
    idle,
    attempts,
    perHost: params.perHost ?? (engine === "gallery" ? galleryPerHost : politePerHost),
  }
  const run = (
    address: string,
    routes: ReadonlyMap<string, { readonly host: string; readonly port: number }>,
    trusted: ReadonlySet<string>,
  ) => {
    const crawler = crawlerOf(
      { ...options, routes, trusted },
      JSON.stringify([options, [...routes], [...trusted]]),
    )
    const site = mediawiki(crawler.client, {
      baseUrl: address,
      width: params.width,
      ...(engine === "wikimedia" ? { filter: "filetype:bitmap" } : {}),
    })
    return Effect.runPromise(crawl(crawler, site, item, params, context), { signal: context.signal })
  }
  if (engine === "gallery" && baseUrl === undefined)
    return useGallery(params.seed ?? context.seed, (port) =>
      run(galleryUrl, new Map([[galleryPlace, { host: "127.0.0.1", port }]]), new Set()),
    )
  const address = baseUrl ?? commonsUrl
  const { place, host, port } = placeAt(address)
  return run(
    address,
    engine === "gallery" ? new Map([[galleryPlace, { host, port }]]) : new Map(),
    baseUrl === undefined ? new Set() : new Set([place]),
  )
}

export default search satisfies MapFunction<Query, Params>
