import * as tf from "@tensorflow/tfjs"
import { OnnxBackend } from "./backend.ts"
import { accelerateBatchNormalization } from "./batch-normalization.ts"
import { OnnxBackendError } from "./errors.ts"
import { runOnCpu } from "./fallback.ts"
import { registerGradients } from "./gradients.ts"
import { batchNormKernels } from "./kernels/batch-norm.ts"
import { binaryKernels } from "./kernels/binary.ts"
import { convKernels } from "./kernels/conv.ts"
import { creationKernels } from "./kernels/creation.ts"
import { KernelCall, type Kernel, type KernelTable } from "./kernels/kernel.ts"
import { matMulKernels } from "./kernels/matmul.ts"
import { poolKernels } from "./kernels/pool.ts"
import { reduceKernels } from "./kernels/reduce.ts"
import { reluKernels } from "./kernels/relu.ts"
import { resizeKernels } from "./kernels/resize.ts"
import { selectKernels } from "./kernels/select.ts"
import { shapeKernels } from "./kernels/shape.ts"
import { unaryKernels } from "./kernels/unary.ts"
import { sizeOf } from "./layout.ts"
import type { OnnxBackendOptions } from "./options.ts"

/** Name of the backend in tfjs. */
export const BACKEND_NAME = "onnx"

/** Every kernel that is lowered to ONNX. */
export const KERNELS: KernelTable = {
  ...binaryKernels,
  ...unaryKernels,
  ...creationKernels,
  ...shapeKernels,
  ...reduceKernels,
  ...selectKernels,
  ...matMulKernels,
  ...convKernels,
  ...poolKernels,
  ...batchNormKernels,
  ...reluKernels,
  ...resizeKernels,
}

/** ONNX operators disagree on tensors without elements, and graphs hold numbers only. */
const takesPart = (t: tf.TensorInfo | undefined | null): boolean =>
  t === undefined || t === null || (t.dtype !== "string" && t.dtype !== "complex64" && sizeOf(t.shape) > 0)

/** Kernels that only pass on what they get, so that strings and empty tensors are no exception. */
function passThrough(
  name: string,
  backend: OnnxBackend,
  inputs: tf.NamedTensorInfoMap,
): tf.TensorInfo | undefined {
  return name === "Identity" && inputs["x"] !== undefined ? backend.alias(inputs["x"]) : undefined
}

function kernelFunc(name: string, kernel: Kernel | undefined): tf.KernelFunc {
  return ({ inputs, attrs = {}, backend }) => {
    if (!(backend instanceof OnnxBackend))
      throw new OnnxBackendError(`${name} was given another backend's data`)
    const usable = Object.values(inputs).every(takesPart)
    const result =
      usable && kernel !== undefined
        ? kernel(new KernelCall(name, backend, inputs, attrs))
        : passThrough(name, backend, inputs)
    return result ?? runOnCpu(name, backend, inputs, attrs)
  }
}

let registered = false

/**
 * Registers the backend `onnx` with tfjs, makes it the current one and returns it. Kernels without a lowering are
 * computed by tfjs' cpu backend. The gradients of Sum and Mean are replaced (for all backends) by equal ones that
 * don't build an array of ones on the host, and batch normalization layers train faster on this backend.
 *
 * @param options settings; taken by the first call only, later calls return the same backend. With `provider: "webgpu"`
 * the GPU's operators are tested first, see {@link useWebGpu} for the outcome.
 * @throws OnnxBackendError if there is no GPU where one is asked for.
 */
export async function registerOnnxBackend(options: OnnxBackendOptions = {}): Promise<OnnxBackend> {
  if (!registered) {
    registered = true
    const names = new Set([
      ...Object.keys(KERNELS),
      ...tf.getKernelsForBackend("cpu").map((k) => k.kernelName),
    ])
    for (const name of names) {
      tf.registerKernel({
        kernelName: name,
        backendName: BACKEND_NAME,
        kernelFunc: kernelFunc(name, KERNELS[name]),
      })
    }
    registerGradients()
    accelerateBatchNormalization()
    tf.registerBackend(BACKEND_NAME, () => new OnnxBackend(options), 10)
  }
  await tf.setBackend(BACKEND_NAME)
  const backend = tf.engine().findBackend(BACKEND_NAME)
  if (!(backend instanceof OnnxBackend))
    throw new OnnxBackendError(`another backend is registered as ${BACKEND_NAME}`)
  if (options.provider === "webgpu") {
    // Not loaded by those who stay on the processor.
    const { useWebGpu } = await import("./webgpu.ts")
    useWebGpu(backend)
  }
  return backend
}
