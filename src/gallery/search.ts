import type { Corpus, Page } from "./corpus.ts"
import type { PictureStore } from "./pictures.ts"

/** Answers of the API: JSON bodies in the shapes of the MediaWiki action API. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

export interface ApiAnswer {
  readonly body: { readonly [key: string]: Json }
  /** Code for the header `MediaWiki-API-Error`, which the real API sends with status 200. */
  readonly error?: string
}

const failure = (code: string, info: string, publicUrl: string): ApiAnswer => ({
  body: { error: { code, info, docref: `See ${publicUrl}/w/api.php for API usage.` }, servedby: "gallery" },
  error: code,
})

const escape = (text: string): string =>
  text.replace(/[&<>"]/gu, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]!)

/** A parameter that is no whole number within its limits. */
class ParameterError extends Error {
  readonly _tag = "ParameterError"
  readonly code: string
  constructor(code: string, info: string) {
    super(info)
    this.code = code
  }
}

const whole = (params: URLSearchParams, name: string, fallback: number, least: number): number => {
  const text = params.get(name)
  if (text === null || text === "") return fallback
  if (!/^-?\d+$/u.test(text))
    throw new ParameterError("badinteger", `Invalid value "${text}" for integer parameter "${name}".`)
  const value = Number(text)
  if (value < least)
    throw new ParameterError(
      "outofrange",
      `The value "${text}" for parameter "${name}" must be no less than ${least}.`,
    )
  return value
}

const metadata = (page: Page, publicUrl: string): { readonly [key: string]: Json } => {
  const value = (text: string): Json => ({ value: text, source: "commons-desc-page" })
  const user = `${publicUrl}/wiki/User:${encodeURIComponent(page.author.replaceAll(" ", "_"))}`
  return {
    DateTime: { value: `${page.date} 12:00:00`, source: "mediawiki-metadata", hidden: "" },
    ObjectName: {
      value: page.title.slice(5).replace(/\.\w+$/u, ""),
      source: "mediawiki-metadata",
      hidden: "",
    },
    ImageDescription: value(
      `${escape(page.title.slice(5).replace(/ \d+\.\w+$/u, ""))}, drawn by the gallery`,
    ),
    Artist: value(`<a href="${user}" title="User:${escape(page.author)}">${escape(page.author)}</a>`),
    Credit: value('<span class="int-own-work" lang="en">Own work</span>'),
    LicenseShortName: { value: page.license.name, source: "commons-desc-page", hidden: "" },
    UsageTerms: { value: page.license.name, source: "commons-desc-page", hidden: "" },
    AttributionRequired: {
      value: page.license.code.startsWith("cc-by") ? "true" : "false",
      source: "commons-desc-page",
      hidden: "",
    },
    ...(page.license.url === undefined
      ? {}
      : { LicenseUrl: { value: page.license.url, source: "commons-desc-page", hidden: "" } }),
    Copyrighted: {
      value: page.license.code === "pd" ? "False" : "True",
      source: "commons-desc-page",
      hidden: "",
    },
    Restrictions: { value: "", source: "commons-desc-page", hidden: "" },
    License: { value: page.license.code, source: "commons-templates", hidden: "" },
  }
}

/** Path of a thumbnail of a given width under the server's root. */
export const thumbnailPath = (page: Page, width: number): string => {
  const name = page.path.slice(page.path.lastIndexOf("/") + 1)
  return `${page.path.replace("/files/", "/files/thumb/")}/${width}px-${name}`
}

/** Where the original is asked for: pages behind a redirect are listed under their old address. */
export const listedPath = (page: Page): string =>
  page.delivery === "redirect" ? `/old${page.path}` : page.path

const imageInfo = async (
  page: Page,
  wanted: ReadonlySet<string>,
  thumbWidth: number,
  publicUrl: string,
  store: PictureStore,
): Promise<Json> => {
  const facts = await store.facts(page)
  const info: Record<string, Json> = {}
  if (wanted.has("size")) Object.assign(info, { size: facts.size, width: facts.width, height: facts.height })
  if (wanted.has("url")) {
    if (thumbWidth > 0) {
      const smaller = thumbWidth < facts.width
      info.thumburl = `${publicUrl}${smaller ? thumbnailPath(page, thumbWidth) : listedPath(page)}`
      info.thumbwidth = smaller ? thumbWidth : facts.width
      info.thumbheight = smaller
        ? Math.max(1, Math.round((facts.height * thumbWidth) / facts.width))
        : facts.height
    }
    info.url = `${publicUrl}${listedPath(page)}`
    info.descriptionurl = `${publicUrl}/wiki/${encodeURI(page.title.replaceAll(" ", "_"))}`
    info.descriptionshorturl = `${publicUrl}/w/index.php?curid=${page.id}`
  }
  if (wanted.has("sha1")) info.sha1 = facts.sha1
  if (wanted.has("mime")) info.mime = facts.mime
  if (wanted.has("extmetadata")) info.extmetadata = metadata(page, publicUrl)
  return info
}

/**
 * Answers `action=query&generator=search…` as Wikimedia Commons does: pages sorted by id with their rank in
 * `index`, `continue.gsroffset` while there is more, errors in the API's own shape (status 200).
 */
export const answerApi = async (
  params: URLSearchParams,
  corpus: Corpus,
  store: PictureStore,
  publicUrl: string,
): Promise<ApiAnswer> => {
  try {
    return await answerQuery(params, corpus, store, publicUrl)
  } catch (error) {
    if (error instanceof ParameterError) return failure(error.code, error.message, publicUrl)
    throw error
  }
}

const required = (params: URLSearchParams, name: string): string => {
  const text = params.get(name)?.trim() ?? ""
  if (text === "") throw new ParameterError("missingparam", `The "${name}" parameter must be set.`)
  return text
}

const only = (name: string, value: string, allowed: string): void => {
  if (value !== allowed)
    throw new ParameterError("badvalue", `Unrecognized value for parameter "${name}": ${value}.`)
}

const answerQuery = async (
  params: URLSearchParams,
  corpus: Corpus,
  store: PictureStore,
  publicUrl: string,
): Promise<ApiAnswer> => {
  only("action", required(params, "action"), "query")
  only("format", params.get("format") ?? "json", "json")
  const modern = params.get("formatversion") === "2" || params.get("formatversion") === "latest"
  const batchcomplete = modern ? true : ""
  if (!params.has("generator")) return { body: { batchcomplete } }
  only("generator", required(params, "generator"), "search")
  const text = required(params, "gsrsearch")
  const limit = params.get("gsrlimit") === "max" ? 50 : whole(params, "gsrlimit", 10, 1)
  const from = whole(params, "gsroffset", 0, 0)
  const thumbWidth = whole(params, "iiurlwidth", -1, -1)
  const size = Math.min(50, limit)
  const namespaces = (params.get("gsrnamespace") ?? "0").split("|")
  const found = namespaces.includes("6") || namespaces.includes("*") ? corpus.find(text) : []
  const withInfo = (params.get("prop") ?? "").split("|").includes("imageinfo")
  const wanted = new Set((params.get("iiprop") ?? "timestamp|user").split("|"))
  const pages = await Promise.all(
    found.slice(from, from + size).map(async (page, i) => ({
      pageid: page.id,
      ns: 6,
      title: page.title,
      index: from + i + 1,
      ...(withInfo
        ? {
            imagerepository: "local",
            imageinfo: [await imageInfo(page, wanted, thumbWidth, publicUrl, store)],
          }
        : {}),
    })),
  )
  pages.sort((a, b) => a.pageid - b.pageid)
  const clamped = `The value "${limit}" for parameter "gsrlimit" must be between 1 and 50.`
  return {
    body: {
      batchcomplete,
      ...(limit > 50 ? { warnings: { search: { warnings: clamped } } } : {}),
      ...(from + size < found.length
        ? { continue: { gsroffset: from + size, continue: "gsroffset||" } }
        : {}),
      ...(pages.length === 0
        ? {}
        : {
            query: {
              pages: modern ? pages : Object.fromEntries(pages.map((page) => [String(page.pageid), page])),
            },
          }),
    },
  }
}
