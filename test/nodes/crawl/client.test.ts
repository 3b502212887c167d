import { gzipSync } from "node:zlib"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { makeClient, retryAfter, type Client, type ClientOptions } from "../../../src/nodes/crawl/client.ts"
import { nastyServer, redirectTo, type NastyServer } from "./nasty-server.ts"

let server: NastyServer
let base: Client
let slept: Array<number>
const clients: Array<Client> = []

const clientOf = (options: Partial<ClientOptions> = {}): Client => {
  let now = 1_000_000
  const client = makeClient({
    userAgent: "facet/0.1 (test)",
    timeout: 20,
    idle: 10,
    attempts: 3,
    perHost: 4,
    trusted: new Set([server.place]),
    // Waiting is recorded, not done.
    time: {
      now: () => now,
      sleep: (ms) =>
        Effect.sync(() => {
          slept.push(ms)
          now += ms
        }),
    },
    ...options,
  })
  clients.push(client)
  return client
}

beforeAll(async () => {
  server = await nastyServer({
    "/ok": (_, response) => response.end("hello"),
    "/truncated": (_, response) => {
      response.writeHead(200, { "content-length": 1000 })
      response.write("a part")
      setTimeout(() => response.destroy(), 20)
    },
    "/truncated-once": (_, response, nth) => {
      if (nth > 1) {
        response.end("whole")
        return
      }
      response.writeHead(200, { "content-length": 1000 })
      response.write("a part")
      setTimeout(() => response.destroy(), 20)
    },
    "/endless": (_, response) => {
      response.writeHead(200)
      const more = (): void => {
        if (!response.destroyed && response.write(Buffer.alloc(65_536))) setImmediate(more)
        else if (!response.destroyed) response.once("drain", more)
      }
      more()
    },
    "/announced": (_, response) => {
      response.writeHead(200, { "content-length": 10_000_000 })
      response.write("x")
    },
    "/mute": () => undefined,
    "/drip": (_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write("."), 20)
      response.on("close", () => clearInterval(timer))
    },
    "/stalls": (_, response) => {
      response.writeHead(200)
      response.write("and then nothing")
    },
    "/bomb": (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" })
      response.end(gzipSync(Buffer.alloc(50_000_000)))
    },
    "/gzip": (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" })
      response.end(gzipSync("zipped"))
    },
    "/not-gzip": (_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" })
      response.end("plain text that is no gzip at all")
    },
    "/odd-encoding": (_, response) => {
      response.writeHead(200, { "content-encoding": "compress" })
      response.end("?")
    },
    "/busy": (_, response, nth) => {
      if (nth === 1) response.writeHead(429, { "retry-after": "7" }).end()
      else response.end("at last")
    },
    "/very-busy": (_, response) => response.writeHead(429, { "retry-after": "86400" }).end(),
    "/broken": (_, response) => response.writeHead(503).end(),
    "/teapot": (_, response) => response.writeHead(418).end(),
    "/loop-a": redirectTo("/loop-b"),
    "/loop-b": redirectTo("/loop-a"),
    "/chain": redirectTo("/chain/1"),
    ...Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`/chain/${i + 1}`, redirectTo(`/chain/${i + 2}`)]),
    ),
    "/once": redirectTo("/ok"),
    "/to-metadata": redirectTo("http://169.254.169.254/latest/meta-data"),
    "/to-port-22": redirectTo("http://127.0.0.1:22/"),
    "/to-hidden-loopback": redirectTo("http://2130706433/"),
    "/to-localhost": redirectTo("http://localhost:1/"),
    "/to-v6": redirectTo("http://[::1]:1/"),
    "/to-mapped": redirectTo("http://[::ffff:10.0.0.1]/"),
    "/to-file": redirectTo("file:///etc/passwd"),
    "/to-password": redirectTo("http://user:secret@example.com/"),
    "/slow-ok": (_, response) => {
      setTimeout(() => response.end("ok"), 30)
    },
  })
  slept = []
  base = clientOf()
})
afterAll(async () => {
  for (const client of clients) await client.close()
  await server.close()
})

const get = (path: string, client = base, maxBytes = 1_000_000) =>
  Effect.runPromise(
    client.get(path.startsWith("http") ? path : `${server.url}${path}`, { maxBytes }).pipe(
      Effect.map(({ bytes }) => Buffer.from(bytes).toString()),
      Effect.catch((problem) => Effect.succeed(problem)),
    ),
  )
const times = (path: string) => server.requests.filter((one) => one === path).length

describe("what comes through", () => {
  it("a plain answer, one behind a redirect, a compressed one", async () => {
    expect(await get("/ok")).toBe("hello")
    expect(await get("/once")).toBe("hello")
    expect(await get("/gzip")).toBe("zipped")
  })
  it("an answer cut short once is asked for again", async () => {
    expect(await get("/truncated-once")).toBe("whole")
  })
  it("waits as long as Retry-After says", async () => {
    slept = []
    expect(await get("/busy")).toBe("at last")
    expect(slept[0]).toBe(7000)
  })
})

describe("what is refused", () => {
  const fails: ReadonlyArray<readonly [string, string]> = [
    ["/endless", "too-large"],
    ["/announced", "too-large"],
    ["/bomb", "too-large"],
    ["/truncated", "truncated"],
    ["/not-gzip", "encoding"],
    ["/odd-encoding", "encoding"],
    ["/very-busy", "rate-limited"],
    ["/broken", "http-503"],
    ["/teapot", "http-418"],
    ["/nowhere", "http-404"],
    ["/loop-a", "redirect-loop"],
    ["/chain", "redirect-limit"],
    ["/to-metadata", "private-address"],
    ["/to-port-22", "private-address"],
    ["/to-hidden-loopback", "private-address"],
    ["/to-localhost", "private-address"],
    ["/to-v6", "private-address"],
    ["/to-mapped", "private-address"],
    ["/to-file", "bad-url"],
    ["/to-password", "bad-url"],
    ["ftp://example.com/a.jpg", "bad-url"],
    ["no address at all", "bad-url"],
    ["http://10.1.2.3/", "private-address"],
  ]
  it.each(fails)("%s: %s", async (path, reason) => {
    expect(await get(path)).toMatchObject({ _tag: "FetchFailure", reason })
  })
  it("tries again only what may pass", () => {
    expect(times("/broken")).toBe(3)
    expect(times("/truncated")).toBe(3)
    expect(times("/teapot")).toBe(1)
    expect(times("/very-busy")).toBe(1)
    expect(times("/bomb")).toBe(1)
  })
  it("a server that is not there", async () => {
    const gone = await nastyServer({})
    await gone.close()
    const client = clientOf({ trusted: new Set([gone.place]), attempts: 2 })
    expect(await get(`${gone.url}/x`, client)).toMatchObject({ reason: "connection" })
  })
  it("silence before the head, silence within the body, and a drip without end", async () => {
    const impatient = clientOf({ idle: 0.15, timeout: 5, attempts: 1 })
    expect(await get("/mute", impatient)).toMatchObject({ reason: "timeout" })
    expect(await get("/stalls", impatient)).toMatchObject({ reason: "timeout" })
    const strict = clientOf({ timeout: 0.2, attempts: 1 })
    expect(await get("/drip", strict)).toMatchObject({ reason: "timeout" })
  })
})

it("opens no more requests per host than allowed", async () => {
  const own = await nastyServer({
    "/slow": (_, response) => {
      setTimeout(() => response.end("ok"), 10)
    },
  })
  const polite = clientOf({ perHost: 2, trusted: new Set([own.place]) })
  await Promise.all(Array.from({ length: 12 }, () => get(`${own.url}/slow`, polite)))
  expect(own.peak()).toBe(2)
  expect(own.requests.length).toBe(12)
  await own.close()
})

it("asks the guard before each hop", async () => {
  const asked: Array<string> = []
  const allow = (url: string) => Effect.sync(() => void asked.push(new URL(url).pathname))
  await Effect.runPromise(base.get(`${server.url}/once`, { maxBytes: 100, allow }))
  expect(asked).toEqual(["/once", "/ok"])
})

it("reads Retry-After as seconds or as a date, and ignores nonsense", () => {
  const now = Date.parse("2030-01-01T00:00:00Z")
  expect(retryAfter("5", now)).toBe(5000)
  expect(retryAfter("Tue, 01 Jan 2030 00:01:00 GMT", now)).toBe(60_000)
  expect(retryAfter("Mon, 31 Dec 2029 00:00:00 GMT", now)).toBe(0)
  expect(retryAfter("soon", now)).toBeUndefined()
  expect(retryAfter(undefined, now)).toBeUndefined()
})
