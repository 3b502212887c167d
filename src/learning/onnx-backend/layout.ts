import type { ElementArrays } from "../onnx/element-types.ts"

/** The element types of tensors that take part in graphs. */
export type Dtype = "float32" | "int32" | "bool"

/** True for the types that graphs know. */
export const isDtype = (name: unknown): name is Dtype =>
  name === "float32" || name === "int32" || name === "bool"

/** Typed arrays of {@link Dtype}. */
export type HostArray = ElementArrays[Dtype]

/**
 * Order in which the dimensions of a tensor lie in memory.
 * - `plain`: as tfjs numbers them (row-major).
 * - `CNHW`: a feature map [N, H, W, C] with its channels outermost, so that per-channel work is contiguous and a
 *   channel concat is a plain append.
 * - `OIHW`: a filter [h, w, in, out] as ONNX's Conv wants it.
 */
export type Layout = "plain" | "CNHW" | "OIHW"

/** `PERMUTATION[layout][i]`: the logical dimension that lies at physical place i. */
const PERMUTATION: { readonly [L in Exclude<Layout, "plain">]: ReadonlyArray<number> } = {
  CNHW: [3, 0, 1, 2],
  OIHW: [3, 2, 0, 1],
}

const IDENTITY = [0, 1, 2, 3, 4, 5, 6, 7]

/** Logical dimension at each physical place, for a tensor of `rank` (only rank 4 has layouts other than plain). */
export function permutationOf(layout: Layout, rank: number): ReadonlyArray<number> {
  return layout === "plain" ? IDENTITY.slice(0, rank) : PERMUTATION[layout]
}

/** Shape as it lies in memory. */
export function physicalShape(shape: ReadonlyArray<number>, layout: Layout): ReadonlyArray<number> {
  return layout === "plain" ? shape : PERMUTATION[layout].map((d) => shape[d])
}

/** Physical place of a logical dimension. */
export function physicalAxis(axis: number, layout: Layout): number {
  return layout === "plain" ? axis : PERMUTATION[layout].indexOf(axis)
}

/** Number of elements. */
export function sizeOf(shape: ReadonlyArray<number>): number {
  let n = 1
  for (const d of shape) n *= d
  return n
}

/** True if the shapes are equal. */
export function sameShape(a: ReadonlyArray<number>, b: ReadonlyArray<number>): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i])
}

/** A zeroed array of `length` elements. */
export function allocate(dtype: Dtype, length: number): HostArray {
  return dtype === "float32"
    ? new Float32Array(length)
    : dtype === "int32"
      ? new Int32Array(length)
      : new Uint8Array(length)
}

/** What tfjs hands over as numbers: typed arrays as they are, anything else converted one by one. */
export function numbersOf(values: ArrayLike<unknown>): ArrayLike<number> {
  if (values instanceof Float32Array || values instanceof Int32Array || values instanceof Uint8Array)
    return values
  return Array.from(values, Number)
}

/**
 * Copies a rank-4 tensor from one layout to another.
 * @param shape logical shape.
 */
export function relayout(
  data: HostArray,
  dtype: Dtype,
  shape: ReadonlyArray<number>,
  from: Layout,
  to: Layout,
): HostArray {
  const source = permutationOf(from, 4)
  const target = permutationOf(to, 4)
  const strides = [0, 0, 0, 0]
  for (let i = 3, step = 1; i >= 0; i--) {
    strides[source[i]] = step
    step *= shape[source[i]]
  }
  const [n0, n1, n2, n3] = target.map((d) => shape[d])
  const [s0, s1, s2, s3] = target.map((d) => strides[d])
  const out = allocate(dtype, data.length)
  let q = 0
  for (let i = 0; i < n0; i++) {
    for (let j = 0; j < n1; j++) {
      for (let k = 0; k < n2; k++) {
        let p = i * s0 + j * s1 + k * s2
        for (let l = 0; l < n3; l++, p += s3) out[q++] = data[p]
      }
    }
  }
  return out
}
