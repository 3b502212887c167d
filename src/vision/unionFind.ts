/** Disjoint sets over 0 … n − 1; the representative of a set is its smallest member. */
export interface UnionFind {
  readonly find: (i: number) => number
  /** Joins two sets; false when they were one already. */
  readonly union: (a: number, b: number) => boolean
  /** All sets of at least `minimum` members, members ascending, sets by first member. */
  readonly sets: (minimum: number) => Array<Array<number>>
}

/** Union-find with path halving. */
export function unionFind(size: number): UnionFind {
  const parent = Int32Array.from({ length: size }, (_, i) => i)
  const find = (start: number): number => {
    let i = start
    while (parent[i] !== i) {
      parent[i] = parent[parent[i]]!
      i = parent[i]!
    }
    return i
  }
  return {
    find,
    union: (a, b) => {
      const x = find(a)
      const y = find(b)
      if (x === y) return false
      parent[Math.max(x, y)] = Math.min(x, y)
      return true
    },
    sets: (minimum) => {
      const members = new Map<number, Array<number>>()
      for (let i = 0; i < size; i++) {
        const root = find(i)
        const list = members.get(root)
        if (list === undefined) members.set(root, [i])
        else list.push(i)
      }
      return [...members.values()].filter((list) => list.length >= minimum)
    },
  }
}
