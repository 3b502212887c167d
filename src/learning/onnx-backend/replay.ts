import * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "./backend.ts"
import type { Flushed } from "./execution.ts"
import { LazyNode, nodesMade } from "./lazy-node.ts"
import { sameShape, sizeOf } from "./layout.ts"

/** A function of tensors; what it returns is the caller's to dispose of. */
export type TensorFunction = (...inputs: ReadonlyArray<tf.Tensor>) => ReadonlyArray<tf.Tensor>

/** Where a value of the graph comes from, or goes to. */
type Place =
  | { readonly kind: "argument"; readonly at: number }
  | { readonly kind: "variable"; readonly variable: tf.Variable }

/** A recorded call: everything to compute it again without the function. */
interface Program {
  readonly flushed: Flushed
  /** For the inputs of the graph that are not constants, in its order. */
  readonly feeds: ReadonlyArray<{ readonly index: number; readonly from: Place; readonly shape: Shape }>
  /** For each live node. */
  readonly results: ReadonlyArray<Place>
}

type Shape = ReadonlyArray<number>

/**
 * Records what `f` computes in its first call and from then on only feeds new numbers: tfjs and `f` itself are not
 * called any more, which spares a training step tens of milliseconds. As with TensorFlow's `tf.function`, `f` may read
 * and assign variables and must do the same operations every time: JavaScript numbers in it are those of the first
 * call, and what changes between calls has to be an argument or a variable.
 *
 * What cannot be computed again this way (other shapes, kernels of the cpu backend, variables made in the call, tensors
 * that are kept besides the results) is recorded anew each time: slower, never wrong.
 */
export const replay = (backend: OnnxBackend, f: TensorFunction): TensorFunction => {
  let program: Program | undefined
  return (...inputs) => {
    const again = program === undefined ? undefined : rerun(backend, program, inputs)
    if (again !== undefined) return again
    const recorded = record(backend, f, inputs)
    program = recorded.program
    return recorded.outputs
  }
}

const registered = (backend: OnnxBackend): ReadonlyMap<LazyNode, tf.Variable> =>
  new Map(
    Object.values(tf.engine().registeredVariables)
      .filter((v) => v.dtype !== "string" && backend.holds(v))
      .map((v) => [backend.node(v), v]),
  )

const record = (
  backend: OnnxBackend,
  f: TensorFunction,
  inputs: ReadonlyArray<tf.Tensor>,
): { readonly outputs: ReadonlyArray<tf.Tensor>; readonly program: Program | undefined } => {
  backend.flush()
  const before = registered(backend)
  const given = inputs.map((x) => backend.node(x))
  // Their values change from call to call: none may be taken for a constant of equal value, or be seen in other shapes.
  for (const node of given) node.isVariable = true
  const flushes = backend.stats.flushes
  const start = nodesMade()
  const outputs = tf.tidy(() => [...f(...inputs)])
  const flushed = backend.flush()
  const once = flushed !== undefined && backend.stats.flushes === flushes + 1
  if (!once || new Set(given).size < given.length) return { outputs, program: undefined }

  const feeds: Array<Program["feeds"][number]> = []
  for (const { index } of flushed.step.inputs) {
    const node = flushed.order[index]
    const at = given.indexOf(node)
    const variable = before.get(node)
    if (at >= 0) feeds.push({ index, from: { kind: "argument", at }, shape: node.shape })
    else if (variable !== undefined)
      feeds.push({ index, from: { kind: "variable", variable }, shape: node.shape })
    // A variable that came over from another backend only now.
    else if (node.isVariable) return { outputs, program: undefined }
    // An array that the function wrote: it may write another one next time, as the mask of a dropout.
    else if (node.serial > start && sizeOf(node.shape) > 1) return { outputs, program: undefined }
    // A constant: its memory is not to be given to another.
    else if (node.value !== undefined) node.value.exclusive = false
  }
  const returned = outputs.map((x) => backend.node(x))
  const after = registered(backend)
  const results: Array<Place> = []
  for (const node of flushed.live) {
    const variable = after.get(node)
    const at = returned.indexOf(node)
    const owner = variable ?? outputs[at]
    if (owner === undefined || backend.refCount(owner.dataId) !== 1) return { outputs, program: undefined }
    results.push(variable === undefined ? { kind: "argument", at } : { kind: "variable", variable })
  }
  const all = returned.every((node, at) => flushed.live.includes(node) && returned.indexOf(node) === at)
  return { outputs, program: all ? { flushed: lean(flushed), feeds, results } : undefined }
}

/** Without the values of the recorded call, but those of constants. */
const lean = ({ key, step, order, live }: Flushed): Flushed => ({
  key,
  step,
  order: order.map((node) =>
    node.value !== undefined && node.fromHost && !node.isVariable ? node : emptied(node),
  ),
  live: live.map(emptied),
})

const emptied = ({ op, shape, dtype }: LazyNode): LazyNode =>
  new LazyNode(op, "", [], shape, dtype, undefined, undefined)

const rerun = (
  backend: OnnxBackend,
  { flushed, feeds, results }: Program,
  inputs: ReadonlyArray<tf.Tensor>,
): ReadonlyArray<tf.Tensor> | undefined => {
  backend.flush()
  if (!backend.keeps(flushed)) return undefined
  const order = [...flushed.order]
  for (const { index, from, shape } of feeds) {
    const source = from.kind === "argument" ? inputs[from.at] : from.variable
    if (source === undefined || source.isDisposed || !backend.holds(source)) return undefined
    if (source.dtype !== order[index].dtype || !sameShape(source.shape, shape)) return undefined
    order[index] = backend.node(source)
  }
  for (const place of results)
    if (place.kind === "variable") {
      const { variable } = place
      if (variable.isDisposed || !backend.holds(variable) || backend.refCount(variable.dataId) !== 1)
        return undefined
    }
  const live = flushed.live.map(emptied)
  backend.runAgain({ ...flushed, order, live }, (at) => {
    const place = results[at]
    return place.kind === "variable" ? place.variable.dataId : undefined
  })
  const outputs: Array<tf.Tensor> = []
  for (const [at, place] of results.entries())
    if (place.kind === "argument")
      outputs[place.at] = tf.engine().makeTensorFromTensorInfo(backend.adopt(live[at]))
  return outputs
}
