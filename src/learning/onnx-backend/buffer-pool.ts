import { allocate, type Dtype, type HostArray } from "./layout.ts"

/** Buffers that nothing used for this many flushes are let go. */
const KEPT_FLUSHES = 2

/**
 * Arrays of disposed tensors, to be written again as outputs of the next run: a training step replaces every weight
 * by one of the same size, and fresh pages cost more than the arithmetic on them.
 */
export class BufferPool {
  readonly #free = new Map<string, Array<{ readonly data: HostArray; readonly since: number }>>()
  #flush = 0
  #bytes = 0
  #allocated = 0

  /** Bytes of all arrays made because none could be reused. */
  get allocatedBytes(): number {
    return this.#allocated
  }

  /** Bytes held for reuse. */
  get bytes(): number {
    return this.#bytes
  }

  /** An array of `length` elements with arbitrary content. */
  take(dtype: Dtype, length: number): HostArray {
    const entry = this.#free.get(`${dtype}${length}`)?.pop()
    if (entry === undefined) {
      const fresh = allocate(dtype, length)
      this.#allocated += fresh.byteLength
      return fresh
    }
    this.#bytes -= entry.data.byteLength
    return entry.data
  }

  /** Gives an array back. Nothing else may read or write it any more. */
  release(dtype: Dtype, data: HostArray): void {
    const key = `${dtype}${data.length}`
    const list = this.#free.get(key)
    const entry = { data, since: this.#flush }
    if (list === undefined) this.#free.set(key, [entry])
    else list.push(entry)
    this.#bytes += data.byteLength
  }

  /** Ends a flush: drops what has not been wanted for a while. */
  age(): void {
    this.#flush++
    for (const [key, list] of this.#free) {
      const kept = list.filter((e) => this.#flush - e.since <= KEPT_FLUSHES)
      if (kept.length === list.length) continue
      for (const e of list) if (!kept.includes(e)) this.#bytes -= e.data.byteLength
      if (kept.length === 0) this.#free.delete(key)
      else this.#free.set(key, kept)
    }
  }

  clear(): void {
    this.#free.clear()
    this.#bytes = 0
  }
}
