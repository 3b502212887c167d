/**
 * How two boxes are compared. "union": intersection over union, widths x2 − x1. "minimum": intersection over the
 * smaller area, widths x2 − x1 + 1, which also removes a box inside another. Both as in the published cascade's
 * ports, so that results can be compared.
 */
export type Overlap = "union" | "minimum"

/** Places of the scores from highest to lowest; equal ones in their given order. */
export function byScore(scores: Float32Array): Int32Array {
  return Int32Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b)
}

/**
 * Greedy non-maximum suppression: takes the best box, removes every other that overlaps it by more than
 * `threshold`, and so on.
 * @param boxes x1, y1, x2, y2 of each box, one after the other
 * @returns the places of the boxes kept, by descending score (equal scores in their given order)
 */
export function suppress(
  boxes: Float32Array,
  scores: Float32Array,
  threshold: number,
  overlap: Overlap,
): Int32Array {
  const count = scores.length
  const order = byScore(scores)
  const extra = overlap === "minimum" ? 1 : 0
  // In the order of the scores, and what is left is moved together, so that the inner loop runs over neighbours.
  const x1 = new Float64Array(count)
  const y1 = new Float64Array(count)
  const x2 = new Float64Array(count)
  const y2 = new Float64Array(count)
  const area = new Float64Array(count)
  for (let k = 0; k < count; k++) {
    const p = order[k] * 4
    x1[k] = boxes[p]
    y1[k] = boxes[p + 1]
    x2[k] = boxes[p + 2] + extra
    y2[k] = boxes[p + 3] + extra
    area[k] = (x2[k] - x1[k]) * (y2[k] - y1[k])
  }
  const kept: Array<number> = []
  let left = count
  let first = 0
  while (first < left) {
    kept.push(order[first])
    const ax1 = x1[first]
    const ay1 = y1[first]
    const ax2 = x2[first]
    const ay2 = y2[first]
    const own = area[first]
    let to = first + 1
    for (let k = first + 1; k < left; k++) {
      const w = Math.min(ax2, x2[k]) - Math.max(ax1, x1[k])
      const h = Math.min(ay2, y2[k]) - Math.max(ay1, y1[k])
      if (w > 0 && h > 0) {
        const common = w * h
        const base = extra === 1 ? Math.min(own, area[k]) : own + area[k] - common
        // In float32 as the references compute it, so that ratios just at the threshold fall alike.
        if (Math.fround(common / base) > threshold) continue
      }
      if (to !== k) {
        x1[to] = x1[k]
        y1[to] = y1[k]
        x2[to] = x2[k]
        y2[to] = y2[k]
        area[to] = area[k]
        order[to] = order[k]
      }
      to++
    }
    left = to
    first++
  }
  return Int32Array.from(kept)
}
