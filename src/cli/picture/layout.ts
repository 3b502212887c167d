/** A placed box; `layer` 0 is the first. */
export interface Placed {
  readonly id: string
  readonly layer: number
  /** Position within the layer. */
  readonly slot: number
}

/**
 * Layered layout after Sugiyama: each node one layer behind the last of what feeds it, the order within layers by
 * the median of the neighbours, swept to and fro. `ids` are in topological order.
 */
export const layered = (
  ids: ReadonlyArray<string>,
  edges: ReadonlyArray<{ readonly from: string; readonly to: string }>,
): ReadonlyArray<Placed> => {
  const layerOf = new Map<string, number>(ids.map((id) => [id, 0]))
  const into = new Map<string, Array<string>>(ids.map((id) => [id, []]))
  const outOf = new Map<string, Array<string>>(ids.map((id) => [id, []]))
  for (const { from, to } of edges) {
    into.get(to)?.push(from)
    outOf.get(from)?.push(to)
  }
  for (const id of ids) {
    layerOf.set(id, Math.max(0, ...into.get(id)!.map((from) => layerOf.get(from)! + 1)))
  }
  const layers: Array<Array<string>> = []
  for (const id of ids) (layers[layerOf.get(id)!] ??= []).push(id)
  const slots = new Map<string, number>()
  const number = (layer: ReadonlyArray<string>): void => {
    for (const [index, id] of layer.entries()) slots.set(id, index - (layer.length - 1) / 2)
  }
  layers.forEach(number)
  for (let sweep = 0; sweep < 8; sweep += 1) {
    const neighbours = sweep % 2 === 0 ? into : outOf
    for (const layer of sweep % 2 === 0 ? layers : [...layers].reverse()) {
      const weight = new Map(
        layer.map((id) => [id, median(neighbours.get(id)!.map((other) => slots.get(other)!))]),
      )
      layer.sort((a, b) => (weight.get(a) ?? slots.get(a)!) - (weight.get(b) ?? slots.get(b)!))
      number(layer)
    }
  }
  return layers.flatMap((layer, index) => layer.map((id) => ({ id, layer: index, slot: slots.get(id)! })))
}

const median = (values: ReadonlyArray<number>): number | undefined => {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2
}
