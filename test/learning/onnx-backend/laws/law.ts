import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { deviation, numbers, on, type Result } from "../kit.ts"

export type Dtype = "float32" | "int32" | "bool"

/** Which numbers a float tensor holds: all of [−3, 3), or only those a function is defined (and well-conditioned) on. */
export type Domain = "any" | "unit" | "positive" | "aboveOne" | "wide" | "whole"

const DOMAINS: { readonly [D in Domain]: (v: number) => number } = {
  any: (v) => 3 * v,
  unit: (v) => 0.95 * v,
  positive: (v) => 3 * Math.abs(v) + 0.05,
  aboveOne: (v) => 1.01 + 3 * Math.abs(v),
  wide: (v) => 30 * v,
  whole: (v) => Math.round(3 * v),
}

/** Strewn into tensors that are to hold special values. */
const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0]

/** A tensor, as data: counterexamples can be read. */
export interface Operand {
  readonly shape: ReadonlyArray<number>
  readonly dtype: Dtype
  readonly seed: number
  readonly domain: Domain
  /** One element in three is not a number, infinite or a zero. */
  readonly special: boolean
  /** Goes through an operation that changes nothing but leaves a feature map with its channels outermost in memory. */
  readonly turned: boolean
  /** These values instead (of index tensors). */
  readonly values?: ReadonlyArray<number>
}

/** One call of a kernel. */
export interface Call {
  readonly inputs: { readonly [name: string]: Operand } | ReadonlyArray<Operand>
  readonly attrs: tf.NamedAttrMap
}

/** What a kernel has to do for any arguments. */
export interface Law {
  readonly calls: fc.Arbitrary<Call>
  /** Allowed difference, relative to the largest value of the result (`each`: to each value), 0.1 at least. Default 1e-5. */
  readonly tolerance?: number
  readonly each?: boolean
  /** The inputs, where they depend on each other. Default: as described. */
  readonly inputs?: (call: Call) => { readonly [name: string]: tf.Tensor }
  /** What has to come out, computed on tfjs' cpu backend. Default: the cpu kernel of the same name. */
  readonly expected?: (call: Call) => Array<tf.Tensor>
}

export const sizeOf = (shape: ReadonlyArray<number>): number => shape.reduce((n, d) => n * d, 1)

const dim = fc.oneof(
  { weight: 14, arbitrary: fc.integer({ min: 1, max: 4 }) },
  { weight: 1, arbitrary: fc.constant(0) },
)
const ofRank = (minLength: number, maxLength: number): fc.Arbitrary<Array<number>> =>
  fc.array(dim, { minLength, maxLength })
/** Ranks 0 to 6, mostly 4, whose layout in memory varies; sometimes a dimension of 0. */
export const shapes: fc.Arbitrary<Array<number>> = fc.oneof(
  { weight: 3, arbitrary: ofRank(0, 3) },
  { weight: 4, arbitrary: ofRank(4, 4) },
  { weight: 1, arbitrary: ofRank(5, 6) },
)
/** The same without rank 0. */
export const solidShapes: fc.Arbitrary<Array<number>> = shapes.filter((s) => s.length > 0)

/** A tensor of this shape. */
export const operand = (
  shape: ReadonlyArray<number>,
  options: Partial<Pick<Operand, "dtype" | "domain" | "special" | "values">> = {},
): fc.Arbitrary<Operand> =>
  fc.record({
    shape: fc.constant(shape),
    dtype: fc.constant(options.dtype ?? "float32"),
    seed: fc.nat(9999),
    domain: fc.constant(options.domain ?? "any"),
    special: options.special === undefined ? fc.constant(false) : fc.boolean(),
    turned: fc.boolean(),
    ...(options.values === undefined ? {} : { values: fc.constant(options.values) }),
  })

/** Like {@link operand}, of any shape and any of the types. */
export const anyOperand = (
  types: ReadonlyArray<Dtype> = ["float32"],
  options: Partial<Pick<Operand, "domain" | "special">> = {},
  shape: fc.Arbitrary<Array<number>> = shapes,
): fc.Arbitrary<Operand> =>
  fc.tuple(shape, fc.constantFrom(...types)).chain(([dims, dtype]) => operand(dims, { ...options, dtype }))

function valuesOf({ shape, dtype, seed, domain, special, values }: Operand): Float32Array {
  if (values !== undefined) return Float32Array.from(values)
  const raw = numbers(sizeOf(shape), seed)
  if (dtype === "bool") return raw.map((v) => (v > 0 ? 1 : 0))
  if (dtype === "int32") return raw.map((v) => Math.round(v * 6))
  const choice = numbers(raw.length, seed + 7)
  return raw.map((v, i) =>
    special && choice[i] > 1 / 3
      ? SPECIAL[Math.floor(Math.abs(v) * 997) % SPECIAL.length]
      : DOMAINS[domain](v),
  )
}

/** The tensor on the current backend. */
export function make(o: Operand): tf.Tensor {
  const x = tf.tensor(valuesOf(o), [...o.shape], o.dtype)
  if (!o.turned || o.shape.length !== 4 || sizeOf(o.shape) === 0) return x
  const size = [o.shape[1], o.shape[2]]
  const attrs = { size, alignCorners: false, halfPixelCenters: false }
  return tf.engine().runKernel<tf.Tensor>("ResizeNearestNeighbor", { images: x }, attrs)
}

export const inputsOf = (call: Call): ReadonlyArray<Operand> => Object.values(call.inputs)

/** The named inputs as tensors. */
export const tensorsOf = (call: Call): { [name: string]: tf.Tensor } =>
  Object.fromEntries(Object.entries(call.inputs).map(([key, o]) => [key, make(o)]))

/** Runs the kernel on the current backend. */
export function run(name: string, law: Pick<Law, "inputs">, call: Call): Array<tf.Tensor> {
  const tensors = law.inputs?.(call) ?? tensorsOf(call)
  // an array of inputs (Concat, Pack, AddN) must stay one
  const inputs = Array.isArray(call.inputs) ? Object.assign([], tensors) : tensors
  const result = tf.engine().runKernel<tf.Tensor | Array<tf.Tensor>>(name, inputs, call.attrs)
  return Array.isArray(result) ? result : [result]
}

const signature = (r: Result): string => `${r.dtype}[${r.shape.join()}] of ${r.values.length}`

function worst(actual: Result, expected: Result, each: boolean): number {
  if (!each) return deviation(actual.values, expected.values, 0.1)
  return Math.max(0, ...expected.values.map((e, i) => deviation([actual.values[i]], [e], 0.1)))
}

/** What the kernel does wrong in these calls, all made in one graph; nothing if it keeps the law. */
export async function violations(
  name: string,
  law: Law,
  calls: ReadonlyArray<Call>,
): Promise<ReadonlyArray<string>> {
  const counts: Array<number> = []
  const expected = await on("cpu", () =>
    calls.flatMap((call) => {
      const results = law.expected === undefined ? run(name, law, call) : law.expected(call)
      counts.push(results.length)
      return results
    }),
  )
  const actual = await on("onnx", () => calls.flatMap((call) => run(name, law, call)))
  const owner = calls.flatMap((call, i) => Array<Call>(counts[i]).fill(call))
  if (actual.length !== expected.length) return [`${actual.length} results, not ${expected.length}`]
  return actual.flatMap((r, i) => {
    const e = expected[i]
    const of = `of ${JSON.stringify(owner[i])}`
    if (signature(r) !== signature(e)) return [`${signature(r)}, not ${signature(e)}, ${of}`]
    const off = worst(r, e, law.each ?? false)
    if (off <= (law.tolerance ?? 1e-5)) return []
    return [
      `off by ${off}: ${r.values.slice(0, 12).join(" ")}, not ${e.values.slice(0, 12).join(" ")}, ${of}`,
    ]
  })
}

/**
 * The transposed of a linear map, column by column: element i is the inner product of `dy` and the map of the i-th
 * basis vector. What the gradient of a linear kernel has to be.
 */
export function transposed(
  map: (x: tf.Tensor) => tf.Tensor,
  shape: ReadonlyArray<number>,
  dy: tf.Tensor,
): tf.Tensor {
  const d = Array.from(dy.dataSync(), Number)
  const size = sizeOf(shape)
  const values = Float32Array.from({ length: size }, (_, i) => {
    const basis = new Float32Array(size)
    basis[i] = 1
    const column = tf.tidy(() => map(tf.tensor(basis, [...shape]))).dataSync()
    return d.reduce((sum, v, k) => sum + v * column[k], 0)
  })
  return tf.tensor(values, [...shape])
}
