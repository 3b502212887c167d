import { elementArray, type ElementArray, type ElementType } from "./element-types.ts"
import {
  encodeModel,
  type Attributes,
  type AttributeValue,
  type Dimension,
  type GraphRecord,
  type ModelDescription,
  type NodeRecord,
  type TensorRecord,
  type ValueRecord,
} from "./protobuf.ts"

/** Opset of the standard operators that graphs are written for, and the IR version that goes with it. */
export const OPSET = 17
export const IR_VERSION = 8

/** A graph that can't be written: a name used twice, an undefined input, data that doesn't fill its shape. */
export class OnnxGraphError extends Error {
  readonly _tag = "OnnxGraphError"
}

/** Where a node comes from and how many results it has. */
export interface NodeOptions {
  /** Operator domain, e.g. "com.microsoft"; the standard one if left out. */
  readonly domain?: string
  /** Number of outputs (1 if left out). */
  readonly outputs?: number
  /** Names of the outputs, in place of generated ones. */
  readonly names?: ReadonlyArray<string>
  /** Name of the node itself, shown in errors and profiles; the first output's name if left out. */
  readonly label?: string
}

/**
 * Writes an ONNX model: inputs, constants and nodes are added in topological order, each call returns the name of
 * the value it made, `toBytes` gives the file. Opset {@link OPSET}; the domain com.microsoft (ONNX Runtime's own
 * operators) is declared when used.
 *
 * @example
 * const g = new OnnxGraph("scale")
 * const x = g.input("x", "float32", ["n", 3])
 * g.output(g.node("Mul", [x, g.initializer("float32", [], [2])]), "float32", ["n", 3])
 * const bytes = g.toBytes()
 */
export class OnnxGraph {
  readonly name: string
  readonly #nodes: Array<NodeRecord> = []
  readonly #initializers: Array<TensorRecord> = []
  readonly #inputs: Array<ValueRecord> = []
  readonly #outputs: Array<ValueRecord> = []
  readonly #known = new Set<string>()
  readonly #outer: (name: string) => boolean
  #next = 0

  /** `outer`: for the branches of If and Loop, tells which names the enclosing graph defines. */
  constructor(name = "graph", outer: (name: string) => boolean = () => false) {
    this.name = name
    this.#outer = outer
  }

  /** True if `name` is a value of this graph (or of the one around it). */
  has(name: string): boolean {
    return this.#known.has(name) || this.#outer(name)
  }

  /** Declares an input. A dimension may be a string: a size that is known only when the model runs. */
  input(name: string, type: ElementType, dims: ReadonlyArray<Dimension>, doc?: string): string {
    this.#define(name)
    this.#inputs.push({ name, type, dims, ...(doc === undefined ? {} : { doc }) })
    return name
  }

  /** Adds a constant; row-major data whose length is the product of `dims`. */
  initializer(
    type: ElementType,
    dims: ReadonlyArray<number>,
    data: ElementArray | ReadonlyArray<number>,
    name: string = this.#fresh("c"),
  ): string {
    const size = dims.reduce((a, d) => a * d, 1)
    if (data.length !== size) {
      throw new OnnxGraphError(
        `constant ${name}: ${data.length} values for shape [${dims.join(", ")}], which holds ${size}`,
      )
    }
    const array = isPlain(data) ? elementArray(type, data) : data
    this.#define(name)
    this.#initializers.push({ name, type, dims, data: array })
    return name
  }

  /** Adds a node with one output and returns the output's name. "" among the inputs leaves an optional one out. */
  node(
    opType: string,
    inputs: ReadonlyArray<string>,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): string {
    return this.nodes(opType, inputs, attributes, options)[0]
  }

  /** Like {@link node}, for operators with several outputs (`options.outputs`, or as many as `options.names`). */
  nodes(
    opType: string,
    inputs: ReadonlyArray<string>,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): ReadonlyArray<string> {
    for (const x of inputs) {
      if (x !== "" && !this.has(x)) throw new OnnxGraphError(`${opType}: input "${x}" is not defined yet`)
    }
    for (const [key, value] of Object.entries(attributes)) checkAttribute(opType, key, value)
    const outputs = options.names ?? Array.from({ length: options.outputs ?? 1 }, () => this.#fresh("t"))
    for (const x of outputs) this.#define(x)
    this.#nodes.push({
      opType,
      name: options.label ?? outputs[0],
      domain: options.domain ?? "",
      inputs,
      outputs,
      attributes,
    })
    return outputs
  }

  /** Makes a value an output. Element type and dims may be left to the runtime's inference (dims only). */
  output(name: string, type: ElementType = "float32", dims?: ReadonlyArray<Dimension>, doc?: string): string {
    if (!this.has(name)) throw new OnnxGraphError(`output "${name}" is not defined`)
    if (this.#outputs.some((o) => o.name === name))
      throw new OnnxGraphError(`output "${name}" is given twice`)
    this.#outputs.push({
      name,
      type,
      ...(dims === undefined ? {} : { dims }),
      ...(doc === undefined ? {} : { doc }),
    })
    return name
  }

  /** The graph as plain records; what an attribute `{ graph }` takes. */
  toRecord(): GraphRecord {
    return {
      name: this.name,
      nodes: this.#nodes,
      initializers: this.#initializers,
      inputs: this.#inputs,
      outputs: this.#outputs,
    }
  }

  /** The model as the bytes of an .onnx file; the same calls give the same bytes. */
  toBytes(description: ModelDescription = {}): Uint8Array<ArrayBuffer> {
    if (this.#outputs.length === 0) throw new OnnxGraphError(`graph ${this.name} has no output`)
    const domains: Array<readonly [string, number]> = [["", OPSET]]
    for (const domain of usedDomains(this.toRecord())) domains.push([domain, 1])
    return encodeModel(this.toRecord(), IR_VERSION, domains, description)
  }

  #fresh(prefix: string): string {
    let name: string
    do name = `${prefix}${this.#next++}`
    while (this.has(name))
    return name
  }

  #define(name: string): void {
    if (name === "") throw new OnnxGraphError("a value needs a name")
    if (this.has(name)) throw new OnnxGraphError(`value "${name}" is defined twice`)
    this.#known.add(name)
  }
}

function checkAttribute(opType: string, key: string, value: AttributeValue | undefined): void {
  if (typeof value !== "number" && !isIntegers(value)) return
  const wrong = (typeof value === "number" ? [value] : value).find((v) => !Number.isSafeInteger(v))
  if (wrong === undefined) return
  throw new OnnxGraphError(
    `${opType}.${key}: a bare number is an integer attribute, got ${wrong}; write { float: … } or { floats: … }`,
  )
}

const isPlain = (data: ElementArray | ReadonlyArray<number>): data is ReadonlyArray<number> =>
  Array.isArray(data)
const isIntegers = (value: AttributeValue | undefined): value is ReadonlyArray<number> => Array.isArray(value)

function usedDomains(graph: GraphRecord): ReadonlyArray<string> {
  const found = new Set<string>()
  const visit = (g: GraphRecord): void => {
    for (const n of g.nodes) {
      if (n.domain !== "") found.add(n.domain)
      for (const a of Object.values(n.attributes)) if (typeof a === "object" && "graph" in a) visit(a.graph)
    }
  }
  visit(graph)
  return [...found].sort()
}
