import { createHash } from "node:crypto"
import { type Expression, expressions } from "./expression.ts"
import { findKeyword, type Keyword, keywords, readQuery } from "./keywords.ts"
import { Random } from "./random.ts"
import type { SceneOptions } from "./scene.ts"

/** How a page's file differs from a plain upload of its own picture. */
export type Delivery =
  | "plain"
  | "truncated"
  | "html"
  | "missing"
  | "slow"
  | "redirect"
  | "forbidden"
  | "busy"
  | "noai"
export type Copy = "exact" | "rescaled" | "recompressed" | "cropped"
export type Content = "plain" | "wrong label" | "ambiguous" | "several faces" | "no face" | "low resolution"

/**
 * The web's flaws and their shares of a keyword's pages. Copies are drawn first, then content, delivery and
 * format independently; so the shares of content and delivery are of the pages that are no copies.
 *
 * | flaw | share | what it is |
 * |---|---|---|
 * | shared | 4 % | the same page answers another keyword of the class too |
 * | exact | 3 % | another page with the same bytes |
 * | rescaled, recompressed, cropped | 2.5 % each | another page with a changed copy |
 * | wrong label | 8 % | the face shows another class than the keyword's |
 * | ambiguous | 9 % | intensity 0.15 to 0.35 |
 * | several faces | 5 % | two or three faces |
 * | no face | 6 % | things only |
 * | low resolution | 4 % | the whole picture is 48 to 80 pixels |
 * | grey | 8 % | no colour (half of them one-channel files) |
 * | PNG, WebP | 7 %, 7 % | the rest is JPEG |
 * | truncated | 1.2 % | the file ends early; its sha1 and size are those of the short file |
 * | html | 0.9 % | an error page sent as image/jpeg |
 * | missing | 1.2 % | 404 |
 * | slow | 0.3 % | the answer takes 1.5 s |
 * | redirect | 2 % | two 302 that end well |
 * | forbidden | 2.5 % | under the path that robots.txt forbids |
 * | busy | 0.2 % | 429 with Retry-After: 1 on the first request |
 * | noai | 0.8 % | served with X-Robots-Tag: noai, noimageai |
 */
export const shares = {
  copy: [
    ["shared", 0.04],
    ["exact", 0.03],
    ["rescaled", 0.025],
    ["recompressed", 0.025],
    ["cropped", 0.025],
  ],
  content: [
    ["wrong label", 0.08],
    ["ambiguous", 0.09],
    ["several faces", 0.05],
    ["no face", 0.06],
    ["low resolution", 0.04],
  ],
  delivery: [
    ["truncated", 0.012],
    ["html", 0.009],
    ["missing", 0.012],
    ["slow", 0.003],
    ["redirect", 0.02],
    ["forbidden", 0.025],
    ["busy", 0.002],
    ["noai", 0.008],
  ],
  format: [
    ["png", 0.07],
    ["webp", 0.07],
  ],
  grey: 0.08,
} as const

export type Format = "jpeg" | "png" | "webp"

export interface License {
  readonly name: string
  readonly url?: string
  readonly code: string
}

const licenses: readonly (readonly [License, number])[] = [
  [{ name: "CC BY-SA 4.0", url: "https://creativecommons.org/licenses/by-sa/4.0", code: "cc-by-sa-4.0" }, 5],
  [{ name: "CC BY 4.0", url: "https://creativecommons.org/licenses/by/4.0", code: "cc-by-4.0" }, 3],
  [{ name: "CC0", url: "http://creativecommons.org/publicdomain/zero/1.0/deed.en", code: "cc0" }, 2],
  [{ name: "Public domain", code: "pd" }, 1.5],
]

const authors = [
  "Ada Brink",
  "Tomas Iverholt",
  "Lena Okafor-Reyes",
  "M. Sundqvist",
  "Priya Valand",
  "Jonas Achterkamp",
  "Yuki Harashima",
  "Esra Dilmen",
  "Nwando Ekele",
  "Pavel Dvorsky",
  "Carla Montrose",
  "Ibrahim Saleh",
  "Greta Falkenried",
  "Owen Pell",
  "Sofia Lindqvarn",
  "Rui Tavarede",
  "Hana Kubicova",
  "Daniel Otway",
  "Mei-Lin Shao",
  "Aroha Tipene",
]
const subjects = [
  "portrait",
  "street portrait",
  "studio portrait",
  "close-up",
  "festival visitor",
  "actor on stage",
  "at the market",
  "family album",
  "rehearsal",
  "reporter",
  "bystander",
  "still",
  "workshop",
  "headshot",
]
const things = [
  "still life",
  "landscape",
  "album cover",
  "poster",
  "house front",
  "garden",
  "kitchen table",
  "collection",
  "window display",
]

/** One file page of the gallery; plain data, nothing is drawn yet. */
export interface Page {
  readonly id: number
  /** `File:` name with spaces. */
  readonly title: string
  /** Path of the original under the server's root. */
  readonly path: string
  /** The keyword it was uploaded for; "" for pages that only fill results. */
  readonly keyword: string
  /** The class the keyword stands for, and the class the first face shows (null: no face). */
  readonly meant: Expression | null
  readonly shown: Expression | null
  readonly content: Content
  readonly delivery: Delivery
  readonly format: Format
  readonly quality: number
  readonly grey: boolean
  /** Seed of the scene, and its options; of the source page where this is a copy. */
  readonly sceneSeed: string
  readonly scene: SceneOptions
  readonly copy?: { readonly of: Page; readonly how: Copy; readonly amount: number }
  readonly license: License
  readonly author: string
  readonly date: string
}

export interface Corpus {
  readonly seed: string
  readonly pages: readonly Page[]
  readonly byPath: ReadonlyMap<string, Page>
  readonly byTitle: ReadonlyMap<string, Page>
  readonly byId: ReadonlyMap<number, Page>
  /** Pages that a query finds, best first; the same text finds the same pages. */
  readonly find: (query: string) => readonly Page[]
}

/** How many persons the web corpus shows; ids as `identityOf` writes them. */
export const persons = 600
export const identityOf = (seed: string, person: number): string => `${seed}/web/${person}`

/** One name of a table of shares, or "plain" for what is left of 1. */
const choose = <K extends string>(r: Random, table: readonly (readonly [K, number])[]): K | "plain" => {
  let at = r.next()
  for (const [name, share] of table) {
    at -= share
    if (at < 0) return name
  }
  return "plain"
}

const jpegUnless = (format: "png" | "webp" | "plain"): Format => (format === "plain" ? "jpeg" : format)

const sceneOptions = (
  r: Random,
  content: Content,
  shown: Expression | null,
  grey: boolean,
  identity: string,
): SceneOptions => {
  const low = content === "low resolution"
  const height = low ? r.int(48, 80) : r.int(200, 320)
  const width = Math.round(height * r.range(0.85, 1.2))
  if (shown === null) return { width, height, faces: 0, distractors: [1, 6], wear: 1 }
  const intensity: readonly [number, number] = content === "ambiguous" ? [0.15, 0.35] : [0.7, 1]
  const base = {
    width,
    height,
    expression: shown,
    identity,
    intensity,
    wear: grey ? 1.2 : 1,
    distractors: [0, 1] as const,
  }
  if (content === "several faces")
    return {
      ...base,
      width: Math.round(height * 1.35),
      faces: [2, 3],
      faceSize: [height * 0.22, height * 0.36],
    }
  return { ...base, faces: 1, faceSize: [height * (low ? 0.6 : 0.4), height * 0.75] }
}

class Builder {
  readonly pages: Page[] = []
  readonly seed: string
  private readonly titles = new Set<string>()
  constructor(seed: string) {
    this.seed = seed
  }

  /** Adds a page drawn from the stream; `copyOf` makes it a copy. */
  add(r: Random, keyword: string, meant: Expression | null, copyOf?: Page, how?: Copy): Page {
    const content = meant === null ? "no face" : choose(r, shares.content)
    const shown =
      content === "no face" || meant === null
        ? null
        : content === "wrong label"
          ? r.pick(expressions.filter((e) => e !== meant))
          : meant
    const format =
      how === "recompressed" || how === "rescaled" || how === "cropped"
        ? "jpeg"
        : copyOf === undefined
          ? jpegUnless(choose(r, shares.format))
          : copyOf.format
    const drawn = choose(r, shares.delivery)
    const delivery = copyOf === undefined ? drawn : "plain"
    const grey = copyOf?.grey ?? r.chance(shares.grey)
    const title = this.title(r, keyword, copyOf?.shown === null || shown === null, format)
    const name = title.slice("File:".length).replaceAll(" ", "_")
    const hash = createHash("md5").update(name).digest("hex")
    const folder = delivery === "forbidden" ? "/restricted/files" : "/files"
    const id = 20_000_003 + this.pages.length * 17
    const options = sceneOptions(r, content, shown, grey, identityOf(this.seed, r.int(0, persons - 1)))
    const page: Page = {
      id,
      title,
      path: `${folder}/${hash[0]}/${hash.slice(0, 2)}/${encodeURIComponent(name)}`,
      keyword,
      meant,
      shown: copyOf === undefined ? shown : copyOf.shown,
      content: copyOf === undefined ? content : copyOf.content,
      delivery,
      format,
      quality: r.int(68, 92),
      grey,
      sceneSeed: copyOf?.sceneSeed ?? `${this.seed}/web/${id}`,
      scene: copyOf?.scene ?? options,
      ...(copyOf === undefined || how === undefined ? {} : { copy: { of: copyOf, how, amount: r.next() } }),
      license: r.weighted(licenses),
      author: r.pick(authors),
      date: `20${r.int(10, 24)}-${String(r.int(1, 12)).padStart(2, "0")}-${String(r.int(1, 28)).padStart(2, "0")}`,
    }
    this.pages.push(page)
    return page
  }

  private title(r: Random, keyword: string, empty: boolean, format: Format): string {
    const word =
      keyword === ""
        ? r.pick(["Old", "Summer", "Blue", "Quiet", "Harbour", "Market", "Sunday"])
        : `${keyword[0].toUpperCase()}${keyword.slice(1)}`
    const end = { jpeg: "jpg", png: "png", webp: "webp" }[format]
    const stem = `${word} ${r.pick(empty ? things : subjects)}`
    for (let n = r.int(1, 99); ; n++) {
      const title = `File:${stem} ${String(n).padStart(3, "0")}.${end}`
      if (!this.titles.has(title)) {
        this.titles.add(title)
        return title
      }
    }
  }
}

const fillers = 320

/** Lays out every page and which query finds it. Draws no pixel; takes some tens of milliseconds. */
export const buildCorpus = (seed: string): Corpus => {
  const builder = new Builder(seed)
  const listed = new Map<Keyword, Page[]>()
  const ofClass = new Map<Expression, Page[]>(expressions.map((e) => [e, []]))
  for (const keyword of keywords) {
    const pages: Page[] = []
    const r = new Random(`${seed}/keyword/${keyword.word}`)
    for (let i = 0; i < keyword.pictures; i++) {
      const slot = r.fork(`${i}`)
      const meant = keyword.meant[i % keyword.meant.length]
      const pool = ofClass.get(meant)!
      const how = choose(slot, shares.copy)
      const source = how === "plain" || pool.length < 8 ? undefined : slot.pick(pool)
      if (how === "plain" || source === undefined || source.copy !== undefined || source.delivery !== "plain")
        pages.push(builder.add(slot, keyword.word, meant))
      else if (how !== "shared") pages.push(builder.add(slot, keyword.word, meant, source, how))
      else if (!pages.includes(source)) pages.push(source)
    }
    for (const page of pages)
      if (page.keyword === keyword.word && page.meant !== null) ofClass.get(page.meant)!.push(page)
    listed.set(keyword, pages)
  }
  const filler: Page[] = []
  const r = new Random(`${seed}/filler`)
  for (let i = 0; i < fillers; i++) filler.push(builder.add(r.fork(`${i}`), "", null))
  const find = (query: string): readonly Page[] => {
    const { core, asksFace } = readQuery(query)
    const keyword = findKeyword(core)
    const order = new Random(`${seed}/order/${core}/${asksFace}`)
    const shuffled = <A>(items: readonly A[]): A[] =>
      items
        .map((item) => [order.next(), item] as const)
        .sort((a, b) => a[0] - b[0])
        .map(([, item]) => item)
    if (keyword === undefined)
      return core !== "" && order.chance(0.3) ? shuffled(filler).slice(0, order.int(1, 4)) : []
    const pages = listed.get(keyword)!
    if (asksFace) return shuffled(pages)
    const faces = shuffled(pages).slice(0, Math.ceil(pages.length * keyword.bareYield))
    const others = shuffled(filler).slice(0, Math.min(fillers, Math.round(pages.length * 0.6)))
    return shuffled([...faces, ...others])
  }
  return {
    seed,
    pages: builder.pages,
    byPath: new Map(builder.pages.map((page) => [page.path, page])),
    byTitle: new Map(builder.pages.map((page) => [page.title, page])),
    byId: new Map(builder.pages.map((page) => [page.id, page])),
    find,
  }
}

/** Counts of a corpus: pages and queries per class, and every flaw as it really occurs. */
export const corpusFacts = (corpus: Corpus) => {
  const tally = (keys: readonly string[]): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const key of keys) counts[key] = (counts[key] ?? 0) + 1
    return counts
  }
  const own = corpus.pages.filter((page) => page.keyword !== "")
  let shared = 0
  for (const keyword of keywords)
    shared += corpus.find(`${keyword.word} face`).filter((page) => page.keyword !== keyword.word).length
  return {
    pages: corpus.pages.length,
    filler: corpus.pages.length - own.length,
    perClass: tally(own.map((page) => page.meant ?? "none")),
    shared,
    copies: tally(own.flatMap((page) => (page.copy === undefined ? [] : [page.copy.how]))),
    content: tally(own.filter((page) => page.copy === undefined).map((page) => page.content)),
    delivery: tally(own.map((page) => page.delivery)),
    formats: tally(own.map((page) => page.format)),
    grey: own.filter((page) => page.grey).length,
    licenses: tally(corpus.pages.map((page) => page.license.name)),
  }
}
