import * as tf from "@tensorflow/tfjs"

/**
 * `onnx`: tfjs on ONNX Runtime, installed with the project. `webgpu`: the same on a GPU. `cpu`: tfjs's own reference,
 * slow. `tensorflow`: the native library, where the user has added it.
 */
export type BackendName = "onnx" | "webgpu" | "cpu" | "tensorflow"

/** What computes now. */
export interface Engine {
  readonly backend: BackendName
  /** GPU, or the package of the native library; undefined where the processor computes. */
  readonly device?: string
  /** For a log: engine and device, and what was found out about them. */
  readonly text: string
}

export interface BackendOptions {
  /** Threads of one operation; with it, results are reproducible to the bit. Default 2. */
  readonly threads?: number
}

/** The engine asked for is not there; the message says what to install or which to take instead. */
export class BackendError extends Error {
  readonly _tag = "BackendError"
  override readonly name = "BackendError"
}

const NATIVE_PACKAGES = ["@tensorflow/tfjs-node-gpu", "@tensorflow/tfjs-node"]

const activate = async (name: string): Promise<void> => {
  const done = await tf.setBackend(name)
  if (!done) throw new BackendError(`tfjs could not start its backend "${name}"`)
  await tf.ready()
}

const activateNative = async (threads: number): Promise<Engine> => {
  const failures: Array<string> = []
  // Read by libtensorflow when it is loaded; the environment of this process only.
  process.env["TF_NUM_INTRAOP_THREADS"] ??= String(threads)
  process.env["TF_NUM_INTEROP_THREADS"] ??= "1"
  for (const name of NATIVE_PACKAGES) {
    try {
      await import(name)
      await activate("tensorflow")
      return { backend: "tensorflow", device: name, text: `tensorflow by ${name}, ${threads} thread(s)` }
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message.split("\n")[0] : String(error)}`)
    }
  }
  throw new BackendError(
    `backend "tensorflow" needs one of these packages beside this one: npm install @tensorflow/tfjs-node-gpu@4.22.0 ` +
      `(NVIDIA GPU) or @tensorflow/tfjs-node@4.22.0 (CPU); or choose backend "onnx", which needs nothing more. ` +
      `Tried: ${failures.join("; ")}`,
  )
}

let onnxThreads: number | undefined

const activateOnnx = async (name: "onnx" | "webgpu", threads: number): Promise<Engine> => {
  if (onnxThreads !== undefined && onnxThreads !== threads)
    throw new BackendError(
      `backend "onnx" runs with ${onnxThreads} thread(s) in this process: start another one for ${threads}`,
    )
  // Not loaded with this module: someone who runs on another backend needs no ONNX Runtime.
  const { registerOnnxBackend } = await import("./onnx-backend/register.ts")
  const backend = await registerOnnxBackend({ threads })
  onnxThreads = threads
  if (name === "onnx") {
    backend.use("cpu")
    return { backend: name, text: `onnx on the CPU, ${threads} thread(s)` }
  }
  const { useWebGpu } = await import("./onnx-backend/webgpu.ts")
  const { adapter, text } = useWebGpu(backend)
  return { backend: name, device: adapter.name, text }
}

/**
 * Choose what tensors are computed with, for this process. Models and tensors made before go along on use.
 * @throws BackendError when it is not installed or does not start; OnnxBackendError when there is no GPU for `webgpu`.
 */
export const useBackend = async (name: BackendName, options: BackendOptions = {}): Promise<Engine> => {
  const threads = options.threads ?? 2
  if (!Number.isInteger(threads) || threads < 1)
    throw new BackendError(`threads ${threads}: a whole number, 1 at least`)
  // Silences tfjs's advertisement of its native package and per-kernel value checks; results are the same.
  tf.enableProdMode()
  if (name === "tensorflow") return activateNative(threads)
  if (name === "onnx" || name === "webgpu") return activateOnnx(name, threads)
  await activate("cpu")
  return { backend: "cpu", text: "cpu: tfjs's own reference, slow" }
}

/**
 * Compute what is pending. A lazy backend turns everything recorded since the last call into one graph, so call it
 * once at the end of a step; on eager backends it does nothing.
 */
export const flush = (): void => {
  const backend: unknown = tf.backend()
  if (typeof backend === "object" && backend !== null && "flush" in backend) {
    const { flush: run } = backend
    if (typeof run === "function") run.call(backend)
  }
}

/** A function of tensors; what it returns is the caller's to dispose of. */
export type TensorFunction = (...inputs: ReadonlyArray<tf.Tensor>) => ReadonlyArray<tf.Tensor>

/**
 * A function that computes the same operations on other numbers again and again, such as a training step. A lazy
 * backend records it once; so numbers that change between calls have to be arguments or variables. On eager backends
 * it is just called.
 */
export const compiled = (f: TensorFunction): TensorFunction => {
  const backend: unknown = tf.backend()
  if (typeof backend === "object" && backend !== null && "compiled" in backend) {
    const { compiled: compile } = backend
    if (typeof compile === "function") return compile.call(backend, f) as TensorFunction
  }
  return (...inputs) => tf.tidy(() => [...f(...inputs)])
}
