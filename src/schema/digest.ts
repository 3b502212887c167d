import { createHash, hash } from "node:crypto"
import * as Schema from "effect/Schema"
import { canonical } from "./json.ts"

/** Lower-case hex sha256 of some content or canonical record. */
export const Digest = Schema.String.pipe(
  Schema.check(Schema.isPattern(/^[0-9a-f]{64}$/u)),
  Schema.brand("Digest"),
)
export type Digest = typeof Digest.Type

/** sha256 of bytes (or of a string's UTF-8). */
export const digestOf = (content: Uint8Array | string): Digest => hash("sha256", content, "hex") as Digest

/** A hasher for content that streams. */
export const digestStream = () => {
  const h = createHash("sha256")
  return {
    update: (part: Uint8Array): void => {
      h.update(part)
    },
    done: (): Digest => h.digest("hex") as Digest,
  }
}

/**
 * Digest of a canonical record. Every pre-image starts with its record type, so that two kinds of record
 * can never share a key.
 */
export const digestRecord = (type: string, record: unknown): Digest =>
  digestOf(`${type}\n${canonical(record)}`)

/** How a digest is shown to people. */
export const short = (digest: string): string => digest.slice(0, 10)
