import { createHash } from "node:crypto"

/**
 * A seeded pseudo-random generator: xoshiro128** (Blackman & Vigna, "Scrambled linear pseudorandom number
 * generators", 2021) whose 128-bit state is the first half of the sha256 of the seed text. The same text gives
 * the same stream on every machine; different texts give unrelated streams.
 */
export class Random {
  readonly seed: string
  private readonly s: Uint32Array

  constructor(seed: string) {
    this.seed = seed
    const digest = createHash("sha256").update(seed).digest()
    this.s = new Uint32Array(4)
    for (let i = 0; i < 4; i++) this.s[i] = digest.readUInt32LE(i * 4)
  }

  /** An independent stream named below this one; does not advance this one. */
  fork(label: string): Random {
    return new Random(`${this.seed}/${label}`)
  }

  /** Uniform 32-bit unsigned integer. */
  uint32(): number {
    const s = this.s
    const s1 = s[1]
    const m = Math.imul(s1, 5)
    const result = Math.imul((m << 7) | (m >>> 25), 9) >>> 0
    s[2] ^= s[0]
    s[3] ^= s1
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= s1 << 9
    const s3 = s[3]
    s[3] = (s3 << 11) | (s3 >>> 21)
    return result
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.uint32() / 4294967296
  }

  /** Uniform in [low, high). */
  range(low: number, high: number): number {
    return low + (high - low) * this.next()
  }

  /** Uniform integer in [low, high], both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<A>(items: readonly A[]): A {
    return items[Math.floor(this.next() * items.length)]
  }

  /** One of the entries with probability proportional to its weight (weights ≥ 0, not all 0). */
  weighted<A>(entries: readonly (readonly [A, number])[]): A {
    let total = 0
    for (const [, weight] of entries) total += weight
    let at = this.next() * total
    for (const [item, weight] of entries) {
      at -= weight
      if (at < 0) return item
    }
    return entries[entries.length - 1][0]
  }

  /** Standard normal by the Box-Muller transform, cut off at ±3. */
  normal(mean = 0, deviation = 1): number {
    const u = 1 - this.next()
    const z = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * this.next())
    return mean + deviation * Math.max(-3, Math.min(3, z))
  }
}
