import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { request, type Dispatcher } from "undici"
import { digestOf } from "../../schema/digest.ts"
import { readBody } from "./body.ts"
import { makeAgent, placeOf } from "./connector.ts"
import { failure, failureOf, FetchFailure } from "./failure.ts"

/** Longest wait, in milliseconds, that a server's Retry-After is granted; beyond it the request fails. */
const longestWait = 120_000
const firstBackoff = 250
const redirectLimit = 5

/** Where waiting is done: another one in tests. Times never enter a result. */
export interface Time {
  readonly now: () => number
  readonly sleep: (ms: number) => Effect.Effect<void>
}
const realTime: Time = { now: () => Date.now(), sleep: (ms) => Effect.sleep(ms) }

export interface ClientOptions {
  readonly userAgent: string
  /** Seconds a request may take altogether, and seconds without a sign of life. */
  readonly timeout: number
  readonly idle: number
  /** Tries of a request, the first included. */
  readonly attempts: number
  /** Requests to one host at the same time. */
  readonly perHost: number
  /** `host:port` that may be private. */
  readonly trusted?: ReadonlySet<string>
  readonly routes?: ReadonlyMap<string, { readonly host: string; readonly port: number }>
  readonly time?: Time
}

export interface RequestOptions {
  readonly maxBytes: number
  readonly accept?: string
  /** Asked before each hop, with its URL: fails where the hop is not allowed. */
  readonly allow?: (url: string) => Effect.Effect<void, FetchFailure>
}

export interface Fetched {
  /** Where the bytes came from, after redirects. */
  readonly url: string
  readonly bytes: Uint8Array
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

/** A polite HTTP client: few requests per host at a time, waits where asked to, never reads without a limit. */
export interface Client {
  readonly userAgent: string
  readonly get: (url: string, options: RequestOptions) => Effect.Effect<Fetched, FetchFailure>
  readonly close: () => Promise<void>
}

interface Host {
  readonly permits: Semaphore.Semaphore
  /** Until when the host asked all of us to wait. */
  pausedUntil: number
}

const one = (header: string | ReadonlyArray<string> | undefined): string | undefined =>
  typeof header === "string" ? header : header?.[0]

/** Milliseconds a Retry-After header asks for: seconds or an HTTP date (RFC 9110, 10.2.3); undefined if malformed. */
export const retryAfter = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined) return undefined
  if (/^\s*\d+\s*$/.test(header)) return Number(header) * 1000
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** 250 ms doubled per attempt, and up to half as much again, spread by the URL so that clients don't knock together. */
const backoff = (url: string, attempt: number): number => {
  const spread = Number.parseInt(digestOf(`${attempt} ${url}`).slice(0, 8), 16) / 0xffff_ffff
  return Math.round(firstBackoff * 2 ** attempt * (1 + spread / 2))
}

const parse = (text: string, base?: string): URL | undefined => {
  const url = URL.parse(text, base)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) return undefined
  return url.username === "" && url.password === "" ? url : undefined
}

type Hop = { readonly to: string } | { readonly fetched: Fetched }

export const makeClient = (options: ClientOptions): Client => {
  const { userAgent, attempts, perHost, time = realTime } = options
  const agent = makeAgent({
    trusted: options.trusted ?? new Set(),
    routes: options.routes ?? new Map(),
    idleMs: Math.round(options.idle * 1000),
    perHost,
  })
  const hosts = new Map<string, Host>()
  const hostOf = (url: URL): Host => {
    const place = placeOf(url)
    let host = hosts.get(place)
    if (host === undefined)
      hosts.set(place, (host = { permits: Semaphore.makeUnsafe(perHost), pausedUntil: 0 }))
    return host
  }

  const judge = (answer: Dispatcher.ResponseData, url: string): FetchFailure | undefined => {
    const status = answer.statusCode
    if (status === 200 || status === 203) return undefined
    const wait = retryAfter(one(answer.headers["retry-after"]), time.now())
    if (status === 429) return failure("rate-limited", url, "status 429", { transient: true, wait })
    const transient = status === 500 || status === 502 || status === 503 || status === 504
    return failure(`http-${status}`, url, `status ${status}`, { transient, wait })
  }

  const send = async (url: URL, maxBytes: number, accept: string, signal: AbortSignal): Promise<Hop> => {
    let started = false
    try {
      const answer = await request(url, {
        dispatcher: agent,
        signal,
        headers: { "user-agent": userAgent, accept, "accept-encoding": "gzip, identity" },
      })
      started = true
      // Leaving the body unread would hold the connection; a long one is cut by destroying it.
      answer.body.on("error", () => undefined)
      const drop = () => answer.body.destroy()
      const location = one(answer.headers.location)
      if ([301, 302, 303, 307, 308].includes(answer.statusCode) && location !== undefined) {
        drop()
        const next = parse(location, url.href)
        if (next === undefined) throw failure("bad-url", url.href, `redirected to ${location}`)
        return { to: next.href }
      }
      const bad = judge(answer, url.href)
      if (bad !== undefined) {
        drop()
        throw bad
      }
      if (Number(one(answer.headers["content-length"])) > maxBytes) {
        drop()
        throw failure("too-large", url.href, `announced as longer than ${maxBytes} bytes`)
      }
      const encoding = one(answer.headers["content-encoding"])
      const bytes = await readBody(answer.body, encoding, maxBytes, url.href)
      return { fetched: { url: url.href, bytes, headers: answer.headers } }
    } catch (cause) {
      throw failureOf(cause, url.href, started)
    }
  }

  const hop = (url: URL, { maxBytes, accept = "*/*" }: RequestOptions): Effect.Effect<Hop, FetchFailure> => {
    const host = hostOf(url)
    const attempt = Effect.gen(function* () {
      // Looked at again after waking: another answer may have prolonged the pause.
      while (host.pausedUntil > time.now()) yield* time.sleep(host.pausedUntil - time.now())
      return yield* Effect.tryPromise({
        try: (signal) => send(url, maxBytes, accept, signal),
        catch: (cause) => failureOf(cause, url.href, false),
      }).pipe(
        Effect.timeoutOrElse({
          duration: options.timeout * 1000,
          orElse: () => Effect.fail(failure("timeout", url.href, `not done after ${options.timeout} s`)),
        }),
      )
    }).pipe(host.permits.withPermits(1))
    const tried = (count: number): Effect.Effect<Hop, FetchFailure> =>
      Effect.catch(attempt, (problem) => {
        const wait = problem.wait ?? backoff(url.href, count)
        if (problem.wait !== undefined && wait <= longestWait)
          host.pausedUntil = Math.max(host.pausedUntil, time.now() + wait)
        if (!problem.transient || count + 1 >= attempts || wait > longestWait) return Effect.fail(problem)
        return Effect.andThen(time.sleep(wait), tried(count + 1))
      })
    return tried(0)
  }

  const get = Effect.fn("crawl.get")(function* (address: string, request: RequestOptions) {
    const first = parse(address)
    if (first === undefined)
      return yield* failure("bad-url", address, "not an http or https address without a password")
    const seen = new Set<string>()
    let url: URL = first
    for (;;) {
      url.hash = ""
      if (seen.has(url.href)) return yield* failure("redirect-loop", address, `comes back to ${url.href}`)
      if (seen.size > redirectLimit)
        return yield* failure("redirect-limit", address, `more than ${redirectLimit} redirects`)
      seen.add(url.href)
      if (request.allow !== undefined) yield* request.allow(url.href)
      const answer: Hop = yield* hop(url, request)
      if ("fetched" in answer) return answer.fetched
      url = new URL(answer.to)
    }
  })

  return { userAgent, get, close: () => agent.destroy() }
}
