/**
 * Seeded pseudo-random numbers. A generator is keyed by a list of numbers and strings (seed, epoch, sample …), so
 * that what a sample gets depends on what it is and not on when, where or in which order it is worked on.
 */

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  readonly uniform: () => number
  /** Uniform integer in [0, n). */
  readonly below: (n: number) => number
  /** Normal with mean 0 and standard deviation 1 (Box–Muller). */
  readonly normal: () => number
}

/** FNV-1a over the parts' text, finished with the avalanche of MurmurHash3 (fmix32). */
const hash = (text: string, basis: number): number => {
  let h = basis >>> 0
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A generator for a key; equal keys give equal sequences. The generator is sfc32 (PractRand, C. Doty-Humphrey). */
export const randomOf = (...key: ReadonlyArray<number | string>): Random => {
  const text = key.join("\u001f")
  let a = hash(text, 0x811c9dc5)
  let b = hash(text, 0x9e3779b9)
  let c = hash(text, 0x7f4a7c15)
  let counter = 1
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let i = 0; i < 12; i++) next()
  let spare: number | undefined
  return {
    uniform: () => next() / 0x1_0000_0000,
    below: (n) => Math.floor((next() / 0x1_0000_0000) * n),
    normal: () => {
      if (spare !== undefined) {
        const kept = spare
        spare = undefined
        return kept
      }
      const radius = Math.sqrt(-2 * Math.log((next() + 1) / 0x1_0000_0000))
      const angle = (2 * Math.PI * next()) / 0x1_0000_0000
      spare = radius * Math.sin(angle)
      return radius * Math.cos(angle)
    },
  }
}

/** The numbers 0 … n−1 in a random order (Fisher–Yates). */
export const permutation = (n: number, random: Random): Uint32Array => {
  const order = Uint32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const kept = order[i]
    order[i] = order[j]
    order[j] = kept
  }
  return order
}
