import type * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "../backend.ts"
import { OnnxBackendError } from "../errors.ts"
import { isDtype, type Dtype } from "../layout.ts"

/** Records one kernel call; `undefined` leaves it to tfjs' cpu kernel. */
export type Kernel = (call: KernelCall) => tf.TensorInfo | Array<tf.TensorInfo> | undefined

/** Kernels by tfjs name. */
export type KernelTable = { readonly [name: string]: Kernel }

/** A numeric tensor. */
export interface Operand extends tf.TensorInfo {
  readonly dtype: Dtype
}

const isOperand = (t: tf.TensorInfo): t is Operand => isDtype(t.dtype)

/** The arguments of a kernel call, checked as they are read. */
export class KernelCall {
  readonly name: string
  readonly backend: OnnxBackend
  readonly #inputs: tf.NamedTensorInfoMap
  readonly #attrs: tf.NamedAttrMap

  constructor(name: string, backend: OnnxBackend, inputs: tf.NamedTensorInfoMap, attrs: tf.NamedAttrMap) {
    this.name = name
    this.backend = backend
    this.#inputs = inputs
    this.#attrs = attrs
  }

  /** All inputs, in order. */
  operands(): ReadonlyArray<Operand> {
    return Object.values(this.#inputs).flatMap((t) => (t === undefined ? [] : [this.#check(t)]))
  }

  operand(key: string): Operand {
    const t = this.#inputs[key]
    if (t === undefined) throw new OnnxBackendError(`${this.name}: input ${key} is missing`)
    return this.#check(t)
  }

  optional(key: string): Operand | undefined {
    const t = this.#inputs[key]
    return t === undefined || t === null ? undefined : this.#check(t)
  }

  has(attr: string): boolean {
    return this.#attrs[attr] !== undefined && this.#attrs[attr] !== null
  }

  /** The attribute as tfjs passed it. */
  raw(attr: string): unknown {
    return this.#attrs[attr]
  }

  number(attr: string): number {
    const value = this.#attrs[attr]
    if (typeof value === "number") return value
    throw new OnnxBackendError(`${this.name}: attribute ${attr} must be a number, got ${typeof value}`)
  }

  flag(attr: string): boolean {
    return this.#attrs[attr] === true
  }

  text(attr: string): string {
    const value = this.#attrs[attr]
    if (typeof value === "string") return value
    throw new OnnxBackendError(`${this.name}: attribute ${attr} must be a string, got ${typeof value}`)
  }

  /** A list of numbers; a lone number counts as a list of one. */
  numbers(attr: string): Array<number> {
    const value: unknown = this.#attrs[attr]
    if (typeof value === "number") return [value]
    if (isNumbers(value)) return [...value]
    throw new OnnxBackendError(`${this.name}: attribute ${attr} must be numbers`)
  }

  /** A list of number pairs (paddings). */
  pairs(attr: string): Array<[number, number]> {
    const value: unknown = this.#attrs[attr]
    if (Array.isArray(value)) {
      return value.map((pair: unknown) => {
        if (isNumbers(pair) && pair.length === 2) return [pair[0], pair[1]]
        throw new OnnxBackendError(`${this.name}: attribute ${attr} must be pairs of numbers`)
      })
    }
    throw new OnnxBackendError(`${this.name}: attribute ${attr} must be pairs of numbers`)
  }

  #check(t: tf.TensorInfo): Operand {
    if (isOperand(t)) return t
    throw new OnnxBackendError(`${this.name}: ${t.dtype} tensors can't take part in a graph`)
  }
}

const isNumbers = (value: unknown): value is ReadonlyArray<number> =>
  Array.isArray(value) && value.every((v) => typeof v === "number")
