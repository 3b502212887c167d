import type { Provider, SessionOptions } from "../onnx/session.ts"

/** Settings of the backend. */
export interface OnnxBackendOptions {
  /**
   * What computes: the processor (default), or a GPU by Vulkan, Metal or Direct3D 12 ("webgpu"), with the variables
   * kept in its memory. `backend.use` changes it later.
   */
  readonly provider?: Provider
  /** Threads of one operator. Training is bit-reproducible for a fixed number. Default 1. */
  readonly threads?: number
  /** Sessions kept for flushes of the same structure. Default 24. */
  readonly maxSessions?: number
  /** Bound on the ONNX nodes of all kept sessions together; a stand-in for their memory. Default 12 000. */
  readonly maxNodes?: number
  /** Told, once per operation, that it is computed by tfjs' slower cpu kernel. Default: console.warn. */
  readonly warn?: (message: string) => void
  /** Settings of the sessions, for experiments. */
  readonly session?: SessionOptions
}

/** Counters since the backend was made. */
export interface OnnxBackendStats {
  readonly flushes: number
  readonly compiles: number
  /** Recorded kernel calls and ONNX nodes of the last flush. */
  readonly lastNodes: number
  readonly lastOnnxNodes: number
  /** Kernel calls that tfjs' cpu backend computed. */
  readonly fallbacks: number
  /** Time spent inside of ONNX Runtime computing, ms. */
  readonly runMs: number
  /** Tensors in the GPU's memory, and their bytes. */
  readonly deviceTensors: number
  readonly deviceBytes: number
  /** Sessions held now. */
  readonly sessions: number
  /** Bytes of arrays held for reuse. */
  readonly pooledBytes: number
  /** Bytes of fresh arrays made for results so far; grows slowly once disposed ones are written again. */
  readonly allocatedBytes: number
}
