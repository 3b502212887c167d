import * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "./backend.ts"
import { OnnxBackendError } from "./errors.ts"

const warned = new Set<string>()

/** What tfjs' cpu backend keeps of a tensor, as far as it is needed here. */
interface CpuBackend extends tf.KernelBackend {
  readonly makeTensorInfo: (shape: number[], dtype: tf.DataType, values: tf.BackendValues) => tf.TensorInfo
}

const isCpuBackend = (backend: tf.KernelBackend | null): backend is CpuBackend =>
  backend !== null && "makeTensorInfo" in backend && typeof backend.makeTensorInfo === "function"

/** tfjs' cpu backend, without the advice to install a native one that it prints on its first use. */
function cpuBackend(): CpuBackend {
  const cpu = tf.engine().findBackend("cpu")
  if (!isCpuBackend(cpu))
    throw new OnnxBackendError("tfjs' cpu backend is not registered: import @tensorflow/tfjs")
  if ("firstUse" in cpu) cpu.firstUse = false
  return cpu
}

/**
 * Computes a kernel that has no lowering by tfjs' cpu kernel: flushes, copies the inputs over, and takes the result
 * as a known tensor. Says so once per kernel.
 */
export function runOnCpu(
  name: string,
  backend: OnnxBackend,
  inputs: tf.NamedTensorInfoMap,
  attrs: tf.NamedAttrMap,
): tf.TensorInfo | Array<tf.TensorInfo> {
  const cpu = cpuBackend()
  const kernel = tf.getKernel(name, "cpu")
  if (kernel === undefined || kernel === null)
    throw new OnnxBackendError(`tfjs has no cpu kernel named ${name}`)
  if (!warned.has(name)) {
    warned.add(name)
    const warn = backend.options.warn ?? console.warn
    warn(`onnx backend: ${name} is computed by tfjs' cpu kernel here, which is slower`)
  }
  backend.countFallback()
  const copies: Array<tf.TensorInfo> = []
  const copy = (t: tf.TensorInfo): tf.TensorInfo => {
    if (t.dtype === "complex64") {
      throw new OnnxBackendError(`${name}: complex64 tensors need another backend: tf.setBackend("cpu")`)
    }
    const info = cpu.makeTensorInfo(t.shape, t.dtype, backend.readSync(t.dataId))
    copies.push(info)
    return info
  }
  const cpuInputs = Object.fromEntries(
    Object.entries(inputs).map(([key, t]) => [key, t === undefined || t === null ? t : copy(t)]),
  )
  // an array of inputs (Concat, Pack, AddN) must stay one
  const passed = Array.isArray(inputs) ? Object.assign([], cpuInputs) : cpuInputs
  const results = kernel.kernelFunc({ inputs: passed, attrs, backend: cpu })
  const back = [results].flat().map((t): tf.TensorInfo => {
    const values = cpu.readSync(t.dataId)
    const dataId = backend.write(values, t.shape, t.dtype)
    return { dataId, shape: t.shape, dtype: t.dtype }
  })
  for (const t of [results].flat()) cpu.disposeData(t.dataId)
  for (const t of copies) cpu.disposeData(t.dataId)
  return Array.isArray(results) ? back : back[0]
}
