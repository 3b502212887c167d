/**
 * The transpose of a row-major array: dimension k of the result is dimension `order[k]` of the given one. Done here
 * and not by tfjs, where a lazy backend would compile a graph for each of a network's weights.
 */
export const permute = (
  data: Float32Array,
  shape: ReadonlyArray<number>,
  order: ReadonlyArray<number>,
): { readonly data: Float32Array; readonly shape: ReadonlyArray<number> } => {
  const strides = shape.map((_, k) => shape.slice(k + 1).reduce((a, b) => a * b, 1))
  const sizes = order.map((k) => shape[k])
  const steps = order.map((k) => strides[k])
  const out = new Float32Array(data.length)
  let next = 0
  const fill = (dimension: number, from: number): void => {
    const [size, step] = [sizes[dimension], steps[dimension]]
    if (dimension === sizes.length - 1) for (let i = 0; i < size; i++) out[next++] = data[from + i * step]
    else for (let i = 0; i < size; i++) fill(dimension + 1, from + i * step)
  }
  fill(0, 0)
  return { data: out, shape: sizes }
}
