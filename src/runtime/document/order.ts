/**
 * Topological order of names; of those that could come next, the first in the order given. Names on a circle and
 * after it are left out; every circle is given once, as it runs (`a` feeds `b` feeds `a`: [a, b]).
 */
export const orderNames = (
  names: ReadonlyArray<string>,
  upstreamsOf: (name: string) => Iterable<string>,
): { readonly order: ReadonlyArray<string>; readonly cycles: ReadonlyArray<ReadonlyArray<string>> } => {
  const waits = new Map<string, Set<string>>()
  const feeds = new Map<string, Array<string>>()
  for (const name of names) {
    const ups = new Set(upstreamsOf(name))
    waits.set(name, ups)
    for (const up of ups) {
      const fed = feeds.get(up)
      if (fed === undefined) feeds.set(up, [name])
      else fed.push(name)
    }
  }
  const order: Array<string> = []
  const done = new Set<string>()
  const rank = new Map(names.map((name, index) => [name, index]))
  // Sorted by rank, so that the first is next.
  const ready = names.filter((name) => waits.get(name)!.size === 0)
  const insert = (name: string): void => {
    let low = 0
    let high = ready.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (rank.get(ready[middle])! < rank.get(name)!) low = middle + 1
      else high = middle
    }
    ready.splice(low, 0, name)
  }
  for (let name = ready.shift(); name !== undefined; name = ready.shift()) {
    done.add(name)
    order.push(name)
    for (const next of feeds.get(name) ?? []) {
      const left = waits.get(next)!
      left.delete(name)
      if (left.size === 0) insert(next)
    }
  }
  return { order, cycles: done.size === names.length ? [] : findCycles(names, done, waits) }
}

/** One circle per group of names that wait for each other: walk against the flow until a name comes again. */
const findCycles = (
  names: ReadonlyArray<string>,
  done: ReadonlySet<string>,
  waits: ReadonlyMap<string, ReadonlySet<string>>,
): ReadonlyArray<ReadonlyArray<string>> => {
  const seen = new Set<string>(done)
  const cycles: Array<ReadonlyArray<string>> = []
  for (const start of names) {
    if (seen.has(start)) continue
    const trail: Array<string> = []
    const inTrail = new Set<string>()
    let here: string | undefined = start
    while (here !== undefined && !seen.has(here) && !inTrail.has(here)) {
      trail.push(here)
      inTrail.add(here)
      // Whatever is left waits for something that is left too.
      here = names.find((name) => waits.get(trail.at(-1)!)!.has(name))
    }
    if (here !== undefined && inTrail.has(here)) {
      const cycle = trail.slice(trail.indexOf(here)).reverse()
      const first = cycle.indexOf(names.find((name) => cycle.includes(name))!)
      cycles.push([...cycle.slice(first), ...cycle.slice(0, first)])
    }
    for (const name of trail) seen.add(name)
  }
  return cycles
}
