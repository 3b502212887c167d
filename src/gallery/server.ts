import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { buildCorpus, type Corpus, corpusFacts, type Page } from "./corpus.ts"
import { brokenPage, filePage, searchPage } from "./html.ts"
import { mimeOf, PictureStore } from "./pictures.ts"
import { answerApi } from "./search.ts"

export interface GalleryOptions {
  /** Which world is drawn; default 1. */
  readonly seed?: number
  /** 0 (default): any free port. */
  readonly port?: number
  readonly host?: "127.0.0.1" | "localhost" | "::1"
  /**
   * Start of every URL inside answers, without a trailing slash; default `http://gallery.facet.localhost`, so
   * that answers don't depend on the port. "self" writes the address that the server listens on.
   */
  readonly publicUrl?: string
  /** Called with one line per request. */
  readonly log?: (line: string) => void
}

export interface Gallery {
  /** The address to connect to, e.g. `http://127.0.0.1:40123`. */
  readonly url: string
  readonly port: number
  readonly publicUrl: string
  readonly corpus: Corpus
  readonly close: () => Promise<void>
  /** Requests answered so far. */
  readonly requests: () => number
}

/** Canonical address of the gallery in everything that is stored. */
export const canonicalUrl = "http://gallery.facet.localhost"

/** The server could not listen; `message` says where and why. */
export class GalleryListenError extends Error {
  readonly _tag = "GalleryListenError"
}

const robots = `# This service is drawn by a program.
User-agent: *
Disallow: /restricted/

User-agent: ImageGreedyBot
Disallow: /
`

const slowMillis = 1500

interface World {
  readonly corpus: Corpus
  readonly store: PictureStore
  readonly publicUrl: string
  /** Pages that have said "busy" once. */
  readonly calmed: Set<number>
}

const send = (
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void => {
  const bytes = typeof body === "string" ? Buffer.from(body) : body
  response.writeHead(status, { "content-type": type, "content-length": bytes.length, ...headers })
  response.end(response.req.method === "HEAD" ? undefined : bytes)
}

const text = (
  response: ServerResponse,
  status: number,
  body: string,
  headers?: Record<string, string>,
): void => send(response, status, "text/plain; charset=utf-8", body, headers)
const page404 = (response: ServerResponse): void => text(response, 404, "Not found\n")

const sendFile = async (
  response: ServerResponse,
  world: World,
  page: Page,
  thumbWidth: number | undefined,
): Promise<void> => {
  const { store, calmed } = world
  if (page.delivery === "missing") return page404(response)
  if (page.delivery === "busy" && !calmed.has(page.id)) {
    calmed.add(page.id)
    return text(response, 429, "Too many requests\n", { "retry-after": "1" })
  }
  if (page.delivery === "html") return send(response, 200, "image/jpeg", brokenPage)
  const picture = thumbWidth === undefined ? await store.get(page) : await store.thumbnail(page, thumbWidth)
  if (page.delivery === "slow") await new Promise((resume) => setTimeout(resume, slowMillis))
  const noai = page.delivery === "noai" ? { "x-robots-tag": "noai, noimageai" } : {}
  send(response, 200, mimeOf[page.format], picture.bytes, {
    "cache-control": "public, max-age=86400",
    etag: `"${picture.sha1}"`,
    ...noai,
  })
}

/** Old addresses take two steps: /old/files/… → /moved/files/… → /files/…. */
const redirect = (response: ServerResponse, world: World, path: string): void => {
  const [, stage, rest] = /^\/(old|moved)(\/.*)$/u.exec(path)!
  const target = stage === "old" ? `/moved${rest}` : rest
  text(response, 302, "Found\n", { location: `${world.publicUrl}${target}` })
}

const handle = async (request: IncomingMessage, response: ServerResponse, world: World): Promise<void> => {
  const { corpus, publicUrl, store } = world
  if (request.method !== "GET" && request.method !== "HEAD")
    return text(response, 405, "Only GET and HEAD\n", { allow: "GET, HEAD" })
  const url = URL.parse(request.url ?? "/", publicUrl)
  if (url === null) return text(response, 400, "Bad request target\n")
  const path = url.pathname
  if (path === "/robots.txt") return text(response, 200, robots)
  if ((request.headers["user-agent"] ?? "").trim() === "")
    return text(response, 403, "Please set a user agent that names you and a contact.\n")
  if (path === "/w/api.php") {
    const answer = await answerApi(url.searchParams, corpus, store, publicUrl)
    return send(
      response,
      200,
      "application/json; charset=utf-8",
      JSON.stringify(answer.body),
      answer.error === undefined ? {} : { "mediawiki-api-error": answer.error },
    )
  }
  if (path === "/")
    return send(
      response,
      200,
      "text/html; charset=utf-8",
      searchPage(
        corpus,
        url.searchParams.get("q")?.trim() ?? "",
        Math.max(0, Math.trunc(Number(url.searchParams.get("from"))) || 0),
      ),
    )
  if (path === "/facts.json")
    return send(
      response,
      200,
      "application/json; charset=utf-8",
      JSON.stringify(corpusFacts(corpus), null, 2),
    )
  if (/^\/(old|moved)\/./u.test(path)) return redirect(response, world, path)
  const original = corpus.byPath.get(path)
  if (original !== undefined) return sendFile(response, world, original, undefined)
  const thumb = /^((?:\/restricted)?\/files)\/thumb(\/.+)\/(\d{1,4})px-[^/]+$/u.exec(path)
  const ofThumb = thumb === null ? undefined : corpus.byPath.get(`${thumb[1]}${thumb[2]}`)
  if (ofThumb !== undefined && Number(thumb![3]) > 0) {
    const width = Number(thumb![3])
    if (width >= (await store.facts(ofThumb)).width)
      return text(response, 400, "The thumbnail would be larger than the original\n")
    return sendFile(response, world, ofThumb, width)
  }
  const described =
    path === "/w/index.php"
      ? corpus.byId.get(Number(url.searchParams.get("curid")))
      : path.startsWith("/wiki/File:")
        ? corpus.byTitle.get(decode(path.slice("/wiki/".length)).replaceAll("_", " "))
        : undefined
  if (described !== undefined) return send(response, 200, "text/html; charset=utf-8", filePage(described))
  page404(response)
}

const decode = (path: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    return ""
  }
}

/**
 * Starts the image service on loopback. Its answers depend on the seed and the request only, not on the port.
 * @throws GalleryListenError where the port is taken or not allowed
 */
export const startGallery = async (options: GalleryOptions = {}): Promise<Gallery> => {
  const host = options.host ?? "127.0.0.1"
  let answered = 0
  let world: World | undefined
  const server = createServer((request, response) => {
    handle(request, response, world!)
      .catch((error: unknown) => {
        options.log?.(
          `${request.method} ${request.url}: ${error instanceof Error ? error.message : String(error)}`,
        )
        if (response.headersSent) response.destroy()
        else text(response, 500, "The gallery failed to answer\n")
      })
      .finally(() => {
        answered++
        options.log?.(`${request.method} ${request.url} ${response.statusCode}`)
      })
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        new GalleryListenError(
          `The gallery can't listen on ${host}:${options.port ?? 0}: ${error.code === "EADDRINUSE" ? "the port is taken; choose another or 0 for any" : error.message}`,
        ),
      )
    })
    server.listen(options.port ?? 0, host, resolve)
  })
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}`
  const publicUrl =
    options.publicUrl === "self" ? url : (options.publicUrl ?? canonicalUrl).replace(/\/+$/u, "")
  world = {
    corpus: buildCorpus(`gallery/${options.seed ?? 1}`),
    store: new PictureStore(),
    publicUrl,
    calmed: new Set(),
  }
  return {
    url,
    port,
    publicUrl,
    corpus: world.corpus,
    requests: () => answered,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
