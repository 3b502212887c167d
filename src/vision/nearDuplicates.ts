import { hashWords, popcount, type ImageHash } from "./hash.ts"
import { unionFind, type UnionFind } from "./unionFind.ts"

/**
 * Multi-index hashing (Norouzi, Punjani, Fleet, "Fast Exact Search in Hamming Space with Multi-Index Hashing",
 * 2014): the 64 bits are cut into bands with search radii r_b such that Σ(r_b + 1) > maxDistance. Two hashes
 * within maxDistance then agree up to r_b in at least one band, so looking up the few band values around one's
 * own finds every pair.
 */
interface Band {
  readonly shift: number
  readonly bits: number
  readonly radius: number
}

function choose(n: number, k: number): number {
  let result = 1
  for (let i = 0; i < k; i++) result = (result * (n - i)) / (i + 1)
  return result
}

/** Number of values within `radius` of one in a space of `bits` bits. */
function ball(bits: number, radius: number): number {
  let sum = 0
  for (let k = 0; k <= radius; k++) sum += choose(bits, k)
  return sum
}

/**
 * Bands of equal width and the radii that the guarantee needs, or none when there are more bands than that. A
 * band's table need not be much larger than the list: leaving out some of its bits keeps the guarantee.
 */
function bandsOf(count: number, maxDistance: number, mostBits: number): Array<Band> | undefined {
  const spare = maxDistance + 1 - count
  if (spare < 0) return undefined
  return Array.from({ length: count }, (_, b) => {
    const shift = Math.floor((64 * b) / count)
    return {
      shift,
      bits: Math.min(mostBits, Math.floor((64 * (b + 1)) / count) - shift),
      radius: Math.floor(spare / count) + (b < spare % count ? 1 : 0),
    }
  })
}

/** The cut that costs least for n hashes: lookups, plus the candidates they bring if hashes were random. */
function chooseBands(n: number, maxDistance: number): Array<Band> {
  const mostBits = Math.ceil(Math.log2(n + 1)) + 3
  let best: Array<Band> | undefined
  let bestCost = Infinity
  for (let count = 3; count <= 13; count++) {
    const bands = bandsOf(count, maxDistance, mostBits)
    if (bands === undefined) break
    let cost = 0
    for (const { bits, radius } of bands) {
      cost += ball(bits, radius) * (1 + (2 * n) / 2 ** bits) + 2 ** bits / n
    }
    if (cost < bestCost) {
      bestCost = cost
      best = bands
    }
  }
  // Below three bits of distance three exact bands are more than the guarantee needs, and cheapest.
  return best ?? bandsOf(3, 2, mostBits)!
}

function bandValue(high: number, low: number, { shift, bits }: Band): number {
  const mask = 2 ** bits - 1
  if (shift >= 32) return (high >>> (shift - 32)) & mask
  if (shift + bits <= 32) return (low >>> shift) & mask
  return ((low >>> shift) | (high << (32 - shift))) & mask
}

/** All values of `bits` bits with at most `radius` bits set. */
function masksWithin(bits: number, radius: number): Int32Array {
  const masks: Array<number> = []
  const grow = (mask: number, from: number, left: number): void => {
    masks.push(mask)
    if (left === 0) return
    for (let bit = from; bit < bits; bit++) grow(mask | (1 << bit), bit + 1, left - 1)
  }
  grow(0, 0, radius)
  return Int32Array.from(masks)
}

/** The hashes in the order of one band's value, and where each value starts. */
interface BandIndex {
  /** Entries of value v are at `starts[v]` up to, not including, `starts[v + 1]`. */
  readonly starts: Int32Array
  readonly values: Int32Array
  readonly high: Uint32Array
  readonly low: Uint32Array
  readonly ids: Int32Array
}

/** Counting sort by band value, so that what is compared together lies together. */
function indexBand(high: Uint32Array, low: Uint32Array, band: Band): BandIndex {
  const n = high.length
  const starts = new Int32Array(2 ** band.bits + 1)
  for (let i = 0; i < n; i++) starts[bandValue(high[i], low[i], band) + 1]++
  for (let v = 0; v < 2 ** band.bits; v++) starts[v + 1] += starts[v]
  const next = starts.slice()
  const index = {
    starts,
    values: new Int32Array(n),
    high: new Uint32Array(n),
    low: new Uint32Array(n),
    ids: new Int32Array(n),
  }
  for (let i = 0; i < n; i++) {
    const value = bandValue(high[i], low[i], band)
    const k = next[value]++
    index.values[k] = value
    index.high[k] = high[i]
    index.low[k] = low[i]
    index.ids[k] = i
  }
  return index
}

/** Calls `visit(i, j, distance)` once for every pair of different places whose hashes are within `maxDistance`. */
function visitPairs(
  high: Uint32Array,
  low: Uint32Array,
  maxDistance: number,
  visit: (i: number, j: number, distance: number) => void,
): void {
  const n = high.length
  const bands = chooseBands(n, maxDistance)
  bands.forEach((band, b) => {
    const { starts, values, high: hs, low: ls, ids } = indexBand(high, low, band)
    const compare = (k: number, m: number): void => {
      const dh = hs[k] ^ hs[m]
      const dl = ls[k] ^ ls[m]
      const distance = popcount(dh) + popcount(dl)
      if (distance > maxDistance) return
      // A pair that an earlier band finds was visited there.
      for (let e = 0; e < b; e++) {
        if (popcount(bandValue(dh >>> 0, dl >>> 0, bands[e])) <= bands[e].radius) return
      }
      visit(ids[k], ids[m], distance)
    }
    for (const mask of masksWithin(band.bits, band.radius)) {
      // In the order of the values, the values a mask away are met in nearly sequential order too.
      for (let k = 0; k < n; k++) {
        const value = values[k]
        const other = value ^ mask
        if (other < value) continue
        const end = starts[other + 1]
        for (let m = mask === 0 ? k + 1 : starts[other]; m < end; m++) compare(k, m)
      }
    }
  })
}

/** Two pictures whose hashes are close. `a` and `b` are places in the list given, a < b. */
export interface NearPair {
  readonly a: number
  readonly b: number
  readonly distance: number
}

/**
 * All pairs of hashes within `maxDistance` bits (0 to 32), ordered by (a, b). Exact: the same as comparing each
 * with each, at a small part of the work while such pairs are few.
 */
export function nearPairs(hashes: ReadonlyArray<ImageHash>, maxDistance: number): Array<NearPair> {
  const { groups, high, low } = group(hashes, maxDistance)
  const pairs: Array<NearPair> = []
  for (const members of groups) {
    for (let i = 0; i < members.length; i++) {
      for (let j = i + 1; j < members.length; j++) pairs.push({ a: members[i], b: members[j], distance: 0 })
    }
  }
  visitPairs(high, low, maxDistance, (i, j, distance) => {
    for (const x of groups[i]) {
      for (const y of groups[j]) pairs.push({ a: Math.min(x, y), b: Math.max(x, y), distance })
    }
  })
  return pairs.sort((p, q) => p.a - q.a || p.b - q.b)
}

/** Equal hashes are held once: a thousand copies of one picture are one entry in the index. */
function group(hashes: ReadonlyArray<ImageHash>, maxDistance: number) {
  if (!Number.isInteger(maxDistance) || maxDistance < 0 || maxDistance > 32) {
    throw new RangeError(
      `The distance of near duplicates is a whole number from 0 to 32, not ${maxDistance}.`,
    )
  }
  const byHash = new Map<ImageHash, Array<number>>()
  hashes.forEach((hash, i) => {
    const members = byHash.get(hash)
    if (members === undefined) byHash.set(hash, [i])
    else members.push(i)
  })
  const groups = [...byHash.values()]
  const high = new Uint32Array(groups.length)
  const low = new Uint32Array(groups.length)
  groups.forEach((members, g) => {
    const words = hashWords(hashes[members[0]])
    high[g] = words[0]
    low[g] = words[1]
  })
  return { groups, high, low }
}

/**
 * Joins in `sets` all places whose hashes are within `maxDistance` bits and for which `same(a, b)` holds (a < b).
 * `same` is not asked where a and b are in one set already.
 * @throws RangeError when maxDistance is not a whole number from 0 to 32 or a hash is malformed
 */
export function joinNear(
  sets: UnionFind,
  hashes: ReadonlyArray<ImageHash>,
  maxDistance: number,
  same: (a: number, b: number) => boolean,
): void {
  const { groups, high, low } = group(hashes, maxDistance)
  const ask = (x: number, y: number): void => {
    if (sets.find(x) !== sets.find(y) && same(Math.min(x, y), Math.max(x, y))) sets.union(x, y)
  }
  for (const members of groups) {
    for (let i = 0; i < members.length; i++) {
      for (let j = i + 1; j < members.length; j++) ask(members[i], members[j])
    }
  }
  visitPairs(high, low, maxDistance, (i, j) => {
    for (const x of groups[i]) for (const y of groups[j]) ask(x, y)
  })
}

/**
 * Clusters of near duplicates: hashes within `maxDistance` bits and `same` holding (by default always) are of one
 * cluster, and so are chains of such pairs.
 * @returns clusters of two and more, members ascending, clusters by first member
 * @throws RangeError as {@link joinNear}
 */
export function nearDuplicates(
  hashes: ReadonlyArray<ImageHash>,
  maxDistance: number,
  same: (a: number, b: number) => boolean = () => true,
): Array<Array<number>> {
  const sets = unionFind(hashes.length)
  joinNear(sets, hashes, maxDistance, same)
  return sets.sets(2)
}
