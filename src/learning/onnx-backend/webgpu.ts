import { adapterInUse, type Adapter } from "./adapter.ts"
import type { OnnxBackend } from "./backend.ts"
import { OnnxBackendError } from "./errors.ts"
import { selfTest, selfTestText, type SelfTest } from "./self-test/self-test.ts"

/** A GPU that was tested and is in use. */
export interface WebGpu {
  readonly adapter: Adapter
  readonly selfTest: SelfTest
  /** e.g. "webgpu on NVIDIA L4 (libGLX_nvidia.so.0): 110 of 110 operators as expected (tested in 1.2 s)" */
  readonly text: string
}

let tested: { readonly webgpu: WebGpu; readonly distrusted: ReadonlySet<string> } | undefined

const REMEDY: Partial<Record<NodeJS.Platform, string>> = {
  linux: "it needs libvulkan.so.1 and the Vulkan driver of a GPU (vulkaninfo lists what is there)",
  win32: "it needs Direct3D 12",
  darwin: "it needs Metal",
}

/**
 * Puts the backend on the GPU. The first time in a process each operation is compared with the processor first; what is
 * wrong is computed there.
 *
 * @throws OnnxBackendError if there is no adapter (a software one will do), or it can't be trusted.
 */
export function useWebGpu(backend: OnnxBackend): WebGpu {
  backend.use("webgpu")
  if (tested !== undefined) {
    backend.device?.distrust(tested.distrusted)
    return tested.webgpu
  }
  try {
    backend.device?.memory.open()
  } catch (cause) {
    backend.use("cpu")
    const said = cause instanceof Error ? cause.message : String(cause)
    const why = said.slice(Math.max(0, said.indexOf("Failed to get")))
    const remedy = REMEDY[process.platform] ?? "this system is not supported"
    throw new OnnxBackendError(
      `no GPU for backend "webgpu": ${remedy}; backend "onnx" needs none. ONNX Runtime: ${why}`,
      {
        cause,
      },
    )
  }
  const adapter = adapterInUse()
  try {
    const outcome = selfTest(backend)
    const text = `webgpu on ${adapter.name}: ${selfTestText(outcome)}`
    tested = {
      webgpu: { adapter, selfTest: outcome, text },
      distrusted: backend.device?.distrusted ?? new Set(),
    }
    return tested.webgpu
  } catch (error) {
    backend.use("cpu")
    throw error
  }
}
