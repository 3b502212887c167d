import { createRequire } from "node:module"
import * as ort from "onnxruntime-node"
import type { ElementArrays, ElementType } from "./element-types.ts"

/** ONNX Runtime can't be used as this program needs it, or refuses a model. */
export class OnnxRuntimeError extends Error {
  readonly _tag = "OnnxRuntimeError"
}

/** The release whose internals are known here: {@link OnnxSession.run} calls its native binding directly. */
export const ONNX_RUNTIME_RELEASE = "1.30."

/** What a session takes and gives: `type`, row-major `data`, `dims`. */
export type OnnxTensor = ort.Tensor

/** What computes a session: the processor, or a GPU by Vulkan, Metal or Direct3D 12. */
export type Provider = "cpu" | "webgpu"

/** How a session runs. */
export interface SessionOptions {
  /** Default "cpu". With "webgpu" what the provider has no kernel for runs on the processor. */
  readonly provider?: Provider
  /** webgpu: names of nodes to be computed on the processor all the same. */
  readonly cpuNodes?: ReadonlyArray<string>
  /**
   * webgpu: names of outputs that stay in the GPU's memory. Their tensors have no data; they can be fed to sessions of
   * this provider, and have to be disposed of, once each and before the session that made them: their memory is its.
   */
  readonly deviceOutputs?: ReadonlyArray<string>
  /** Threads of one operator. Results are bit-reproducible only for the same number. Default 1. */
  readonly threads?: number
  /** Graph rewriting by ONNX Runtime. "all" adds layout changes around pools; default "extended". */
  readonly optimization?: "disabled" | "basic" | "extended" | "all"
  /** Plan one block of memory per input shape. Default false: it nearly doubles the peak of a training step. */
  readonly memoryPattern?: boolean
  /**
   * Let threads that wait for others spin instead of sleeping: a little faster when the process has its cores for
   * itself, many times slower when it does not. Default false.
   */
  readonly spinning?: boolean
  /** Writes a profile (Chrome trace JSON) to a file with this prefix when the session is disposed. */
  readonly profilePrefix?: string
}

/** A tensor of the same elements in another shape over the memory of a tensor on the GPU. It owns nothing. */
export function deviceView(tensor: OnnxTensor, dims: ReadonlyArray<number>): OnnxTensor {
  const dataType = tensor.type
  if (dataType !== "float32" && dataType !== "int32")
    throw new OnnxRuntimeError(`a ${dataType} tensor is not kept on the GPU`)
  return ort.Tensor.fromGpuBuffer(tensor.gpuBuffer, { dataType, dims })
}

/** True if the tensor's elements lie in the GPU's memory. */
export const isOnDevice = (tensor: OnnxTensor): boolean => tensor.location === "gpu-buffer"

interface NativeSession {
  loadModel(buffer: ArrayBufferLike, offset: number, length: number, options: object): void
  run(feeds: object, fetches: object, options: object): { readonly [name: string]: OnnxTensor }
  endProfiling(): void
  dispose(): void
  readonly inputMetadata: ReadonlyArray<{ readonly name: string }>
  readonly outputMetadata: ReadonlyArray<{ readonly name: string }>
}
interface NativeBinding {
  readonly binding: { readonly InferenceSession: new () => NativeSession }
  readonly initOrt: () => void
}

let native: NativeBinding | undefined

/**
 * The native binding behind onnxruntime-node. Its public API only offers a `run` that is deferred by setImmediate
 * although the work itself is synchronous; tfjs' `dataSync` needs the synchronous call.
 */
function loadNative(): NativeBinding {
  if (native !== undefined) return native
  const require = createRequire(import.meta.url)
  const manifest: unknown = require("onnxruntime-node/package.json")
  const version = hasKey(manifest, "version") ? String(manifest.version) : "of unknown version"
  if (!version.startsWith(ONNX_RUNTIME_RELEASE)) {
    throw new OnnxRuntimeError(
      `onnxruntime-node ${version} is installed, but ${ONNX_RUNTIME_RELEASE}x is needed (its internal binding is ` +
        `called directly): npm install onnxruntime-node@${ONNX_RUNTIME_RELEASE}0`,
    )
  }
  let loaded: unknown
  try {
    loaded = require("onnxruntime-node/dist/binding.js")
  } catch (cause) {
    throw new OnnxRuntimeError(
      `onnxruntime-node ${version}: no native library for ${process.platform}-${process.arch}`,
      { cause },
    )
  }
  if (!isNative(loaded)) {
    throw new OnnxRuntimeError(`onnxruntime-node ${version}: dist/binding.js is not the one known here`)
  }
  loaded.initOrt()
  native = loaded
  return native
}

const hasKey = <K extends string>(value: unknown, key: K): value is { readonly [name in K]: unknown } =>
  typeof value === "object" && value !== null && key in value

const isNative = (value: unknown): value is NativeBinding =>
  hasKey(value, "initOrt") &&
  typeof value.initOrt === "function" &&
  hasKey(value, "binding") &&
  hasKey(value.binding, "InferenceSession") &&
  typeof value.binding.InferenceSession === "function"

/** Makes a tensor over `data` (not copied); `dims` must hold exactly its elements. */
export function onnxTensor<T extends ElementType>(
  type: T,
  data: ElementArrays[T],
  dims: ReadonlyArray<number>,
): OnnxTensor {
  return new ort.Tensor(type, data, dims)
}

/**
 * The data of a float32 tensor.
 * @throws OnnxRuntimeError if it is of another type (or `tensor` is undefined: an output that was not fetched).
 */
export function float32Data(tensor: OnnxTensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data
  throw new OnnxRuntimeError(`expected a float32 tensor, got ${tensor?.type ?? "none"}`)
}

/** A model ready to run. Dispose it when done: its memory is outside of the JavaScript heap. */
export class OnnxSession {
  readonly inputNames: ReadonlyArray<string>
  readonly outputNames: ReadonlyArray<string>
  readonly #session: NativeSession
  readonly #profiled: boolean
  readonly #bound: boolean
  readonly #all: { readonly [name: string]: null }
  readonly #before: Array<() => void> = []

  /** @param bound outputs are placed by the session, see {@link SessionOptions.deviceOutputs}. */
  constructor(session: NativeSession, profiled: boolean, bound: boolean) {
    this.#session = session
    this.#profiled = profiled
    this.#bound = bound
    this.inputNames = session.inputMetadata.map((m) => m.name)
    this.outputNames = session.outputMetadata.map((m) => m.name)
    this.#all = Object.fromEntries(this.outputNames.map((name) => [name, null]))
  }

  /**
   * Runs the model now, on the calling thread's time: the event loop waits.
   *
   * @param feeds every input by name.
   * @param fetches the outputs wanted (default: all). A tensor is written into, `null` lets the runtime allocate. With
   * outputs on the GPU it can't be given: the binding then ignores it, and takes locations for those of other outputs.
   * @throws OnnxRuntimeError if the runtime refuses the feeds or a node fails.
   */
  run(
    feeds: { readonly [name: string]: OnnxTensor },
    fetches?: { readonly [name: string]: OnnxTensor | null },
  ): { readonly [name: string]: OnnxTensor } {
    if (this.#bound && fetches !== undefined)
      throw new OnnxRuntimeError("a session with outputs on the GPU gives all of them, in tensors of its own")
    try {
      return this.#session.run(feeds, fetches ?? this.#all, {})
    } catch (cause) {
      throw new OnnxRuntimeError(`ONNX Runtime: ${messageOf(cause)}`, { cause })
    }
  }

  /** Something to be done first when the session is disposed of. */
  beforeDispose(f: () => void): void {
    this.#before.push(f)
  }

  dispose(): void {
    for (const f of this.#before) f()
    if (this.#profiled) this.#session.endProfiling()
    this.#session.dispose()
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/**
 * Memory layout "NCHW" spares a transpose before and after each operator: graphs come with their channels outermost.
 */
const providerOptions = (options: SessionOptions): object => {
  if (options.provider !== "webgpu") return { executionProviders: ["cpu"] }
  const { cpuNodes = [], deviceOutputs = [] } = options
  const webgpu = {
    name: "webgpu",
    preferredLayout: "NCHW",
    ...(cpuNodes.length === 0 ? {} : { forceCpuNodeNames: cpuNodes }),
  }
  const location = Object.fromEntries(deviceOutputs.map((name) => [name, "gpu-buffer"]))
  return {
    executionProviders: [webgpu, "cpu"],
    ...(deviceOutputs.length === 0 ? {} : { preferredOutputLocation: location }),
  }
}

/**
 * Compiles a model for the CPU, or for a GPU.
 *
 * @param bytes an .onnx file, e.g. `OnnxGraph.toBytes()`.
 * @throws OnnxRuntimeError if the package is not the release known here or the model is not valid.
 */
export function createSession(bytes: Uint8Array, options: SessionOptions = {}): OnnxSession {
  const { binding } = loadNative()
  const session = new binding.InferenceSession()
  const profile = options.profilePrefix
  try {
    session.loadModel(bytes.buffer, bytes.byteOffset, bytes.byteLength, {
      ...providerOptions(options),
      intraOpNumThreads: options.threads ?? 1,
      interOpNumThreads: 1,
      executionMode: "sequential",
      graphOptimizationLevel: options.optimization ?? "extended",
      enableMemPattern: options.memoryPattern ?? false,
      logSeverityLevel: 4,
      extra: { session: { intra_op: { allow_spinning: options.spinning === true ? "1" : "0" } } },
      ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    })
  } catch (cause) {
    throw new OnnxRuntimeError(`ONNX Runtime can't load the model: ${messageOf(cause)}`, { cause })
  }
  const bound = options.provider === "webgpu" && (options.deviceOutputs ?? []).length > 0
  return new OnnxSession(session, profile !== undefined, bound)
}
