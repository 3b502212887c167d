import { isOnDevice, onnxTensor, type OnnxTensor } from "../onnx/session.ts"
import { isDeviceDtype, type DeviceMemory } from "./device-memory.ts"
import { OnnxBackendError } from "./errors.ts"
import type { HostValue, LazyNode } from "./lazy-node.ts"
import { physicalShape, relayout, sizeOf } from "./layout.ts"
import type { CompiledStep, StepInput } from "./step.ts"

/** Results of fewer elements come to the host with the run, larger ones when they are asked for. */
const FETCHED_AT_ONCE = 4096

/** A variable's value that the host wrote is moved to the GPU from this size on, to be there for the next run too. */
const WORTH_MOVING = 256

/** Which of a flush's live nodes stay on the GPU: variables, and large results nobody is waiting for. */
export const staysOnDevice =
  (wanted: LazyNode | undefined) =>
  (node: LazyNode): boolean =>
    node !== wanted && isDeviceDtype(node.dtype) && (node.isVariable || sizeOf(node.shape) > FETCHED_AT_ONCE)

function fed({ name, dtype, layout, dims }: StepInput, node: LazyNode, memory: DeviceMemory): OnnxTensor {
  const value = node.value
  if (value === undefined) throw new OnnxBackendError(`input ${name} has no value`)
  if (value.layout !== layout) {
    value.data = relayout(value.data, node.dtype, node.shape, value.layout, layout)
    value.layout = layout
    value.exclusive = true
    value.tensor = undefined
  }
  const known = value.tensor
  if (known !== undefined && isOnDevice(known)) return known
  if (node.isVariable && !node.dropped && isDeviceDtype(dtype) && sizeOf(dims) >= WORTH_MOVING) {
    const moved = memory.upload(dtype, value.data, layout, dims)
    node.value = moved
    if (moved.tensor !== undefined) return moved.tensor
  }
  value.tensor ??= onnxTensor(dtype, value.data, dims)
  return value.tensor
}

/**
 * Computes the live nodes of a flush on the GPU: feeds what lies there already as it is, leaves there what its session
 * was compiled to leave, and cuts the nodes off from their inputs.
 * @returns how long ONNX Runtime took, ms. The GPU may not be done by then, unless something was fetched.
 */
export function runDeviceStep(
  step: CompiledStep,
  order: ReadonlyArray<LazyNode>,
  live: ReadonlyArray<LazyNode>,
  memory: DeviceMemory,
): number {
  const feeds: Record<string, OnnxTensor> = {}
  for (const input of step.inputs) feeds[input.name] = fed(input, order[input.index], memory)
  const from = performance.now()
  const results = step.session.run(feeds)
  const ms = performance.now() - from
  live.forEach((node, i) => {
    const { name, layout, dtype } = step.outputs[i]
    const result = results[name]
    node.value =
      isOnDevice(result) && isDeviceDtype(dtype)
        ? memory.adopt(result, step.session, dtype, layout, physicalShape(node.shape, layout))
        : hostValue(result, layout)
    node.inputs = []
  })
  return ms
}

function hostValue({ data, type }: OnnxTensor, layout: HostValue["layout"]): HostValue {
  if (data instanceof Float32Array || data instanceof Int32Array || data instanceof Uint8Array)
    return { data, layout, tensor: undefined, exclusive: true }
  throw new OnnxBackendError(`a session gave a ${type} tensor`)
}
