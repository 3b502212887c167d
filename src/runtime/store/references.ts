import type { BlobStore } from "./blobs.ts"
import { DigestSet } from "./digest-set.ts"
import { StoreDamaged } from "./errors.ts"

const REFERENCE = Buffer.from('"$blob":"', "latin1")
const BYTES = Buffer.from('","bytes":', "latin1")
const DIGEST = 64

/**
 * Finds the blobs that a text in canonical JSON refers to, without parsing it: `at` is where the 64 digits of a
 * digest begin, `bytes` the size the reference states. A quotation mark within a string is written `\"`, so that no
 * text of a row can look like a reference.
 */
export const references = (text: Buffer, found: (at: number, bytes: number) => void): void => {
  for (let at = text.indexOf(REFERENCE); at >= 0; at = text.indexOf(REFERENCE, at + DIGEST)) {
    at += REFERENCE.length
    if (text[at + DIGEST] !== 0x22) continue
    let bytes = 0
    if (text.subarray(at + DIGEST, at + DIGEST + BYTES.length).equals(BYTES))
      for (let i = at + DIGEST + BYTES.length; text[i] >= 0x30 && text[i] <= 0x39; i++)
        bytes = bytes * 10 + text[i] - 0x30
    found(at, bytes)
  }
}

export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** An artifact, as whatever names it tells: only tables have blobs that refer to more. */
export interface Root {
  readonly digest: string
  readonly table: boolean
}

/** Marks blobs that are referred to, each artifact and chunk once. */
export class Marks {
  readonly set = new DigestSet()
  /** Tables and chunks whose references are marked too. */
  readonly #followed = new DigestSet()
  readonly #blobs: BlobStore
  /** Bytes of everything marked. */
  bytes = 0

  constructor(blobs: BlobStore) {
    this.#blobs = blobs
  }

  /** Marks one blob and nothing it names. */
  blob(digest: string): void {
    if (this.set.add(digest)) this.bytes += this.#blobs.size(digest) ?? 0
  }

  /** Marks what a text refers to. */
  text(text: Buffer): void {
    references(text, (at, bytes) => {
      if (this.set.addText(text, at)) this.bytes += bytes
    })
  }

  /** Marks a chunk of a table and what its rows name. */
  chunk(digest: string): void {
    this.blob(digest)
    if (this.#followed.add(digest)) this.#withText(digest, (text) => this.text(text))
  }

  artifact({ digest, table }: Root): void {
    this.blob(digest)
    if (!this.#followed.add(digest)) return
    this.#withText(digest, (text) => {
      if (table) {
        for (const chunk of digestsIn(text)) this.chunk(chunk)
      } else this.text(text)
    })
  }

  /** Bytes that an artifact takes with all it names, and how many of those are not marked yet. */
  weigh({ digest, table }: Root): { readonly bytes: number; readonly fresh: number } {
    const own = this.#blobs.size(digest) ?? 0
    let [bytes, fresh] = [own, this.set.has(digest) ? 0 : own]
    const seen = new DigestSet()
    const add = (text: Buffer): void =>
      references(text, (at, size) => {
        if (!seen.addText(text, at)) return
        bytes += size
        if (!this.set.hasText(text, at)) fresh += size
      })
    this.#withText(digest, (text) => {
      add(text)
      if (table) for (const chunk of digestsIn(text)) this.#withText(chunk, add)
    })
    return { bytes, fresh }
  }

  /** What can not be read keeps what could be read of it: `verify` is who reports it. */
  #withText(digest: string, use: (text: Buffer) => void): void {
    let bytes: Uint8Array
    try {
      bytes = this.#blobs.get(digest)
    } catch (error) {
      if (error instanceof StoreDamaged) return
      throw error
    }
    use(asBuffer(bytes))
  }
}

export const digestsIn = (text: Buffer): ReadonlyArray<string> => {
  const digests: Array<string> = []
  references(text, (at) => digests.push(text.toString("latin1", at, at + DIGEST)))
  return digests
}
