const EMPTY = 0
const SMALLEST = 1 << 12

const digit = (code: number): number => (code < 0x3a ? code - 0x30 : code - 0x57)

/** Eight hexadecimal digits at a place of some bytes, as an unsigned number. */
const word = (text: Uint8Array, at: number): number => {
  let value = 0
  for (let i = 0; i < 8; i++) value = (value << 4) | digit(text[at + i])
  return value >>> 0
}

/**
 * A set of digests in 16 bytes each and less, by the first 64 bits: for millions of blobs. Two digests that agree in
 * those are taken for one, which at ten million has a chance of 3 in a million, and makes a collector keep too much,
 * never too little.
 */
export class DigestSet {
  #high = new Uint32Array(SMALLEST)
  #low = new Uint32Array(SMALLEST)
  #size = 0

  get size(): number {
    return this.#size
  }

  has(digest: string): boolean {
    return this.#find(Number.parseInt(digest.slice(0, 8), 16), Number.parseInt(digest.slice(8, 16), 16)) < 0
  }

  /** Whether it is new. */
  add(digest: string): boolean {
    return this.#add(Number.parseInt(digest.slice(0, 8), 16), Number.parseInt(digest.slice(8, 16), 16))
  }

  /** Digests as 64 hexadecimal digits within a text. */
  hasText(text: Uint8Array, at: number): boolean {
    return this.#find(word(text, at), word(text, at + 8)) < 0
  }
  addText(text: Uint8Array, at: number): boolean {
    return this.#add(word(text, at), word(text, at + 8))
  }

  /** Digests as their 32 bytes. */
  hasBytes(digest: Uint8Array): boolean {
    const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength)
    return this.#find(view.getUint32(0), view.getUint32(4)) < 0
  }

  /** The place of an entry as `-1 - place`, or the place where it would be entered. */
  #find(high: number, low: number): number {
    // The pair 0, 0 marks an empty place.
    if (high === EMPTY && low === EMPTY) low = 1
    const mask = this.#high.length - 1
    for (let at = low & mask; ; at = (at + 1) & mask) {
      if (this.#high[at] === high && this.#low[at] === low) return -1 - at
      if (this.#high[at] === EMPTY && this.#low[at] === EMPTY) return at
    }
  }

  #add(high: number, low: number): boolean {
    const at = this.#find(high, low)
    if (at < 0) return false
    this.#high[at] = high
    this.#low[at] = high === EMPTY && low === EMPTY ? 1 : low
    if (++this.#size > this.#high.length * 0.7) this.#grow()
    return true
  }

  #grow(): void {
    const [high, low] = [this.#high, this.#low]
    this.#high = new Uint32Array(high.length * 2)
    this.#low = new Uint32Array(high.length * 2)
    for (let at = 0; at < high.length; at++) {
      if (high[at] === EMPTY && low[at] === EMPTY) continue
      const to = this.#find(high[at], low[at])
      this.#high[to] = high[at]
      this.#low[to] = low[at]
    }
  }
}
