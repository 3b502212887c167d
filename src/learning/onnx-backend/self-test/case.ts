import * as tf from "@tensorflow/tfjs"

/** One call of one kernel on known numbers. */
export interface Case {
  readonly kernel: string
  /** What is special about it, in few words. */
  readonly form: string
  readonly inputs: tf.NamedTensorMap | ReadonlyArray<tf.Tensor>
  readonly attrs: tf.NamedAttrMap
  /** Largest difference from the processor's result that is fine, relative to its largest value. */
  readonly tolerance: number
}

/** Rounding of sums in another order; a wrong element is off by orders of magnitude more. */
export const ROUNDING = 2e-5

/**
 * Of functions that shading languages define loosely: exp and log to some units in the last place, inverse functions to
 * 4096 of them, sine and cosine to 2⁻¹¹ (Vulkan specification, Precision of core SPIR-V instructions).
 */
export const LOOSE = 2e-3

/** A call to be tested; makes its tensors, so to be called within a tidy. */
export const testCase = (
  kernel: string,
  form: string,
  inputs: Case["inputs"],
  attrs: tf.NamedAttrMap = {},
  tolerance: number = ROUNDING,
): Case => ({ kernel, form, inputs, attrs, tolerance })

/** The same numbers in each run: multiplicative congruence, in [−1, 1). */
function numbers(count: number, seed: number): Float32Array {
  let state = (seed * 2_654_435_761) >>> 0
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 31 - 1
  })
}

/** Numbers in [centre − spread, centre + spread). */
export const real = (shape: ReadonlyArray<number>, seed: number, spread = 1, centre = 0): tf.Tensor =>
  tf.tensor(
    numbers(tf.util.sizeFromShape([...shape]), seed).map((v) => centre + spread * v),
    [...shape],
  )

/** Reals that are multiples of ½ in [−1, 1], so that some are equal and some 0. */
export const halves = (shape: ReadonlyArray<number>, seed: number): tf.Tensor =>
  tf.tensor(
    numbers(tf.util.sizeFromShape([...shape]), seed).map((v) => Math.round(2 * v) / 2),
    [...shape],
  )

/** Whole numbers in [low, high]. */
export const whole = (shape: ReadonlyArray<number>, seed: number, low = -6, high = 6): tf.Tensor =>
  tf.tensor(
    Int32Array.from(numbers(tf.util.sizeFromShape([...shape]), seed), (v) =>
      Math.floor(low + ((v + 1) / 2) * (high - low + 1)),
    ),
    [...shape],
    "int32",
  )

export const truth = (shape: ReadonlyArray<number>, seed: number): tf.Tensor =>
  tf.tensor(
    Uint8Array.from(numbers(tf.util.sizeFromShape([...shape]), seed), (v) => (v > 0 ? 1 : 0)),
    [...shape],
    "bool",
  )
