import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Licence } from "../../../schema/sample.ts"
import type { Client } from "../client.ts"
import { EngineAnswerError, type Cursor, type Engine, type Found } from "./engine.ts"

/** Commons answers at most this many results a page. */
const pageLimit = 50
const maxAnswerBytes = 8_000_000

const Meta = Schema.Struct({ value: Schema.Union([Schema.String, Schema.Number]) })
const ImageInfo = Schema.Struct({
  url: Schema.String,
  thumburl: Schema.optionalKey(Schema.String),
  descriptionurl: Schema.optionalKey(Schema.String),
  mime: Schema.optionalKey(Schema.String),
  width: Schema.optionalKey(Schema.Number),
  height: Schema.optionalKey(Schema.Number),
  extmetadata: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
})
const Answer = Schema.Struct({
  error: Schema.optionalKey(Schema.Struct({ code: Schema.String, info: Schema.optionalKey(Schema.String) })),
  continue: Schema.optionalKey(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Number]))),
  query: Schema.optionalKey(
    Schema.Struct({
      pages: Schema.optionalKey(
        Schema.Array(
          Schema.Struct({
            index: Schema.optionalKey(Schema.Number),
            imageinfo: Schema.optionalKey(Schema.Array(ImageInfo)),
          }),
        ),
      ),
    }),
  ),
})
const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Answer))
const isMeta = Schema.is(Meta)

const entities: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
}

/** The text of a piece of HTML: tags dropped, character references resolved, blanks joined. */
export const textOf = (html: string): string =>
  html
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, " ")
    .replace(/<[^>]*>/g, " ")
    .replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi, (all, decimal, hex, name) => {
      if (name !== undefined) return entities[String(name).toLowerCase()] ?? all
      const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal)
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ""
    })
    .replace(/\s+/g, " ")
    .trim()

const licenceOf = (metadata: Readonly<Record<string, unknown>> | undefined): Licence | undefined => {
  const text = (name: string): string | undefined => {
    const entry = metadata?.[name]
    const value = isMeta(entry) ? textOf(String(entry.value)) : ""
    return value === "" ? undefined : value
  }
  const name = text("LicenseShortName")
  const url = text("LicenseUrl")
  const author = text("Artist")
  if (name === undefined) return undefined
  return { name, ...(url === undefined ? {} : { url }), ...(author === undefined ? {} : { author }) }
}

export interface MediawikiOptions {
  /** Address of `api.php`. */
  readonly baseUrl: string
  /** Width in pixels of the thumbnails. */
  readonly width: number
  /** Words added to each query in the search language of the site, such as `filetype:bitmap`. */
  readonly filter?: string
}

/**
 * The file search of a MediaWiki site (https://www.mediawiki.org/wiki/API:Search): Wikimedia Commons, and whatever
 * speaks the same. robots.txt is not asked for the API's own address: it is for crawlers of pages, and forbids it
 * on Commons, while programs are invited to the API.
 */
export const mediawiki = (client: Client, { baseUrl, width, filter }: MediawikiOptions): Engine => ({
  page: Effect.fn("crawl.search")(function* (query, count, cursor) {
    const url = new URL(baseUrl)
    const parameters: Cursor = {
      action: "query",
      generator: "search",
      gsrnamespace: "6",
      gsrlimit: String(Math.min(pageLimit, count)),
      gsrsearch: filter === undefined ? query : `${query} ${filter}`,
      prop: "imageinfo",
      iiprop: "url|size|sha1|mime|extmetadata",
      iiextmetadatafilter: "LicenseShortName|LicenseUrl|Artist",
      iiurlwidth: String(width),
      format: "json",
      formatversion: "2",
      ...cursor,
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    const { bytes } = yield* client.get(url.href, { maxBytes: maxAnswerBytes, accept: "application/json" })
    const answer = yield* Effect.mapError(
      decode(new TextDecoder().decode(bytes)),
      (issue) =>
        new EngineAnswerError({ url: baseUrl, detail: `not the answer of a search API: ${issue.message}` }),
    )
    if (answer.error !== undefined)
      return yield* new EngineAnswerError({
        url: baseUrl,
        detail: `the search API says ${answer.error.code}: ${answer.error.info ?? "no reason given"}`,
      })
    const found = [...(answer.query?.pages ?? [])]
      .sort((a, b) => (a.index ?? 0) - (b.index ?? 0))
      .flatMap(({ imageinfo }): ReadonlyArray<Found> => {
        const info = imageinfo?.[0]
        if (info === undefined) return []
        return [
          {
            url: info.thumburl ?? info.url,
            page: info.descriptionurl,
            mime: info.mime,
            width: info.width,
            height: info.height,
            licence: licenceOf(info.extmetadata),
          },
        ]
      })
    const next = answer.continue
    return {
      found,
      next:
        next === undefined
          ? undefined
          : Object.fromEntries(Object.entries(next).map(([name, value]) => [name, String(value)])),
    }
  }),
})
