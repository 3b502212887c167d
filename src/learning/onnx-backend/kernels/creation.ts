import * as tf from "@tensorflow/tfjs"
import { allocate, isDtype, type Dtype } from "../layout.ts"
import type { Kernel, KernelTable } from "./kernel.ts"

const dtypeOf = (name: unknown): Dtype | undefined => (isDtype(name) ? name : undefined)

const fill: Kernel = (call) => {
  const value: unknown = call.raw("value")
  if (typeof value !== "number") return undefined
  const dtype = dtypeOf(call.has("dtype") ? call.raw("dtype") : tf.util.inferDtype(value))
  return dtype === undefined ? undefined : call.backend.fill(call.numbers("shape"), dtype, value)
}

const like =
  (value: number): Kernel =>
  (call) => {
    const x = call.operand("x")
    return call.backend.fill(x.shape, x.dtype, value)
  }

/** start, start + step, … up to but without `stop`. */
const range: Kernel = (call) => {
  const dtype = dtypeOf(call.raw("dtype"))
  if (dtype === undefined) return undefined
  const start = call.number("start")
  const stop = call.number("stop")
  const wanted = call.number("step")
  // tfjs turns the sign of the default step when counting down
  const step = stop < start && wanted === 1 ? -1 : wanted
  const length = start === stop || start < stop !== step > 0 ? 0 : Math.abs(Math.ceil((stop - start) / step))
  const data = allocate(dtype, length)
  for (let i = 0; i < length; i++) data[i] = start + i * step
  return call.backend.constant(data, [length], dtype)
}

const CODES: { readonly [D in Dtype]: number } = { float32: 1, int32: 6, bool: 9 }

const cast: Kernel = (call) => {
  const x = call.operand("x")
  const dtype = dtypeOf(call.raw("dtype"))
  if (dtype === undefined) return undefined
  if (dtype === x.dtype) return call.backend.alias(x)
  return call.backend.record("Cast", [x], x.shape, dtype, x.dtype, (l, node) => {
    const { name, layout } = l.of(node.inputs[0])
    return { name: l.graph.emit("Cast", [name], { to: CODES[dtype] }), layout }
  })
}

/** Makes tensors from nothing, or of another element type. */
export const creationKernels: KernelTable = {
  Identity: (call) => call.backend.alias(call.operand("x")),
  Cast: cast,
  Fill: fill,
  ZerosLike: like(0),
  OnesLike: like(1),
  Range: range,
}
