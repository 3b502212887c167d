import type * as tf from "@tensorflow/tfjs"
import type { ElementArray } from "../onnx/element-types.ts"
import type { OnnxGraph } from "../onnx/graph.ts"
import { ModelExportError } from "./errors.ts"
import { permute } from "./permute.ts"

type Shape = ReadonlyArray<number | null>

/**
 * One layer on its way into an ONNX graph. Feature maps are [N, C, H, W] in the graph and [N, H, W, C] in `shapes`,
 * as tfjs has them; all else is the same in both.
 */
export class LayerCall {
  readonly graph: OnnxGraph
  readonly layer: tf.layers.Layer
  /** Names of the values it is applied to. */
  readonly inputs: ReadonlyArray<string>
  readonly shapes: ReadonlyArray<Shape>
  readonly config: tf.serialization.ConfigDict

  constructor(
    graph: OnnxGraph,
    layer: tf.layers.Layer,
    inputs: ReadonlyArray<string>,
    shapes: ReadonlyArray<Shape>,
  ) {
    this.graph = graph
    this.layer = layer
    this.inputs = inputs
    this.shapes = shapes
    this.config = layer.getConfig()
  }

  /** The error of a layer that has no counterpart. */
  refuse(why: string): ModelExportError {
    return new ModelExportError(
      `layer "${this.layer.name}" (${this.layer.getClassName()}) cannot be written as ONNX: ${why}`,
    )
  }

  /** Rank, with the batch. */
  get rank(): number {
    return this.shapes[0].length
  }

  /** A dimension of the first input, which must be fixed. */
  size(axis: number): number {
    const size = this.shapes[0][axis]
    if (typeof size === "number") return size
    throw this.refuse(`dimension ${axis} of its input is not fixed`)
  }

  /** An axis of the input as tfjs counts it (negative from the end) → the axis in the graph. */
  axis(axis: unknown): number {
    const given = Array.isArray(axis) ? axis[0] : axis
    if (typeof given !== "number" || (Array.isArray(axis) && axis.length !== 1))
      throw this.refuse(`it works along the axes ${JSON.stringify(axis)}`)
    const positive = given < 0 ? given + this.rank : given
    return this.rank === 4 ? [0, 2, 3, 1][positive] : positive
  }

  /** One of the layer's weights by its role ("kernel"), or undefined where it has none. */
  weight(role: string): tf.Tensor | undefined {
    const index = this.layer.weights.findIndex((weight) => weight.originalName.split("/").at(-1) === role)
    return index < 0 ? undefined : this.layer.getWeights()[index]
  }

  /** Adds a constant called after the layer. */
  constant(role: string, dims: ReadonlyArray<number>, data: ElementArray): string {
    return this.graph.initializer("float32", dims, data, `${this.layer.name}/${role}`)
  }

  /** Adds one of the layer's weights, permuted and reshaped where asked; undefined where the layer has none. */
  weightConstant(
    role: string,
    permutation?: ReadonlyArray<number>,
    dims?: ReadonlyArray<number>,
  ): string | undefined {
    const weight = this.weight(role)
    if (weight === undefined) return undefined
    const values = Float32Array.from(weight.dataSync())
    const { data, shape } =
      permutation === undefined
        ? { data: values, shape: weight.shape }
        : permute(values, weight.shape, permutation)
    return this.constant(role, dims ?? shape, data)
  }

  /** A vector per channel, or `fallback` everywhere. */
  channelConstant(role: string, channels: number, fallback: number): string {
    return (
      this.weightConstant(role) ?? this.constant(role, [channels], new Float32Array(channels).fill(fallback))
    )
  }

  number(key: string, fallback?: number): number {
    const value = this.config[key] ?? fallback
    if (typeof value === "number") return value
    throw this.refuse(`its setting ${key} is ${JSON.stringify(value)}`)
  }

  /** A pair of whole numbers, such as strides. */
  pair(key: string): readonly [number, number] {
    const value = this.config[key]
    const [a, b] = Array.isArray(value) ? value : [value, value]
    if (typeof a === "number" && typeof b === "number") return [a, b]
    throw this.refuse(`its setting ${key} is ${JSON.stringify(value)}`)
  }
}

/** Adds the nodes of a layer and returns the name of what it gives. */
export type Lower = (call: LayerCall) => string
