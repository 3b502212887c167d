import * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "../backend.ts"
import { OnnxBackendError } from "../errors.ts"
import type { LazyNode } from "../lazy-node.ts"
import { ROUNDING, type Case } from "./case.ts"
import { compositions } from "./compositions.ts"
import { elementwiseCases } from "./elementwise.ts"
import { shapeCases } from "./shapes.ts"
import { windowCases } from "./windows.ts"

/** A computation that must give on the GPU what it gives on the processor. */
export interface Trial {
  /** What is tested: a kernel of tfjs, or how several are lowered together. */
  readonly name: string
  readonly form: string
  readonly tolerance: number
  readonly run: () => ReadonlyArray<tf.Tensor>
}

/** A trial that the GPU failed. */
export interface Failure {
  readonly name: string
  readonly form: string
  /** Largest difference relative to the largest value; or why there is no result. */
  readonly error: number | string
}

export interface SelfTest {
  /** Names tested. */
  readonly names: ReadonlyArray<string>
  /** What the GPU got wrong; computed on the processor since. */
  readonly failures: ReadonlyArray<Failure>
  readonly ms: number
}

const trialOf = ({ kernel, form, inputs, attrs, tolerance }: Case): Trial => ({
  name: kernel,
  form,
  tolerance,
  run: () => {
    const named = Array.isArray(inputs) ? Object.assign([], inputs) : inputs
    return [
      tf.engine().runKernel<tf.Tensor | Array<tf.Tensor>>(kernel, named as tf.NamedTensorMap, attrs),
    ].flat()
  },
})

/** All trials: every kernel in every form that its lowering has. Makes tensors: to be called within a tidy. */
export const allTrials = (): ReadonlyArray<Trial> => [
  ...[...elementwiseCases(), ...shapeCases(), ...windowCases()].map(trialOf),
  ...compositions().map(({ form, run }) => ({
    name: form,
    form: "with its gradients",
    tolerance: 10 * ROUNDING,
    run,
  })),
]

type Values = ReadonlyArray<ArrayLike<number>>

/** A tidy whose result holds no tensors. */
function within<T>(f: () => T): T {
  const kept: Array<T> = []
  tf.tidy(() => {
    kept.push(f())
  })
  return kept[0]
}

/** What the trials give on the provider in use: values, or why there are none. All in one graph where that works. */
function results(backend: OnnxBackend, trials: ReadonlyArray<Trial>): ReadonlyArray<Values | string> {
  const valuesOf = (outputs: ReadonlyArray<tf.Tensor>): Values => outputs.map((t) => t.dataSync().slice())
  const alone = (trial: Trial): Values | string => {
    try {
      return within(() => valuesOf(trial.run()))
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
  try {
    return within(() => {
      const outputs = trials.map((trial) => trial.run())
      backend.flush()
      return outputs.map(valuesOf)
    })
  } catch {
    return trials.map(alone)
  }
}

/** Largest difference relative to the largest finite value; infinite where one is a number and the other is not. */
export function difference(actual: Values, expected: Values): number {
  let worst = 0
  expected.forEach((e, i) => {
    const a = actual[i]
    let largest = 1e-6
    let apart = 0
    for (let j = 0; j < e.length; j++) {
      if (Number.isFinite(e[j])) largest = Math.max(largest, Math.abs(e[j]))
      if (Object.is(a[j], e[j]) || a[j] === e[j]) continue
      const d = Math.abs(a[j] - e[j])
      apart = Math.max(apart, Number.isFinite(d) ? d : Number.POSITIVE_INFINITY)
    }
    worst = Math.max(worst, apart / largest)
  })
  return worst
}

function failuresOf(
  trials: ReadonlyArray<Trial>,
  actual: ReadonlyArray<Values | string>,
  expected: ReadonlyArray<Values | string>,
): ReadonlyArray<{ readonly trial: Trial; readonly error: number | string }> {
  return trials.flatMap((trial, i): ReadonlyArray<{ trial: Trial; error: number | string }> => {
    const [a, e] = [actual[i], expected[i]]
    if (typeof e === "string") throw new OnnxBackendError(`self-test of ${trial.name} (${trial.form}): ${e}`)
    if (typeof a === "string") return [{ trial, error: a }]
    const error = difference(a, e)
    return error <= trial.tolerance ? [] : [{ trial, error }]
  })
}

/** The kernels that a trial records, those it is made of included. */
function kernelsOf(backend: OnnxBackend, trial: Trial): ReadonlySet<string> {
  return within(() => {
    const found = new Set<string>()
    const visit = (node: LazyNode): void => {
      if (node.value !== undefined) return
      found.add(node.op)
      for (const input of node.inputs) visit(input)
    }
    for (const t of trial.run()) visit(backend.node(t))
    return found
  })
}

const told = (error: number | string): string =>
  typeof error === "string" ? error : `largest error ${error.toPrecision(2)}`

/**
 * Compares what the GPU computes with what the processor does, and has the processor compute what the GPU gets wrong
 * from then on. Leaves the backend on the GPU.
 *
 * @throws OnnxBackendError that names the operation if it is wrong even so.
 */
export function selfTest(backend: OnnxBackend, trialsOf: () => ReadonlyArray<Trial> = allTrials): SelfTest {
  const from = performance.now()
  return within(() => {
    backend.use("cpu")
    const trials = trialsOf()
    const expected = results(backend, trials)
    backend.use("webgpu")
    const { device } = backend
    if (device === undefined) throw new OnnxBackendError("the backend is not on the GPU")
    device.distrust([])
    const failed = failuresOf(trials, results(backend, trials), expected)
    if (failed.length > 0) {
      device.distrust(failed.flatMap(({ trial }) => [...kernelsOf(backend, trial)]))
      const again = failed.map(({ trial }) => trial)
      const right = again.map((trial) => expected[trials.indexOf(trial)])
      const [worst] = failuresOf(again, results(backend, again), right)
      if (worst !== undefined) {
        const { trial, error } = worst
        throw new OnnxBackendError(
          `webgpu can't be used here: ${trial.name} (${trial.form}) is wrong, also when it is left to the processor: ` +
            `${told(error)}. Choose backend "onnx"`,
        )
      }
    }
    return {
      names: [...new Set(trials.map(({ name }) => name))],
      failures: failed.map(({ trial: { name, form }, error }) => ({ name, form, error })),
      ms: performance.now() - from,
    }
  })
}

/** The outcome as one line, e.g. "61 of 63 operators as expected; computed on the CPU instead: …". */
export function selfTestText({ names, failures, ms }: SelfTest): string {
  const wrong = new Map<string, Failure>()
  for (const failure of failures) if (!wrong.has(failure.name)) wrong.set(failure.name, failure)
  const list = [...wrong.values()].map(({ name, form, error }) => `${name} (${form}: ${told(error)})`)
  return (
    `${names.length - wrong.size} of ${names.length} operators as expected` +
    (wrong.size === 0 ? "" : `; computed on the CPU instead: ${list.join(", ")}`) +
    ` (tested in ${(ms / 1000).toFixed(1)} s)`
  )
}
