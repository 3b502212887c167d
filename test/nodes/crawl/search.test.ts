import { afterAll, beforeAll, describe, expect, it } from "vitest"
import definition from "../../../src/nodes/crawl/search.ts"
import { encodePng } from "../../../src/vision/encode.ts"
import { raster } from "../../../src/vision/raster.ts"
import { nodeRig, type Rig } from "../../kit/node-rig.ts"
import { nastyServer, redirectTo, type Handler, type NastyServer } from "./nasty-server.ts"

let server: NastyServer
let png: Uint8Array
const rigs: Array<Rig> = []
const rigOf = (seed = 0): Rig => {
  const rig = nodeRig({ seed })
  rigs.push(rig)
  return rig
}

const inOrder = (a = "", b = ""): number => (a < b ? -1 : 1)

/** Files of the fake Commons, in the order of its results. */
const names = ["a", "b", "gone", "html", "private", "noai", "cut", "video", "unfree", "tiny", "moved", "c"]

const info = (name: string) => ({
  url: `${server.url}/files/${name}.png`,
  descriptionurl: `${server.url}/wiki/File:${name}.png`,
  mime: name === "video" ? "video/webm" : "image/png",
  width: name === "tiny" ? 10 : 300,
  height: 200,
  extmetadata: {
    LicenseShortName: { value: name === "unfree" ? "Fair use" : "CC BY-SA 4.0", source: "x", hidden: "" },
    LicenseUrl: { value: "https://creativecommons.org/licenses/by-sa/4.0" },
    Artist: { value: '<a href="//x">Ann &amp; Bob</a>' },
  },
})

const api: Handler = (request, response): void => {
  const query = new URL(request.url ?? "", server.url).searchParams
  const text = query.get("gsrsearch") ?? ""
  if (text.startsWith("down")) {
    response.writeHead(503).end()
    return
  }
  if (text.startsWith("odd")) {
    response.end("<html>not an API</html>")
    return
  }
  if (text.startsWith("refused")) {
    response.end(JSON.stringify({ error: { code: "badvalue", info: "no such namespace" } }))
    return
  }
  if (text.startsWith("nothing")) {
    response.end(JSON.stringify({ batchcomplete: true }))
    return
  }
  const offset = Number(query.get("gsroffset") ?? 0)
  const limit = Math.min(5, Number(query.get("gsrlimit")))
  const part = names.slice(offset, offset + limit)
  const pages = part
    .map((name, i) => ({ title: name, index: offset + i + 1, imageinfo: [info(name)] }))
    .reverse()
  const more =
    offset + limit < names.length ? { continue: { gsroffset: offset + limit, continue: "gsroffset||" } } : {}
  response.end(JSON.stringify({ ...more, query: { pages } }))
}

beforeAll(async () => {
  png = await encodePng(raster(40, 30, 3))
  const picture: Handler = (_, response) => response.end(Buffer.concat([png, Buffer.from(_.url ?? "")]))
  server = await nastyServer({
    "/w/api.php": api,
    "/robots.txt": (_, response) => response.end("User-agent: *\nDisallow: /files/private.png\n"),
    "/files/a.png": picture,
    "/files/b.png": picture,
    "/files/c.png": picture,
    "/files/private.png": picture,
    "/files/tiny.png": picture,
    "/files/unfree.png": picture,
    "/files/moved.png": redirectTo("/files/b.png"),
    "/files/html.png": (_, response) =>
      response.writeHead(200, { "content-type": "image/png" }).end("<!doctype html><title>Sorry</title>"),
    "/files/noai.png": (_, response) => response.writeHead(200, { "x-robots-tag": "noai" }).end(png),
    "/files/cut.png": (_, response) => {
      response.writeHead(200, { "content-length": 5000 })
      response.write(png)
      setTimeout(() => response.destroy(), 10)
    },
  })
})
afterAll(async () => {
  for (const rig of rigs) await rig.close()
  await server.close()
})

const crawl = (params: Readonly<Record<string, unknown>>, rig = rigOf()) =>
  rig.map(definition, {
    engine: "wikimedia",
    baseUrl: `${server.url}/w/api.php`,
    keywords: { anger: ["rage"] },
    attempts: 1,
    ...params,
  })

describe("crawl.search", () => {
  it("keeps what it can get and says of everything else why not", async () => {
    const { rows, rejected } = await crawl({ perKeyword: 20, minSize: 50, licences: ["CC BY-SA"] })
    expect(new Set(rows.map(({ source }) => source.url.split("/").at(-1)))).toEqual(
      new Set(["a.png", "b.png", "c.png", "moved.png"]),
    )
    const reasons = Object.fromEntries(rejected.map(({ url, reason }) => [url?.split("/").at(-1), reason]))
    expect(reasons).toEqual({
      "gone.png": "http-404",
      "html.png": "not-an-image",
      "private.png": "robots",
      "noai.png": "robots-tag",
      "cut.png": "truncated",
      "video.png": "not-an-image",
      "unfree.png": "licence",
      "tiny.png": "too-small",
    })
  })

  it("a row says where the picture is from, whose it is and who claims the label", async () => {
    const rig = rigOf()
    const { rows } = await crawl({ perKeyword: 1 }, rig)
    expect(rows).toEqual([
      {
        id: expect.stringMatching(/^crawl-[0-9a-f]{16}$/) as string,
        image: expect.objectContaining({ media: "image/png" }) as object,
        set: "crawl",
        source: {
          kind: "crawl",
          url: `${server.url}/files/a.png`,
          page: `${server.url}/wiki/File:a.png`,
          engine: "wikimedia",
          query: "rage face",
        },
        licence: {
          name: "CC BY-SA 4.0",
          url: "https://creativecommons.org/licenses/by-sa/4.0",
          author: "Ann & Bob",
        },
        label: "anger",
        claims: [{ label: "anger", by: "rage face" }],
      },
    ])
    expect(Buffer.from(rig.bytes(rows[0].image)).subarray(0, png.length).equals(Buffer.from(png))).toBe(true)
  })

  it("pages on until it has enough, in the order of the engine", async () => {
    const { rows, rejected } = await crawl({ perKeyword: 7 })
    expect(rows.length + rejected.length).toBe(7)
    expect(
      (await crawl({ perKeyword: 2 })).rows.map(({ source }) => source.url.at(-5)).sort(inOrder),
    ).toEqual(["a", "b"])
  })

  it("the same picture under two words or classes is two rows with ids of their own, the same every time", async () => {
    const keywords = { anger: ["rage", "outrage"], disgust: ["outrage"] }
    const first = await crawl({ keywords, perKeyword: 1 })
    const second = await crawl({ keywords, perKeyword: 1 })
    expect(new Set(first.rows.map(({ id }) => id)).size).toBe(3)
    expect(first.rows.map(({ source }) => source.url)).toEqual(Array(3).fill(`${server.url}/files/a.png`))
    expect(second.rows).toEqual(first.rows)
  })

  it("nothing found is no error", async () => {
    expect(await crawl({ keywords: { a: ["nothing"] } })).toEqual({ rows: [], rejected: [] })
  })

  it.each([
    ["down", /http-503/],
    ["odd", /not the answer of a search API/],
    ["refused", /badvalue: no such namespace/],
  ])("a search that is %s fails the item, so that it is tried again", async (word, message) => {
    await expect(crawl({ keywords: { a: [word] } })).rejects.toThrow(message)
  })

  it("does not go to Wikimedia without an address to be reached at", async () => {
    await expect(rigOf().map(definition, { engine: "wikimedia", keywords: { a: ["x"] } })).rejects.toThrow(
      /contact/,
    )
  })

  it("names a base address that is none", async () => {
    await expect(crawl({ baseUrl: "commons" })).rejects.toThrow(/baseUrl: "commons"/)
  })
})

describe("the gallery", () => {
  it("is crawled under its canonical name, and gives the same again", async () => {
    const ask = { keywords: { happiness: ["joyful"], fear: ["terror"] }, perKeyword: 6 }
    const first = await rigOf(3).map(definition, ask)
    expect(first.rows.length + first.rejected.length).toBe(12)
    expect(first.rows.length).toBeGreaterThan(4)
    for (const { source, licence } of first.rows) {
      expect(source.generated).toBe(true)
      expect(source.url).toMatch(/^http:\/\/gallery\.facet\.localhost\//)
      expect(source.page).toMatch(/^http:\/\/gallery\.facet\.localhost\//)
      expect(licence?.author).not.toMatch(/[<>]/)
    }
    expect(await rigOf(3).map(definition, ask)).toEqual(first)
    expect((await rigOf(4).map(definition, ask)).rows).not.toEqual(first.rows)
  })
})
