import type { Provider, SessionOptions } from "../onnx/session.ts"
import { BufferPool } from "./buffer-pool.ts"
import { DeviceValue } from "./device-memory.ts"
import { runDeviceStep, staysOnDevice } from "./device-step.ts"
import { Device, isHostKey } from "./device.ts"
import { topologicalOrder, type HostValue, type LazyNode } from "./lazy-node.ts"
import type { Dtype } from "./layout.ts"
import type { OnnxBackendOptions } from "./options.ts"
import { SessionCache } from "./session-cache.ts"
import { compileStep, representatives, runStep, structureKey, type CompiledStep } from "./step.ts"

/** What was computed as one graph, and how. */
export interface Flushed {
  readonly key: string
  readonly step: CompiledStep
  /** All nodes, inputs before users. */
  readonly order: ReadonlyArray<LazyNode>
  /** Those whose values were wanted. */
  readonly live: ReadonlyArray<LazyNode>
}

/** More rewriting than "basic" doubles the time to compile a training step and doesn't make it faster. */
const SESSION: SessionOptions = { optimization: "basic" }

/** Computes recorded nodes, by sessions that are kept under the structure of their graphs. */
export class Execution {
  readonly #options: OnnxBackendOptions
  readonly #sessions: SessionCache
  readonly #pool = new BufferPool()
  /** Values that nobody wants any more, but that the next run may still read. */
  #released: Array<{ readonly dtype: Dtype; readonly value: HostValue }> = []
  #device: Device | undefined
  #runs = 0
  #stats = { flushes: 0, compiles: 0, lastNodes: 0, lastOnnxNodes: 0, runMs: 0 }

  constructor(options: OnnxBackendOptions) {
    this.#options = options
    this.#device = options.provider === "webgpu" ? new Device() : undefined
    this.#sessions = new SessionCache(options.maxSessions ?? 24, options.maxNodes ?? 12_000)
  }

  get stats() {
    const { bytes: pooledBytes, allocatedBytes } = this.#pool
    const { tensors: deviceTensors = 0, bytes: deviceBytes = 0 } = this.#device?.memory ?? {}
    const kept = { sessions: this.#sessions.size, deviceTensors, deviceBytes, pooledBytes, allocatedBytes }
    return { ...this.#stats, ...kept }
  }

  get device(): Device | undefined {
    return this.#device
  }

  /** Another provider from now on; nothing may be pending. */
  use(provider: Provider): void {
    this.#device?.memory.empty()
    this.#device = provider === "webgpu" ? new Device() : undefined
  }

  /**
   * Computes nodes and all that they need.
   * @param wanted on a GPU: the one whose value is about to be read, and comes along.
   */
  compute(live: ReadonlyArray<LazyNode>, wanted: LazyNode | undefined): Flushed {
    const order = topologicalOrder(live, ++this.#runs)
    const graph = { order, live, representative: representatives(order) }
    const device = this.#device
    const stays = staysOnDevice(wanted)
    const key = device?.keyOf(structureKey(graph), live, stays) ?? structureKey(graph)
    let step = this.#sessions.get(key)
    if (step === undefined) {
      const { threads = 1, session } = this.#options
      const provider = device === undefined ? "cpu" : "webgpu"
      step = compileStep(graph, { threads, ...SESSION, ...session, provider }, device?.target(stays))
      this.#sessions.set(key, step)
      this.#stats.compiles++
    }
    const flushed = { key, step, order, live }
    this.run(flushed)
    return flushed
  }

  /** Computes what was computed before, from the values its nodes have now. */
  run({ step, order, live }: Flushed): void {
    const device = this.#device
    this.#stats.runMs +=
      device === undefined
        ? runStep(step, order, live, this.#pool)
        : runDeviceStep(step, order, live, device.memory)
    this.#stats.flushes++
    this.#stats.lastNodes = order.length
    this.#stats.lastOnnxNodes = step.onnxNodes
  }

  /** Whether a graph can be run again as it is. */
  keeps({ key, step }: Flushed): boolean {
    const made = this.#device?.made(key) ?? isHostKey(key)
    return made && this.#sessions.get(key) === step
  }

  /** A value is not wanted any more, though what is recorded may still read it. */
  release(dtype: Dtype, value: HostValue): void {
    if (value.exclusive || value instanceof DeviceValue) this.#released.push({ dtype, value })
  }

  /** Nothing is recorded: a GPU's memory need not wait for the next run. */
  idle(): void {
    if (this.#device === undefined || this.#released.length === 0) return
    for (const { value } of this.#released) if (value instanceof DeviceValue) value.free()
    this.#released = this.#released.filter(({ value }) => !(value instanceof DeviceValue))
  }

  /** Nothing reads any more what was released. */
  settle(): void {
    for (const { dtype, value } of this.#released) {
      if (value instanceof DeviceValue) value.free()
      else if (value.exclusive) this.#pool.release(dtype, value.data)
    }
    this.#released = []
    this.#pool.age()
  }

  /** Lets all compiled graphs and spare arrays go. */
  clear(): void {
    this.#sessions.clear()
    this.#pool.clear()
  }
}
