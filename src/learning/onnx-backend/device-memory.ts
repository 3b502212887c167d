import { OnnxGraph } from "../onnx/graph.ts"
import { createSession, deviceView, onnxTensor, type OnnxSession, type OnnxTensor } from "../onnx/session.ts"
import { OnnxBackendError } from "./errors.ts"
import type { HostValue } from "./lazy-node.ts"
import { sizeOf, type Dtype, type HostArray, type Layout } from "./layout.ts"

/** Element types of tensors that stay on the GPU between runs. */
export type DeviceDtype = "float32" | "int32"

export const isDeviceDtype = (dtype: Dtype): dtype is DeviceDtype => dtype !== "bool"

/**
 * Moves tensors to and from the GPU's memory, and counts what lies there. onnxruntime-node can't read such a tensor
 * (its `getData` ends the process), nor write one: a session that only hands its input on does both. Those sessions
 * are kept, which also keeps the GPU open while no other session exists but tensors do.
 */
export class DeviceMemory {
  readonly #sessions = new Map<string, OnnxSession>()
  readonly #values = new Set<DeviceValue>()
  readonly #made = new WeakMap<OnnxSession, Set<DeviceValue>>()
  #bytes = 0

  /** Tensors that lie on the GPU now. */
  get tensors(): number {
    return this.#values.size
  }

  /** Bytes of them; the provider's own spare buffers are not known. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Takes over a tensor that a session left on the GPU; `dims` is its shape for whoever is fed with it. The memory is
   * the session's: where that goes first, the tensor comes back to the host.
   */
  adopt(
    owner: OnnxTensor,
    session: OnnxSession,
    dtype: DeviceDtype,
    layout: Layout,
    dims: ReadonlyArray<number>,
  ): DeviceValue {
    const size = sizeOf(dims)
    const siblings = this.#madeBy(session)
    const value: DeviceValue = new DeviceValue(
      deviceView(owner, dims),
      layout,
      () => this.#download(dtype, deviceView(owner, [size])),
      () => {
        owner.dispose()
        this.#values.delete(value)
        siblings.delete(value)
        this.#bytes -= size * 4
      },
    )
    this.#values.add(value)
    siblings.add(value)
    this.#bytes += size * 4
    return value
  }

  /**
   * Makes sure that there is a GPU.
   * @throws OnnxRuntimeError if not.
   */
  open(): void {
    this.#session("float32", "upload")
  }

  /** Brings everything back to the host. */
  empty(): void {
    for (const value of this.#values) value.toHost()
  }

  /** Copies data to the GPU. */
  upload(dtype: DeviceDtype, data: HostArray, layout: Layout, dims: ReadonlyArray<number>): DeviceValue {
    const session = this.#session(dtype, "upload")
    const { y } = session.run({ x: onnxTensor<Dtype>(dtype, data, [sizeOf(dims)]) })
    return this.adopt(y, session, dtype, layout, dims)
  }

  /** Values on the GPU that a session made. */
  #madeBy(session: OnnxSession): Set<DeviceValue> {
    const known = this.#made.get(session)
    if (known !== undefined) return known
    const made = new Set<DeviceValue>()
    this.#made.set(session, made)
    session.beforeDispose(() => {
      for (const value of made) value.toHost()
    })
    return made
  }

  #download(dtype: DeviceDtype, x: OnnxTensor): HostArray {
    const { data } = this.#session(dtype, "download").run({ x })["y"]
    if (data instanceof Float32Array || data instanceof Int32Array) return data
    throw new OnnxBackendError(`a ${dtype} tensor came back from the GPU as something else`)
  }

  #session(dtype: DeviceDtype, way: "upload" | "download"): OnnxSession {
    const key = `${way} ${dtype}`
    const known = this.#sessions.get(key)
    if (known !== undefined) return known
    const graph = new OnnxGraph(way)
    const y = graph.node("Identity", [graph.input("x", dtype, ["n"])], {}, { names: ["y"] })
    graph.output(y, dtype, ["n"])
    // Unoptimized: a node that hands on is one that optimizers take out.
    const session = createSession(graph.toBytes(), {
      provider: "webgpu",
      optimization: "disabled",
      deviceOutputs: way === "upload" ? ["y"] : [],
    })
    this.#sessions.set(key, session)
    return session
  }
}

/** A computed tensor in the GPU's memory. Its data come to the host when they are asked for. */
export class DeviceValue implements HostValue {
  layout: Layout
  exclusive = true
  #device: OnnxTensor | undefined
  #host: HostArray | undefined
  #hostTensor: OnnxTensor | undefined
  readonly #download: () => HostArray
  readonly #free: () => void

  constructor(device: OnnxTensor, layout: Layout, download: () => HostArray, free: () => void) {
    this.#device = device
    this.layout = layout
    this.#download = download
    this.#free = free
  }

  get data(): HostArray {
    this.#host ??= this.#download()
    return this.#host
  }

  /** Puts other data (another layout's) in its place, on the host. */
  set data(data: HostArray) {
    this.free()
    this.#host = data
  }

  /** Moves the data to the host. */
  toHost(): void {
    const data = this.data
    this.data = data
  }

  get tensor(): OnnxTensor | undefined {
    return this.#device ?? this.#hostTensor
  }

  set tensor(tensor: OnnxTensor | undefined) {
    this.#hostTensor = tensor
  }

  /** Gives the GPU's memory back; nothing may be about to read it there. */
  free(): void {
    if (this.#device === undefined) return
    this.#device = undefined
    this.#free()
  }
}
