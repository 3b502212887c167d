import { lookup as lookupOf } from "node:dns"
import { isIP, type LookupFunction } from "node:net"
import { Agent, buildConnector } from "undici"
import { isPublicAddress } from "./address.ts"

/** A name or address that leads into a private network: the usual way to make a crawler attack its own house. */
export class PrivateAddressError extends Error {
  readonly _tag = "PrivateAddressError"
  override readonly name = "PrivateAddressError"
}

const refuse = (host: string, address: string): PrivateAddressError =>
  new PrivateAddressError(
    host === address
      ? `${host} is not a public address`
      : `${host} has the address ${address}, which is not public`,
  )

/** Resolves names, refusing those with an address that is not public. Checked here, a name cannot change in between. */
const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookupOf(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, "")
    const bad = addresses.find(({ address }) => !isPublicAddress(address))
    if (bad !== undefined) return callback(refuse(hostname, bad.address), "")
    if (options.all === true) return callback(null, addresses)
    const first = addresses[0]
    callback(null, first.address, first.family)
  })
}

export interface ConnectOptions {
  /** `host:port` (the port always said) that may be private: those the user configured. */
  readonly trusted: ReadonlySet<string>
  /** `host:port` → where connections to it really go. */
  readonly routes: ReadonlyMap<string, { readonly host: string; readonly port: number }>
  /** Milliseconds for a connection to open, for the head of an answer, and between two parts of its body. */
  readonly idleMs: number
  /** Connections per host. */
  readonly perHost: number
}

/** The pool of connections of a crawl. */
export const makeAgent = ({ trusted, routes, idleMs, perHost }: ConnectOptions): Agent => {
  const open = buildConnector({ timeout: idleMs })
  const guarded = buildConnector({ timeout: idleMs, lookup: guardedLookup })
  return new Agent({
    connect: (options, callback) => {
      const port = options.port === "" ? (options.protocol === "https:" ? "443" : "80") : options.port
      const place = `${options.hostname}:${port}`
      const route = routes.get(place)
      if (route !== undefined)
        return open({ ...options, hostname: route.host, port: String(route.port) }, callback)
      if (trusted.has(place)) return open(options, callback)
      // Addresses in a URL are never looked up, so they are judged here.
      if (isIP(options.hostname) !== 0 && !isPublicAddress(options.hostname))
        return callback(refuse(options.hostname, options.hostname), null)
      guarded(options, callback)
    },
    connections: perHost,
    pipelining: 1,
    headersTimeout: idleMs,
    bodyTimeout: idleMs,
    keepAliveTimeout: 1_000,
  })
}

/** `host:port` of a URL, the port always said; IPv6 without brackets. */
export const placeOf = (url: URL): string =>
  `${url.hostname.replace(/^\[|\]$/g, "")}:${url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port}`
