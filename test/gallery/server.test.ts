import { createHash } from "node:crypto"
import robotsParser from "robots-parser"
import sharp from "sharp"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import {
  buildCorpus,
  type Corpus,
  corpusFacts,
  type Page,
  persons,
  shares,
} from "../../src/gallery/corpus.ts"
import { keywords, paperKeywords, readQuery } from "../../src/gallery/keywords.ts"
import { PictureStore } from "../../src/gallery/pictures.ts"
import { canonicalUrl, type Gallery, startGallery } from "../../src/gallery/server.ts"

// Its types describe an ES module with a default export; what Node gives is the function itself.
const parseRobots = "default" in robotsParser ? robotsParser.default : robotsParser

interface ImageInfo {
  readonly url: string
  readonly thumburl: string
  readonly thumbwidth: number
  readonly thumbheight: number
  readonly descriptionurl: string
  readonly descriptionshorturl: string
  readonly width: number
  readonly height: number
  readonly size: number
  readonly sha1: string
  readonly mime: string
  readonly extmetadata: Readonly<Record<string, { readonly value: string; readonly source: string }>>
}
interface Answer {
  readonly batchcomplete?: boolean
  readonly continue?: { readonly gsroffset: number; readonly continue: string }
  readonly query?: {
    readonly pages: readonly {
      readonly pageid: number
      readonly ns: number
      readonly title: string
      readonly index: number
      readonly imageinfo: readonly ImageInfo[]
    }[]
  }
  readonly error?: { readonly code: string; readonly info: string }
  readonly warnings?: unknown
}

let gallery: Gallery
let corpus: Corpus

beforeAll(async () => {
  gallery = await startGallery({ seed: 3 })
  corpus = gallery.corpus
})
afterAll(() => gallery.close())

const local = (url: string): string => url.replace(canonicalUrl, gallery.url)
const search = async (query: string, more: Record<string, string> = {}): Promise<Answer> => {
  const params = new URLSearchParams({
    action: "query",
    generator: "search",
    gsrnamespace: "6",
    gsrsearch: query,
    prop: "imageinfo",
    iiprop: "url|size|sha1|mime|extmetadata",
    iiurlwidth: "640",
    format: "json",
    formatversion: "2",
    ...more,
  })
  const answer: Answer = await (await fetch(`${gallery.url}/w/api.php?${params.toString()}`)).json()
  return answer
}
const get = (path: string, init: RequestInit = {}): Promise<Response> =>
  fetch(`${gallery.url}${path}`, { redirect: "manual", ...init })
const sha1 = (bytes: Uint8Array): string => createHash("sha1").update(bytes).digest("hex")
const pageWith = (test: (page: Page) => boolean): Page => {
  const page = corpus.pages.find(test)
  if (page === undefined) throw new Error("the corpus lacks such a page")
  return page
}

describe("search API", () => {
  it("answers in the shape of Wikimedia Commons", async () => {
    const answer = await search("rage face", { gsrlimit: "3" })
    expect(answer.batchcomplete).toBe(true)
    expect(answer.continue).toEqual({ gsroffset: 3, continue: "gsroffset||" })
    const pages = answer.query!.pages
    expect(pages.map((page) => page.index).toSorted((a, b) => a - b)).toEqual([1, 2, 3])
    expect(pages.map((page) => page.pageid)).toEqual(
      pages.map((page) => page.pageid).toSorted((a, b) => a - b),
    )
    for (const page of pages) {
      expect(page.ns).toBe(6)
      expect(page.title).toMatch(/^File:.+\.(jpg|png|webp)$/u)
      const info = page.imageinfo[0]
      expect(info.url.startsWith(`${canonicalUrl}/`)).toBe(true)
      expect(info.thumburl.startsWith(`${canonicalUrl}/`)).toBe(true)
      expect(info.descriptionurl).toContain("/wiki/File:")
      expect(info.descriptionshorturl).toBe(`${canonicalUrl}/w/index.php?curid=${page.pageid}`)
      expect(info.extmetadata.Artist.value).toMatch(/^<a href=.*<\/a>$/u)
      expect(info.extmetadata.LicenseShortName.value).toMatch(
        /^(CC0|CC BY 4\.0|CC BY-SA 4\.0|Public domain)$/u,
      )
      expect(info.extmetadata.LicenseUrl === undefined).toBe(
        info.extmetadata.LicenseShortName.value === "Public domain",
      )
    }
  })

  it("shows all results exactly once over the pages", async () => {
    const ids: number[] = []
    let offset: number | undefined = 0
    let requests = 0
    while (offset !== undefined) {
      const answer: Answer = await search("wrath face", {
        gsrlimit: "7",
        gsroffset: String(offset),
        prop: "",
        iiprop: "",
      })
      ids.push(...(answer.query?.pages ?? []).map((page) => page.pageid))
      offset = answer.continue?.gsroffset
      requests++
    }
    const all = corpus.find("wrath face").map((page) => page.id)
    expect(ids.toSorted((a, b) => a - b)).toEqual(all.toSorted((a, b) => a - b))
    expect(new Set(ids).size).toBe(ids.length)
    expect(requests).toBe(Math.ceil(all.length / 7))
  })

  it("tells size, sha1, type and dimensions of the bytes that it serves", async () => {
    const answer = await search("disgusted face", { gsrlimit: "12" })
    let checked = 0
    for (const { title, imageinfo } of answer.query!.pages) {
      const page = corpus.byTitle.get(title)!
      if (page.delivery !== "plain") continue
      const info = imageinfo[0]
      const response = await fetch(local(info.url))
      const bytes = new Uint8Array(await response.arrayBuffer())
      expect(bytes.length).toBe(info.size)
      expect(sha1(bytes)).toBe(info.sha1)
      expect(response.headers.get("content-type")).toBe(info.mime)
      const meta = await sharp(bytes).metadata()
      expect([meta.width, meta.height, `image/${meta.format}`]).toEqual([info.width, info.height, info.mime])
      checked++
    }
    expect(checked).toBeGreaterThan(5)
  })

  it("gives the same answer whatever the port, and another for another seed", async () => {
    const [second, other] = await Promise.all([startGallery({ seed: 3 }), startGallery({ seed: 4 })])
    try {
      const text = async (g: Gallery): Promise<string> =>
        (
          await fetch(
            `${g.url}/w/api.php?action=query&generator=search&gsrnamespace=6&gsrsearch=qualms+face&gsrlimit=2&prop=imageinfo&iiprop=url|sha1&format=json&formatversion=2`,
          )
        ).text()
      const mine = await text(gallery)
      expect(await text(second)).toBe(mine)
      expect(await text(other)).not.toBe(mine)
      expect(mine).not.toContain(String(gallery.port))
    } finally {
      await Promise.all([second.close(), other.close()])
    }
  })

  it("serves thumbnails of the asked width and names the original where it is smaller", async () => {
    const answer = await search("cheerful face", { gsrlimit: "6", iiurlwidth: "96" })
    const plain = answer.query!.pages.filter((page) => corpus.byTitle.get(page.title)!.delivery === "plain")
    const infos = plain.map((page) => page.imageinfo[0])
    for (const info of infos.filter(({ width }) => width <= 96)) expect(info.thumburl).toBe(info.url)
    const smaller = infos.filter(({ width }) => width > 96)
    expect(smaller.length).toBeGreaterThan(2)
    for (const info of smaller) {
      const meta = await sharp(
        new Uint8Array(await (await fetch(local(info.thumburl))).arrayBuffer()),
      ).metadata()
      expect([meta.width, meta.height]).toEqual([96, info.thumbheight])
    }
  })

  it("reports mistakes as MediaWiki does", async () => {
    const cases: readonly (readonly [Record<string, string>, string])[] = [
      [{ gsrsearch: " " }, "missingparam"],
      [{ action: "edit" }, "badvalue"],
      [{ generator: "random" }, "badvalue"],
      [{ format: "xml" }, "badvalue"],
      [{ gsrlimit: "many" }, "badinteger"],
      [{ gsroffset: "-1" }, "outofrange"],
    ]
    for (const [more, code] of cases) {
      const answer = await search("rage face", more)
      expect(answer.error?.code).toBe(code)
      expect(answer.query).toBeUndefined()
    }
    expect((await search("rage face", { gsrlimit: "80", prop: "" })).warnings).toBeDefined()
  })

  it("refuses clients without a user agent, other methods, and unknown paths", async () => {
    expect((await get("/", { headers: { "user-agent": "" } })).status).toBe(403)
    expect((await get("/", { method: "POST" })).status).toBe(405)
    expect((await get("/files/0/00/Nothing.jpg")).status).toBe(404)
    expect((await get("/wiki/File:%E0%A4%A")).status).toBe(404)
  })
})

describe("queries", () => {
  it("know the 87 words of the paper, of which one stands under two classes", () => {
    const words = (
      ["neutral", "surprise", "sadness", "happiness", "fear", "disgust", "anger"] as const
    ).flatMap((e) => paperKeywords(e))
    expect(words.length).toBe(87)
    expect(words.filter((word, i) => words.indexOf(word) !== i)).toEqual(["outrage"])
    for (const word of words) expect(corpus.find(`${word} face`).length).toBeGreaterThan(5)
  })

  it("read templates, operators and case alike", () => {
    expect(readQuery('filetype:bitmap "Heavy-Heart" FACE')).toEqual({ core: "heavy heart", asksFace: true })
    expect(corpus.find("Rage Face")).toEqual(corpus.find("portrait of a person with rage"))
  })

  it("show the same pictures for a word under two classes, of both", () => {
    const meant = new Set(corpus.find("outrage face").map((page) => page.meant))
    expect(meant).toContain("anger")
    expect(meant).toContain("disgust")
  })

  it("find few faces for bare words that mean other things", () => {
    const share = (query: string): number => {
      const found = corpus.find(query)
      return found.filter((page) => page.shown !== null).length / found.length
    }
    for (const word of ["sunny", "the blues", "tremors"]) {
      expect(share(word)).toBeLessThan(0.2)
      expect(share(`${word} face`)).toBeGreaterThan(0.75)
    }
  })

  it("find little or nothing for unknown words, always the same", () => {
    const counts = Array.from({ length: 60 }, (_, i) => corpus.find(`zzword${i}`))
    expect(Math.max(...counts.map((found) => found.length))).toBeLessThan(5)
    expect(counts.some((found) => found.length === 0)).toBe(true)
    expect(counts.some((found) => found.length > 0)).toBe(true)
    expect(
      buildCorpus(corpus.seed)
        .find("zzword1")
        .map((page) => page.id),
    ).toEqual(corpus.find("zzword1").map((page) => page.id))
  })

  it("are imbalanced between classes, up to about 20 to 1", () => {
    const { perClass } = corpusFacts(corpus)
    const ratio = Math.max(...Object.values(perClass)) / Math.min(...Object.values(perClass))
    expect(ratio).toBeGreaterThan(12)
    expect(ratio).toBeLessThan(28)
    expect(keywords.length).toBeGreaterThan(86)
  })
})

describe("the web's flaws", () => {
  it("occur in the stated shares", () => {
    const facts = corpusFacts(corpus)
    const own = facts.pages - facts.filler
    const fresh = Object.values(facts.content).reduce((a, b) => a + b, 0)
    const near = (count: number, total: number, share: number): void => {
      const slack = 4 * Math.sqrt((share * (1 - share)) / total) + 0.25 * share
      expect(Math.abs(count / total - share)).toBeLessThan(slack)
    }
    for (const [name, share] of shares.content) near(facts.content[name], fresh, share)
    for (const [name, share] of shares.delivery) near(facts.delivery[name], own, share)
    for (const [name, share] of shares.format) near(facts.formats[name], own, share)
    for (const name of ["exact", "rescaled", "recompressed", "cropped"])
      expect(facts.copies[name]).toBeGreaterThan(50)
    expect(facts.shared).toBeGreaterThan(100)
    near(facts.grey, own, shares.grey)
    expect(Object.keys(facts.licenses).sort()).toEqual(["CC BY 4.0", "CC BY-SA 4.0", "CC0", "Public domain"])
  })

  it("mean wrong labels differ from the shown class, the others agree", () => {
    for (const page of corpus.pages) {
      if (page.copy !== undefined || page.shown === null) continue
      expect(page.shown === page.meant).toBe(page.content !== "wrong label")
    }
  })

  it("serve truncated files that end early, with truthful size and sha1", async () => {
    const page = pageWith((p) => p.delivery === "truncated" && p.format === "jpeg")
    const bytes = new Uint8Array(await (await get(page.path)).arrayBuffer())
    const facts = await new PictureStore().facts(page)
    expect([bytes.length, sha1(bytes)]).toEqual([facts.size, facts.sha1])
    expect([bytes[0], bytes[1]]).toEqual([0xff, 0xd8])
    await expect(sharp(bytes, { failOn: "truncated" }).raw().toBuffer()).rejects.toThrow(
      /premature|truncated|VipsJpeg/iu,
    )
  })

  it("serve HTML as image/jpeg, 404, and redirect chains that end well", async () => {
    const html = await get(pageWith((p) => p.delivery === "html").path)
    expect(html.headers.get("content-type")).toBe("image/jpeg")
    expect(await html.text()).toMatch(/^<!doctype html>/u)
    expect((await get(pageWith((p) => p.delivery === "missing").path)).status).toBe(404)
    const moved = pageWith((p) => p.delivery === "redirect")
    const first = await get(`/old${moved.path}`)
    expect([first.status, first.headers.get("location")]).toEqual([302, `${canonicalUrl}/moved${moved.path}`])
    const second = await get(`/moved${moved.path}`)
    expect([second.status, second.headers.get("location")]).toEqual([302, `${canonicalUrl}${moved.path}`])
    expect((await get(moved.path)).status).toBe(200)
  })

  it("say 429 once and then serve", async () => {
    const page = pageWith((p) => p.delivery === "busy")
    const first = await get(page.path)
    expect([first.status, first.headers.get("retry-after")]).toEqual([429, "1"])
    expect((await get(page.path)).status).toBe(200)
  })

  it("forbid a part by robots.txt and another by X-Robots-Tag", async () => {
    const robots = parseRobots(`${canonicalUrl}/robots.txt`, await (await get("/robots.txt")).text())
    for (const page of corpus.pages.slice(0, 800)) {
      expect(robots.isAllowed(`${canonicalUrl}${page.path}`, "facet")).toBe(page.delivery !== "forbidden")
    }
    expect(robots.isAllowed(`${canonicalUrl}/w/api.php`, "facet")).toBe(true)
    expect((await get(pageWith((p) => p.delivery === "noai").path)).headers.get("x-robots-tag")).toContain(
      "noai",
    )
  })

  it("serve exact, rescaled, recompressed and cropped copies of other pages", async () => {
    const store = new PictureStore()
    for (const how of ["exact", "rescaled", "recompressed", "cropped"] as const) {
      const page = pageWith((p) => p.copy?.how === how && p.format === "jpeg" && p.copy.of.format === "jpeg")
      const [mine, source] = await Promise.all([store.get(page), store.get(page.copy!.of)])
      expect(mine.sha1 === source.sha1).toBe(how === "exact")
      expect(mine.width === source.width).toBe(how === "exact" || how === "recompressed")
      expect(page.id).not.toBe(page.copy!.of.id)
      if (how === "cropped") continue
      const small = (bytes: Uint8Array): Promise<Buffer> =>
        sharp(bytes).resize(16, 16, { fit: "fill" }).greyscale().raw().toBuffer()
      const [a, b] = await Promise.all([small(mine.bytes), small(source.bytes)])
      expect(a.reduce((sum, v, i) => sum + Math.abs(v - b[i]), 0) / a.length).toBeLessThan(6)
    }
  })

  it("serve grey one-channel files, PNG, WebP and low resolution", async () => {
    const store = new PictureStore()
    const grey = await sharp(
      (
        await store.get(
          pageWith(
            (p) =>
              p.grey &&
              p.id % 2 === 0 &&
              p.format === "jpeg" &&
              p.copy === undefined &&
              p.delivery === "plain",
          ),
        )
      ).bytes,
    ).metadata()
    expect(grey.channels).toBe(1)
    const low = await store.get(pageWith((p) => p.content === "low resolution" && p.delivery === "plain"))
    expect(Math.max(low.width, low.height)).toBeLessThan(100)
    for (const format of ["png", "webp"] as const) {
      const meta = await sharp(
        (
          await store.get(
            pageWith((p) => p.format === format && p.copy === undefined && p.delivery === "plain"),
          )
        ).bytes,
      ).metadata()
      expect(meta.format).toBe(format)
    }
  })
})

describe("pictures", () => {
  it("are drawn once and forgotten when memory is full, and come back equal", async () => {
    const pages = corpus.pages
      .filter((p) => p.copy === undefined && p.delivery === "plain" && p.content === "low resolution")
      .slice(0, 5)
    const store = new PictureStore(4000)
    const first = await store.get(pages[0])
    const again = store.get(pages[0])
    expect(await again).toBe(first)
    for (const page of pages.slice(1)) await store.get(page)
    const anew = await store.get(pages[0])
    expect(anew).not.toBe(first)
    expect(anew.sha1).toBe(first.sha1)
  })

  it("show persons of the web corpus only", () => {
    const shown = corpus.pages.flatMap((page) =>
      page.scene.identity === undefined ? [] : [page.scene.identity],
    )
    for (const identity of shown) expect(identity).toMatch(/^gallery\/3\/web\/\d+$/u)
    expect(persons).toBeGreaterThan(100)
  })
})

describe("the page for people", () => {
  it("has a search box, results with author and licence, and description pages", async () => {
    const home = await (await get("/")).text()
    expect(home).toContain('name="q"')
    const results = await (await get("/?q=merry+face")).text()
    const page = corpus.find("merry face")[0]
    expect(results).toContain(page.author)
    expect(results).toContain(page.license.name)
    const wiki = await (await get(`/wiki/${encodeURI(page.title.replaceAll(" ", "_"))}`)).text()
    expect(wiki).toContain(page.author)
    expect(await (await get("/?q=%3Cscript%3E")).text()).not.toContain("<script>")
  })
})
