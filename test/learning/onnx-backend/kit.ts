import * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "../../../src/learning/onnx-backend/backend.ts"
import { registerOnnxBackend } from "../../../src/learning/onnx-backend/register.ts"

/** The backend under test, two threads, with fallbacks noted in `warnings`. */
export const warnings: Array<string> = []
export const backend: OnnxBackend = await registerOnnxBackend({ threads: 2, warn: (m) => warnings.push(m) })
const cpu = tf.engine().findBackend("cpu")
if ("firstUse" in cpu) cpu.firstUse = false

/** Deterministic numbers in [-1, 1). */
export function numbers(count: number, seed = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  })
}

/** A tensor of deterministic numbers. */
export function tensor(shape: Array<number>, seed = 1, scale = 1): tf.Tensor {
  const data = numbers(tf.util.sizeFromShape(shape), seed)
  return tf.tensor(
    data.map((v) => v * scale),
    shape,
  )
}

/** What a computation gave on one backend. */
export interface Result {
  readonly shape: ReadonlyArray<number>
  readonly dtype: string
  readonly values: ReadonlyArray<number>
}

/** Runs `f` on the named backend and reads its tensors; nothing stays allocated. */
export async function on(
  name: "cpu" | "onnx",
  f: () => tf.Tensor | Array<tf.Tensor>,
): Promise<Array<Result>> {
  await tf.setBackend(name)
  const out = tf.tidy(f)
  const list = Array.isArray(out) ? out : [out]
  try {
    return list.map((t) => ({ shape: t.shape, dtype: t.dtype, values: Array.from(t.dataSync(), Number) }))
  } finally {
    tf.dispose(list)
  }
}

/** Largest difference relative to the largest magnitude of `expected` (at least `floor`). */
export function deviation(
  actual: ReadonlyArray<number>,
  expected: ReadonlyArray<number>,
  floor = 1e-6,
): number {
  let worst = 0
  let largest = floor
  expected.forEach((e, i) => {
    if (Number.isFinite(e)) largest = Math.max(largest, Math.abs(e))
    const same = Object.is(actual[i], e) || actual[i] === e
    const difference = Math.abs(actual[i] - e)
    if (!same) worst = Math.max(worst, Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference)
  })
  return worst / largest
}

/**
 * What differs between the onnx backend and tfjs' cpu backend: shapes, types, or values by more than `tolerance` of
 * the largest (`floor` at least). Nothing if they agree.
 */
export async function differences(
  f: () => tf.Tensor | Array<tf.Tensor>,
  tolerance = 1e-5,
  floor?: number,
): Promise<ReadonlyArray<string>> {
  const expected = await on("cpu", f)
  const actual = await on("onnx", f)
  if (actual.length !== expected.length) return [`${actual.length} results, not ${expected.length}`]
  return actual.flatMap((r, i) => {
    const e = expected[i]
    const signature = (x: Result): string => `${x.dtype}[${x.shape.join()}] of ${x.values.length}`
    if (signature(r) !== signature(e)) return [`result ${i}: ${signature(r)}, not ${signature(e)}`]
    const worst = deviation(r.values, e.values, floor)
    if (worst <= tolerance) return []
    return [
      `result ${i} is off by ${worst}: ${r.values.slice(0, 8).join(" ")}, not ${e.values.slice(0, 8).join(" ")}`,
    ]
  })
}

/** Whole numbers in [-6, 6]. */
export const ints = (shape: Array<number>, seed: number): tf.Tensor =>
  tf.tensor(
    Int32Array.from(numbers(tf.util.sizeFromShape(shape), seed), (v) => Math.round(v * 6)),
    shape,
    "int32",
  )

/** Truth values. */
export const bools = (shape: Array<number>, seed: number): tf.Tensor =>
  tf.tensor(
    Uint8Array.from(numbers(tf.util.sizeFromShape(shape), seed), (v) => (v > 0 ? 1 : 0)),
    shape,
    "bool",
  )
