import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { blobsIn } from "../../schema/blob.ts"
import { digestOf, digestRecord } from "../../schema/digest.ts"
import { references } from "./references.ts"

/** The removal requests of a project, one a line; beside its `pipelines` folder, to be kept under version control. */
export const FORGOTTEN_FILE = "forgotten.jsonl"

const Hex = (digits: number) =>
  Schema.String.check(Schema.isPattern(new RegExp(`^[0-9a-f]{${digits}}$`, "u")))

/** A removal request. It names nothing in the clear. */
export const Tombstone = Schema.Struct({
  at: Schema.String,
  /** sha256 of addresses (`addressDigest`). */
  urls: Schema.Array(Hex(64)),
  /** sha256 of the bytes of pictures. */
  digests: Schema.Array(Hex(64)),
  /** Perceptual hashes, and how many of their 64 bits may differ. */
  looks: Schema.Array(
    Schema.Struct({
      hash: Hex(16),
      distance: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 32 })),
    }),
  ),
  reason: Schema.optionalKey(Schema.String),
})
export type Tombstone = typeof Tombstone.Type

/** The file of removal requests can not be read: nothing may run as if there were none. */
export class ForgottenFileError extends Schema.TaggedError<ForgottenFileError>()("ForgottenFileError", {
  message: Schema.String,
}) {}

/**
 * An address as it is compared: http and https are one, upper and lower case in the name of the host too, ports that
 * go without saying and the fragment are left out. What is no such address stays as it is.
 */
export const addressDigest = (address: string): string => {
  const parts = /^https?:\/\/([^/?#]*)([^#]*)/iu.exec(address)
  if (parts === null) return digestOf(address)
  const [, host, rest] = parts
  return digestOf(`https://${host.toLowerCase().replace(/:(?:80|443)$/u, "")}${rest === "" ? "/" : rest}`)
}

const onesOf = Uint8Array.from({ length: 256 }, (_, i) => i.toString(2).replaceAll("0", "").length)

/** Bits in which two hashes of 16 hexadecimal digits differ. */
export const bitsApart = (a: string, b: string): number => {
  let bits = 0
  for (let at = 0; at < 16; at += 2)
    bits += onesOf[Number.parseInt(a.slice(at, at + 2), 16) ^ Number.parseInt(b.slice(at, at + 2), 16)]
  return bits
}

interface AnyRow {
  readonly source?: { readonly url?: unknown; readonly page?: unknown }
  readonly url?: unknown
  readonly phash?: unknown
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const HTTP_START = Buffer.from('"http')
const FIELD_STARTS = ['"url":"', '"page":"'].map((text) => Buffer.from(text))
const HASH_START = Buffer.from('"phash":"')

/** What a project has been asked to forget. */
export class Forgotten {
  /** Names the set of requests; empty where there are none. */
  readonly id: string
  readonly tombstones: ReadonlyArray<Tombstone>
  readonly #urls: ReadonlySet<string>
  readonly #digests: ReadonlySet<string>
  readonly #looks: ReadonlyArray<{ readonly hash: string; readonly distance: number }>

  constructor(tombstones: ReadonlyArray<Tombstone>) {
    this.tombstones = tombstones
    this.#urls = new Set(tombstones.flatMap(({ urls }) => urls))
    this.#digests = new Set(tombstones.flatMap(({ digests }) => digests))
    this.#looks = tombstones.flatMap(({ looks }) => looks)
    const looks = this.#looks.map(({ hash, distance }) => `${hash} ${distance}`)
    const all = [[...this.#urls].sort(), [...this.#digests].sort(), [...new Set(looks)].sort()]
    this.id = all.every((list) => list.length === 0) ? "" : digestRecord("forgotten", all)
  }

  get isEmpty(): boolean {
    return this.id === ""
  }

  get digests(): ReadonlySet<string> {
    return this.#digests
  }

  /** Whether a blob is one of the pictures. */
  blob(digest: string): boolean {
    return this.#digests.has(digest)
  }

  address(address: string): boolean {
    return this.#urls.size > 0 && this.#urls.has(addressDigest(address))
  }

  look(hash: string): boolean {
    return this.#looks.some((look) => bitsApart(look.hash, hash) <= look.distance)
  }

  /** Whether a row is about something forgotten: by its source's address or page, a picture it names, or its look. */
  row(row: object): boolean {
    if (this.isEmpty) return false
    const { source, url, phash } = row as AnyRow
    for (const address of [source?.url, source?.page, url])
      if (typeof address === "string" && this.address(address)) return true
    if (typeof phash === "string" && this.look(phash)) return true
    for (const digest of blobsIn(row)) if (this.blob(digest)) return true
    return false
  }

  /** Whether anything forgotten is named somewhere in a text of JSON without spaces; nothing is parsed. */
  text(text: Buffer): boolean {
    if (this.isEmpty) return false
    let found = false
    if (this.#digests.size > 0)
      references(text, (at) => (found ||= this.#digests.has(text.toString("latin1", at, at + 64))))
    return found || this.#hasAddress(text) || this.#hasLook(text)
  }

  #hasAddress(text: Buffer): boolean {
    if (this.#urls.size === 0) return false
    return (
      this.#hasString(text, HTTP_START, 0) ||
      FIELD_STARTS.some((start) => this.#hasString(text, start, start.length - 1))
    )
  }

  /** Whether a string that begins `skip` bytes behind some `start` is an address that was forgotten. */
  #hasString(text: Buffer, start: Buffer, skip: number): boolean {
    for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + 1)) {
      const from = at + skip
      // Those that begin like addresses of the web are looked at once.
      if (skip > 0 && HTTP_START.compare(text, from, from + HTTP_START.length) === 0) continue
      let to = from + 1
      let plain = true
      while (to < text.length && text[to] !== QUOTE) {
        if (text[to] === BACKSLASH) {
          plain = false
          to++
        }
        to++
      }
      const string = plain
        ? text.toString("utf8", from + 1, to)
        : (JSON.parse(text.toString("utf8", from, to + 1)) as string)
      if (this.address(string)) return true
    }
    return false
  }

  #hasLook(text: Buffer): boolean {
    if (this.#looks.length === 0) return false
    for (let at = text.indexOf(HASH_START); at >= 0; at = text.indexOf(HASH_START, at + 1)) {
      const from = at + HASH_START.length
      if (text[from + 16] === QUOTE && this.look(text.toString("latin1", from, from + 16))) return true
    }
    return false
  }
}

export const NOTHING_FORGOTTEN = new Forgotten([])

/** Reads the removal requests of a project. @throws ForgottenFileError where a line is none */
export const readForgotten = (project: string): Forgotten => {
  const path = join(project, FORGOTTEN_FILE)
  if (!existsSync(path)) return NOTHING_FORGOTTEN
  const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Tombstone))
  const tombstones = readFileSync(path, "utf8")
    .split("\n")
    .flatMap((line, at) => {
      if (line.trim() === "") return []
      const decoded = decode(line, { onExcessProperty: "error" })
      if (decoded._tag === "Success") return [decoded.success]
      throw new ForgottenFileError({
        message: `${path}:${at + 1}: this line is no removal request: ${String(decoded.failure)}`,
      })
    })
  return new Forgotten(tombstones)
}
