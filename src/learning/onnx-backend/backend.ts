import * as tf from "@tensorflow/tfjs"
import type { Provider } from "../onnx/session.ts"
import type { Device } from "./device.ts"
import { OnnxBackendError } from "./errors.ts"
import { Execution, type Flushed } from "./execution.ts"
import { LazyNode, leaf, type Lower } from "./lazy-node.ts"
import {
  allocate,
  isDtype,
  numbersOf,
  relayout,
  sameShape,
  sizeOf,
  type Dtype,
  type HostArray,
} from "./layout.ts"
import type { OnnxBackendOptions, OnnxBackendStats } from "./options.ts"
import { replay, type TensorFunction } from "./replay.ts"

interface TensorData {
  refCount: number
  readonly dtype: tf.DataType
  /** Numeric tensors. */
  node: LazyNode | undefined
  /** String tensors: only stored, for tfjs' cpu kernels. */
  readonly strings: tf.BackendValues | undefined
}

/**
 * A tfjs backend that computes lazily: a kernel call only records a node; {@link flush}, `data()` and `dataSync()`
 * turn everything pending into one ONNX graph and run it. Sessions are kept by the structure of the graph.
 */
export class OnnxBackend extends tf.KernelBackend {
  readonly options: OnnxBackendOptions
  readonly #data: tf.DataStorage<TensorData>
  readonly #pending = new Set<TensorData>()
  readonly #execution: Execution
  #fallbacks = 0

  constructor(options: OnnxBackendOptions = {}) {
    super()
    this.options = options
    this.#data = new tf.DataStorage(this, tf.engine())
    this.#execution = new Execution(options)
  }

  get stats(): OnnxBackendStats {
    return { ...this.#execution.stats, fallbacks: this.#fallbacks }
  }

  /** The GPU in use; undefined while the processor computes. */
  get device(): Device | undefined {
    return this.#execution.device
  }

  /** Computes by another provider from now on. What is pending is computed before, and tensors come along. */
  use(provider: Provider): void {
    if ((provider === "webgpu") === (this.device !== undefined)) return
    this.flush()
    this.#execution.use(provider)
  }

  /** Counts a call that tfjs' cpu backend computed. */
  countFallback(): void {
    this.#fallbacks++
  }

  /** Records a kernel call; nothing is computed yet. `key` names everything `lower` depends on besides the inputs. */
  record(
    op: string,
    inputs: ReadonlyArray<tf.TensorInfo>,
    shape: ReadonlyArray<number>,
    dtype: Dtype,
    key: string,
    lower: Lower,
  ): tf.TensorInfo {
    if (sizeOf(shape) === 0) return this.constant(allocate(dtype, 0), shape, dtype)
    const nodes = inputs.map((t) => this.node(t))
    const text = `${op}(${key})${dtype}[${shape.join(",")}]`
    return this.#add(new LazyNode(op, text, nodes, shape, dtype, lower, undefined), true)
  }

  /** A tensor all of whose elements are `value`. */
  fill(shape: ReadonlyArray<number>, dtype: Dtype, value: number): tf.TensorInfo {
    const size = sizeOf(shape)
    if (size <= 1) return this.constant(allocate(dtype, size).fill(value), shape, dtype)
    const key = Object.is(value, -0) ? "-0" : String(value)
    const info = this.record("Fill", [], shape, dtype, key, (l) => {
      const g = l.graph
      return { name: g.emit("Expand", [g.scalar(value, dtype), g.ints(shape)]), layout: "plain" }
    })
    this.node(info).uniform = value
    return info
  }

  /** A tensor whose values are known; `data` becomes the backend's own. */
  constant(data: HostArray, shape: ReadonlyArray<number>, dtype: Dtype): tf.TensorInfo {
    return this.#add(leaf(data, shape, dtype, true), false)
  }

  /** The same values under another tensor (and, for strings only, another shape). */
  alias(x: tf.TensorInfo, shape: ReadonlyArray<number> = x.shape): tf.TensorInfo {
    this.#entry(x.dataId).refCount++
    return { dataId: x.dataId, shape: [...shape], dtype: x.dtype }
  }

  /**
   * What the host wrote, seen with another shape, in shared memory; undefined if the reshape is to be recorded. A
   * variable's is always recorded: its first value is the host's, the later ones are not.
   */
  reshapeKnown(x: tf.TensorInfo, shape: ReadonlyArray<number>): tf.TensorInfo | undefined {
    const node = this.node(x)
    const value = node.value
    if (value === undefined || !node.fromHost || node.isVariable || value.layout !== "plain") return undefined
    value.exclusive = false
    return this.#add(leaf(value.data, shape, node.dtype, false), false)
  }

  /** The node behind a numeric tensor. */
  node(x: tf.TensorInfo): LazyNode {
    const node = this.#entry(x.dataId).node
    if (node === undefined) throw new OnnxBackendError(`a ${x.dtype} tensor can't take part in a graph`)
    if (!sameShape(node.shape, x.shape)) {
      throw new OnnxBackendError(
        `tensor of shape [${x.shape.join()}] over data of shape [${node.shape.join()}]`,
      )
    }
    return node
  }

  /**
   * Computes everything that is pending and still referenced, as one graph.
   * @param wanted on a GPU: whose value is about to be read, and comes along.
   */
  flush(wanted?: LazyNode): Flushed | undefined {
    if (this.#pending.size === 0) return undefined
    const live = [...this.#pending].flatMap((entry) => entry.node ?? [])
    const flushed = this.#execution.compute(live, wanted)
    this.#pending.clear()
    this.#execution.settle()
    return flushed
  }

  /** See {@link replay}. */
  compiled(f: TensorFunction): TensorFunction {
    return replay(this, f)
  }

  /** Whether the tensor's values are with this backend. */
  holds(x: tf.TensorInfo): boolean {
    return this.#data.has(x.dataId)
  }

  /** Whether a flush can be computed again as it is. */
  keeps(flushed: Flushed): boolean {
    return this.#execution.keeps(flushed)
  }

  /** Computes a flush again; live nodes that `target` names data for become the values of that data. */
  runAgain(flushed: Flushed, target: (at: number) => object | undefined): void {
    this.#execution.run(flushed)
    for (const [at, node] of flushed.live.entries()) {
      const id = target(at)
      if (id === undefined) continue
      const entry = this.#entry(id)
      if (entry.node?.value !== undefined) this.#execution.release(entry.node.dtype, entry.node.value)
      node.isVariable = true
      entry.node = node
    }
    this.#execution.settle()
  }

  /** A tensor of a node that is computed. */
  adopt(node: LazyNode): tf.TensorInfo {
    return this.#add(node, false)
  }

  /** Lets all compiled graphs and spare arrays go, e.g. between two trainings: a session keeps its working memory. */
  release(): void {
    this.#execution.clear()
  }

  // --- what tfjs calls -------------------------------------------------------------------------------------------

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): object {
    const id = {}
    this.#store(id, values, shape, dtype, 1)
    return id
  }

  /** Takes a tensor over from another backend; what outlives a change of backends is taken for a variable. */
  override move(
    id: object,
    values: tf.BackendValues,
    shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    const node = this.#store(id, values, shape, dtype, refCount)
    if (node !== undefined) node.isVariable = true
  }

  override readSync(id: object): tf.BackendValues {
    const entry = this.#entry(id)
    const node = entry.node
    if (node === undefined) return entry.strings ?? []
    if (node.value === undefined) this.flush(node)
    const value = node.value
    if (value === undefined) throw new OnnxBackendError(`${node.op} was not computed`)
    if (value.layout !== "plain") return relayout(value.data, node.dtype, node.shape, value.layout, "plain")
    value.exclusive = false
    return value.data
  }

  override read(id: object): Promise<tf.BackendValues> {
    try {
      return Promise.resolve(this.readSync(id))
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new OnnxBackendError(String(error)))
    }
  }

  override disposeData(id: object, force = false): boolean {
    if (!this.#data.has(id)) return true
    const entry = this.#data.get(id)
    entry.refCount--
    if (!force && entry.refCount > 0) return false
    this.#pending.delete(entry)
    this.#data.delete(id)
    const node = entry.node
    if (node !== undefined) node.dropped = true
    if (node?.value !== undefined) this.#execution.release(node.dtype, node.value)
    if (this.#pending.size === 0) this.#execution.idle()
    return true
  }

  override refCount(id: object): number {
    return this.#data.has(id) ? this.#data.get(id).refCount : 0
  }

  /** tfjs calls this only when a tf.Variable takes the tensor as its value; kernels use {@link alias}. */
  override incRef(id: object): void {
    const entry = this.#entry(id)
    entry.refCount++
    const node = entry.node
    if (node === undefined) return
    node.isVariable = true
    // Zeros that start a variable (an optimizer's momentum) become data at once, so that the first step feeds them
    // as all later ones feed what it has become, and has the same structure.
    if (node.op === "Fill" && node.value === undefined) {
      const data = allocate(node.dtype, sizeOf(node.shape)).fill(
        Number(node.key.slice(5, node.key.indexOf(")"))),
      )
      const known = leaf(data, node.shape, node.dtype, true)
      known.isVariable = true
      entry.node = known
      this.#pending.delete(entry)
    }
  }

  override numDataIds(): number {
    return this.#data.numDataIds()
  }

  override memory(): { unreliable: boolean } {
    return { unreliable: false }
  }

  override floatPrecision(): 32 {
    return 32
  }

  override epsilon(): number {
    return 1e-7
  }

  override timerAvailable(): boolean {
    return true
  }

  override time(f: () => void): Promise<{ kernelMs: number }> {
    const start = performance.now()
    f()
    this.flush()
    return Promise.resolve({ kernelMs: performance.now() - start })
  }

  override dispose(): void {
    this.release()
    this.#pending.clear()
  }

  /** Copies the values: the program may reuse its array before the tensor is computed with. */
  #store(
    id: object,
    values: tf.BackendValues,
    shape: ReadonlyArray<number>,
    dtype: tf.DataType,
    refCount: number,
  ): LazyNode | undefined {
    if (dtype === "string") {
      this.#data.set(id, { refCount, dtype, node: undefined, strings: values })
      return undefined
    }
    if (!isDtype(dtype))
      throw new OnnxBackendError(`${dtype} tensors need another backend: tf.setBackend("cpu")`)
    const data = allocate(dtype, sizeOf(shape))
    data.set(numbersOf(values))
    const node = leaf(data, shape, dtype, true)
    this.#data.set(id, { refCount, dtype, node, strings: undefined })
    return node
  }

  #entry(id: object): TensorData {
    return this.#data.get(id)
  }

  #add(node: LazyNode, pending: boolean): tf.TensorInfo {
    const dataId = {}
    const entry: TensorData = { refCount: 1, dtype: node.dtype, node, strings: undefined }
    this.#data.set(dataId, entry)
    if (pending) this.#pending.add(entry)
    return { dataId, shape: [...node.shape], dtype: node.dtype }
  }
}
