/** Of point i all others, nearest first (Euclidean; equal ones by index). */
const ranked = (points: ArrayLike<number>, count: number, i: number): Array<number> => {
  const width = points.length / count
  const distances = new Float64Array(count)
  for (let j = 0; j < count; j++)
    for (let t = 0; t < width; t++) distances[j] += (points[i * width + t] - points[j * width + t]) ** 2
  return Array.from({ length: count }, (_, j) => j)
    .filter((j) => j !== i)
    .sort((a, b) => distances[a] - distances[b] || a - b)
}

/**
 * How far neighbours on a map can be trusted to be neighbours in the space it shows (Venna & Kaski 2001): 1 where the
 * `k` nearest of each point on the map are its `k` nearest there, about 0.5 for a map at random. Both [count, …].
 * @returns NaN where `k` is not below half the number of points, for which it is not defined.
 */
export const trustworthiness = (
  space: ArrayLike<number>,
  map: ArrayLike<number>,
  count: number,
  k: number,
): number => {
  if (!(k >= 1 && k < count / 2)) return Number.NaN
  let penalty = 0
  const rank = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    for (const [r, j] of ranked(space, count, i).entries()) rank[j] = r + 1
    for (const j of ranked(map, count, i).slice(0, k)) penalty += Math.max(0, rank[j] - k)
  }
  return 1 - (2 * penalty) / (count * k * (2 * count - 3 * k - 1))
}
