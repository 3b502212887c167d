import { digestOf } from "../../../schema/digest.ts"

/**
 * Keeps `size` items of a stream, chosen as if at random but by the content of their keys: the ones whose keys have
 * the smallest digests. Which are chosen depends neither on the order of the stream nor on anything but the keys.
 */
export const picker = <A>(size: number) => {
  let kept: Array<{ readonly rank: string; readonly item: A }> = []
  const trim = (): void => {
    kept = kept.toSorted((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0)).slice(0, size)
  }
  return {
    add: (key: string, item: A): void => {
      kept.push({ rank: digestOf(key), item })
      if (kept.length >= 2 * size + 16) trim()
    },
    done: (): ReadonlyArray<A> => {
      trim()
      return kept.map(({ item }) => item)
    },
  }
}

/** Keeps the `size` items of the highest score; equal scores by key. */
export const best = <A>(size: number) => {
  let kept: Array<{ readonly score: number; readonly key: string; readonly item: A }> = []
  const trim = (): void => {
    kept = kept.toSorted((a, b) => b.score - a.score || (a.key < b.key ? -1 : 1)).slice(0, size)
  }
  return {
    add: (score: number, key: string, item: A): void => {
      kept.push({ score, key, item })
      if (kept.length >= 2 * size + 16) trim()
    },
    done: (): ReadonlyArray<A> => {
      trim()
      return kept.map(({ item }) => item)
    },
  }
}

/** Counts keys. */
export class Tally {
  readonly #counts = new Map<string, number>()
  add(key: string, n = 1): void {
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + n)
  }
  get(key: string): number {
    return this.#counts.get(key) ?? 0
  }
  get total(): number {
    let sum = 0
    for (const n of this.#counts.values()) sum += n
    return sum
  }
  /** Largest first, equal ones by key. */
  entries(): ReadonlyArray<readonly [string, number]> {
    return [...this.#counts].toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  }
}
