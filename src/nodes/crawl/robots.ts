import * as Effect from "effect/Effect"
import robotsParser from "robots-parser"
import type { Client } from "./client.ts"
import { failure, type FetchFailure } from "./failure.ts"

/** RFC 9309 asks crawlers to read at least 500 KiB of a robots.txt; no more is read here. */
const maxBytes = 512_000

// Its types describe an ES module with a default export; what Node gives is the function itself.
const parse = "default" in robotsParser ? robotsParser.default : robotsParser
type Robots = ReturnType<typeof parse> | "all" | "none"

/**
 * Asks the robots.txt of each host (read once) whether a URL may be fetched, by RFC 9309: none there (4xx) allows
 * everything, one that cannot be had (5xx, no connection) nothing.
 */
export const robotsOf = (client: Client): ((url: string) => Effect.Effect<void, FetchFailure>) => {
  const known = new Map<string, Effect.Effect<Robots>>()
  const load = (origin: string): Effect.Effect<Robots> => {
    const address = `${origin}/robots.txt`
    return client.get(address, { maxBytes, accept: "text/plain" }).pipe(
      Effect.map(({ bytes }): Robots => parse(address, new TextDecoder().decode(bytes))),
      Effect.catch(({ reason }) => Effect.succeed<Robots>(reason.startsWith("http-4") ? "all" : "none")),
    )
  }
  return (url) =>
    Effect.gen(function* () {
      const { origin, pathname } = new URL(url)
      if (pathname === "/robots.txt") return
      let robots = known.get(origin)
      if (robots === undefined) known.set(origin, (robots = yield* Effect.cached(load(origin))))
      const rules = yield* robots
      if (rules === "none")
        return yield* failure("robots-unreachable", url, `${origin}/robots.txt cannot be had`)
      else if (rules !== "all" && rules.isAllowed(url, client.userAgent) === false)
        return yield* failure("robots", url, `${origin}/robots.txt forbids it`)
    })
}

const refusals = /^(noindex|none|noai|noimageai|noimageindex)$/
const named = /^(\*|[a-z0-9_-]+)\s*:\s*(.*)$/
/** Directives that have a value after a colon, and are no crawler's name. */
const valued = /^(unavailable_after|max-snippet|max-image-preview|max-video-preview)$/

/**
 * The directive of X-Robots-Tag headers that asks not to use an answer (noindex, none, noimageindex, noai,
 * noimageai), or undefined. A header may start with the name of the crawler it is for; it then holds for that one.
 */
export const refusedByTag = (
  headers: string | ReadonlyArray<string> | undefined,
  userAgent: string,
): string | undefined => {
  const me = userAgent.split("/", 1)[0].toLowerCase()
  for (const header of typeof headers === "string" ? [headers] : (headers ?? [])) {
    let forMe = true
    for (const part of header.toLowerCase().split(",")) {
      let directive = part.trim()
      const match = named.exec(directive)
      if (match !== null && !valued.test(match[1])) {
        forMe = match[1] === me || match[1] === "*"
        directive = match[2].trim()
      }
      if (forMe && refusals.test(directive)) return directive
    }
  }
  return undefined
}
