import type { ElementArray, ElementType } from "../onnx/element-types.ts"
import { OnnxGraph } from "../onnx/graph.ts"
import type { Attributes } from "../onnx/protobuf.ts"
import { sameShape, sizeOf } from "./layout.ts"

interface PendingNode {
  readonly op: string
  readonly inputs: ReadonlyArray<string>
  readonly outputs: ReadonlyArray<string>
  readonly attributes: Attributes
  readonly domain: string
  readonly label: string
  /** Names that only a branch of the node reads. */
  readonly captured: ReadonlyArray<string>
}
interface Constant {
  readonly name: string
  readonly type: ElementType
  readonly dims: ReadonlyArray<number>
  readonly data: ElementArray
}

/** What a node needs beyond operator, inputs and attributes. */
export interface EmitOptions {
  readonly domain?: string
  readonly captured?: ReadonlyArray<string>
}

/** Another way to say an operator, by its result; undefined leaves it as it is. May emit nodes itself. */
export type Rewrite = (
  g: GraphBuilder,
  op: string,
  inputs: ReadonlyArray<string>,
  attributes: Attributes,
) => string | undefined

/** ONNX Runtime's own operators. */
export const MICROSOFT = "com.microsoft"

/**
 * Collects the nodes of one compiled graph. Equal calls give one node, chains of Reshape collapse, equal constants
 * are stored once, and what no output needs is dropped when the graph is written.
 */
export class GraphBuilder {
  /** Name of the tfjs kernel being lowered; labels the nodes, so that errors and profiles can be read. */
  scope = ""
  readonly #nodes: Array<PendingNode> = []
  readonly #constants = new Map<string, Constant>()
  readonly #inputs: Array<{ name: string; type: ElementType; dims: ReadonlyArray<number> }> = []
  readonly #outputs: Array<{ name: string; type: ElementType; dims: ReadonlyArray<number> }> = []
  readonly #memo = new Map<string, string>()
  /** Result of a Reshape → what was reshaped. */
  readonly #reshaped = new Map<string, string>()
  readonly #shapes = new Map<string, ReadonlyArray<number>>()
  readonly #defined = new Set<string>()
  /** Results of nodes that are not outputs yet. */
  readonly #computed = new Set<string>()
  /** False where an If is expensive: a GPU has to come to a stop for its condition. */
  readonly branches: boolean
  readonly #rewrite: Rewrite | undefined
  #next = 0

  /** @param rewrite operators that the provider is not to be given as they are. */
  constructor(rewrite?: Rewrite) {
    this.#rewrite = rewrite
    this.branches = rewrite === undefined
  }

  /** Declares a graph input. */
  input(name: string, type: ElementType, dims: ReadonlyArray<number>): string {
    this.#inputs.push({ name, type, dims })
    this.#defined.add(name)
    this.#shapes.set(name, dims)
    return name
  }

  /** Declares an output; a value that is an input, a constant or already an output is copied. */
  output(name: string, type: ElementType, dims: ReadonlyArray<number>): string {
    const own = this.#computed.has(name) ? name : this.#add("Identity", [name], {}, {})
    this.#computed.delete(own)
    this.#outputs.push({ name: own, type, dims })
    return own
  }

  /** True if `name` is one of this graph's values. */
  has(name: string): boolean {
    return this.#defined.has(name)
  }

  /** One ONNX node with one result. */
  emit(
    op: string,
    inputs: ReadonlyArray<string>,
    attributes: Attributes = {},
    options: EmitOptions = {},
  ): string {
    if (options.captured !== undefined) return this.#add(op, inputs, attributes, options)
    const key = `${op}|${inputs.join(",")}|${JSON.stringify(attributes)}`
    const known = this.#memo.get(key)
    if (known !== undefined) return known
    const name = this.#rewrite?.(this, op, inputs, attributes) ?? this.#add(op, inputs, attributes, options)
    this.#memo.set(key, name)
    return name
  }

  /** Integer list, as Reshape, Slice, Pad and Reduce take it. */
  ints(values: ReadonlyArray<number>): string {
    return this.constant(`i${values.join(",")}`, "int64", [values.length], () =>
      BigInt64Array.from(values, BigInt),
    )
  }

  /** A constant scalar (rank 0). */
  scalar(value: number, type: "float32" | "int32" | "bool" | "float64" = "float32"): string {
    return this.constant(`s${type}${Object.is(value, -0) ? "-0" : value}`, type, [], () =>
      type === "float32"
        ? Float32Array.of(value)
        : type === "int32"
          ? Int32Array.of(value)
          : type === "bool"
            ? Uint8Array.of(value === 0 ? 0 : 1)
            : Float64Array.of(value),
    )
  }

  /** A constant, built once per `key`. */
  constant(key: string, type: ElementType, dims: ReadonlyArray<number>, build: () => ElementArray): string {
    const known = this.#constants.get(key)
    if (known !== undefined) return known.name
    const name = `c${this.#next++}`
    this.#constants.set(key, { name, type, dims, data: build() })
    this.#defined.add(name)
    this.#shapes.set(name, dims)
    return name
  }

  /** Tells the shape of a value, so that needless reshapes can be left out. */
  noteShape(name: string, shape: ReadonlyArray<number>): void {
    if (!this.#shapes.has(name)) this.#shapes.set(name, shape)
  }

  /** The shape of a value, where it is known. */
  shapeOf(name: string): ReadonlyArray<number> | undefined {
    return this.#shapes.get(name)
  }

  reshape(x: string, shape: ReadonlyArray<number>): string {
    const root = this.#reshaped.get(x) ?? x
    const known = this.#shapes.get(root)
    if (known !== undefined && sameShape(known, shape)) return root
    const name = this.emit("Reshape", [root, this.ints(shape)], { allowzero: 1 })
    this.#reshaped.set(name, root)
    this.noteShape(name, shape)
    return name
  }

  /**
   * What `x` is a Reshape of, where its shape is known: the same elements in the same order. As an output that spares a
   * copy, since a Reshape can't share memory with an output.
   */
  unshaped(x: string): { readonly name: string; readonly dims: ReadonlyArray<number> } | undefined {
    const root = this.#reshaped.get(x)
    const dims = root === undefined ? undefined : this.#shapes.get(root)
    return root === undefined || dims === undefined || !this.#computed.has(root)
      ? undefined
      : { name: root, dims }
  }

  transpose(x: string, perm: ReadonlyArray<number>): string {
    return perm.every((p, i) => p === i) ? x : this.emit("Transpose", [x], { perm })
  }

  /** x[begin : end : step] along `axes`. */
  slice(
    x: string,
    begin: ReadonlyArray<number>,
    end: ReadonlyArray<number>,
    axes: ReadonlyArray<number>,
    steps?: ReadonlyArray<number>,
  ): string {
    const inputs = [x, this.ints(begin), this.ints(end), this.ints(axes)]
    return this.emit("Slice", steps === undefined ? inputs : [...inputs, this.ints(steps)])
  }

  /** Matrix product of rank-2 values. */
  gemm(a: string, b: string, transposeA = false, transposeB = false): string {
    return transposeA || transposeB
      ? this.emit("Gemm", [a, b], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 })
      : this.emit("MatMul", [a, b])
  }

  /** Names of the nodes, those of branches too, that were emitted while `scope` was one of these. */
  namesIn(scopes: ReadonlySet<string>): ReadonlyArray<string> {
    return this.#nodes
      .filter((node) => scopes.has(node.label.slice(0, node.label.lastIndexOf("/"))))
      .flatMap(({ label, attributes }) => [
        label,
        ...Object.values(attributes).flatMap((a) =>
          typeof a === "object" && "graph" in a ? a.graph.nodes.map((n) => n.name) : [],
        ),
      ])
  }

  /** Writes the graph. `usedInputs` are the inputs that some output depends on. */
  finish(): { readonly bytes: Uint8Array; readonly usedInputs: ReadonlySet<string>; readonly nodes: number } {
    const needed = new Set(this.#outputs.map((o) => o.name))
    const kept: Array<PendingNode> = []
    for (const node of this.#nodes.toReversed()) {
      if (!node.outputs.some((o) => needed.has(o))) continue
      kept.push(node)
      for (const x of node.inputs) needed.add(x)
      for (const x of node.captured) needed.add(x)
    }
    const graph = new OnnxGraph("step")
    for (const i of this.#inputs) if (needed.has(i.name)) graph.input(i.name, i.type, i.dims)
    for (const c of this.#constants.values()) {
      if (needed.has(c.name)) graph.initializer(c.type, c.dims, c.data, c.name)
    }
    for (const n of kept.toReversed()) {
      graph.nodes(n.op, n.inputs, n.attributes, { domain: n.domain, names: n.outputs, label: n.label })
    }
    for (const o of this.#outputs) graph.output(o.name, o.type, o.dims)
    return { bytes: graph.toBytes(), usedInputs: needed, nodes: kept.length }
  }

  /** Flattens to one dimension. */
  flatten(x: string, shape: ReadonlyArray<number>): string {
    return this.reshape(x, [sizeOf(shape)])
  }

  #add(op: string, inputs: ReadonlyArray<string>, attributes: Attributes, options: EmitOptions): string {
    const name = `t${this.#next++}`
    this.#computed.add(name)
    this.#defined.add(name)
    this.#nodes.push({
      op,
      inputs,
      outputs: [name],
      attributes,
      domain: options.domain ?? "",
      label: `${this.scope}/${name}`,
      captured: options.captured ?? [],
    })
    return name
  }
}
