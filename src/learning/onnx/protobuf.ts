import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { ELEMENT_TYPE_CODES, type ElementArray, type ElementType } from "./element-types.ts"

/** A dimension: a size, or the name of one that is known only when the model runs. */
export type Dimension = number | string

/** A named constant tensor. */
export interface TensorRecord {
  readonly name: string
  readonly type: ElementType
  readonly dims: ReadonlyArray<number>
  readonly data: ElementArray
}

/** Type and shape of an input or output; without `dims` the rank is left open. */
export interface ValueRecord {
  readonly name: string
  readonly type: ElementType
  readonly dims?: ReadonlyArray<Dimension>
  /** What it holds, for people. */
  readonly doc?: string
}

/** What a model file says of itself besides the graph. */
export interface ModelDescription {
  readonly producerVersion?: string
  readonly doc?: string
  /** `metadata_props`, in the order given; keys are unique. */
  readonly metadata?: ReadonlyArray<readonly [string, string]>
}

/**
 * A node attribute. A bare number is an INT and must be whole; floats are written `{ float: 0.5 }`, so that
 * 1 never silently becomes the wrong kind.
 */
export type AttributeValue =
  | number
  | string
  | ReadonlyArray<number>
  | { readonly float: number }
  | { readonly floats: ReadonlyArray<number> }
  | { readonly strings: ReadonlyArray<string> }
  | { readonly tensor: Omit<TensorRecord, "name"> }
  | { readonly graph: GraphRecord }

/** Attributes of a node by name; `undefined` ones are left out. */
export type Attributes = { readonly [name: string]: AttributeValue | undefined }

/** One operator call. An empty string among `inputs` leaves out an optional input. */
export interface NodeRecord {
  readonly opType: string
  readonly name: string
  readonly domain: string
  readonly inputs: ReadonlyArray<string>
  readonly outputs: ReadonlyArray<string>
  readonly attributes: Attributes
}

/** A whole graph, in topological order. */
export interface GraphRecord {
  readonly name: string
  readonly nodes: ReadonlyArray<NodeRecord>
  readonly initializers: ReadonlyArray<TensorRecord>
  readonly inputs: ReadonlyArray<ValueRecord>
  readonly outputs: ReadonlyArray<ValueRecord>
}

const message = (writer: BinaryWriter, field: number, write: (writer: BinaryWriter) => void): void => {
  writer.tag(field, WireType.LengthDelimited).fork()
  write(writer)
  writer.join()
}
const text = (writer: BinaryWriter, field: number, value: string): void => {
  writer.tag(field, WireType.LengthDelimited).string(value)
}
const integer = (writer: BinaryWriter, field: number, value: number): void => {
  writer.tag(field, WireType.Varint).int64(value)
}

function writeTensor(writer: BinaryWriter, tensor: Omit<TensorRecord, "name">, name: string): void {
  for (const d of tensor.dims) integer(writer, 1, d)
  integer(writer, 2, ELEMENT_TYPE_CODES[tensor.type])
  if (name !== "") text(writer, 8, name)
  const { buffer, byteOffset, byteLength } = tensor.data
  writer.tag(9, WireType.LengthDelimited).bytes(new Uint8Array(buffer, byteOffset, byteLength))
}

/** AttributeProto: field numbers and the `type` codes (field 20) of onnx.proto. */
function writeAttribute(writer: BinaryWriter, name: string, value: AttributeValue): void {
  text(writer, 1, name)
  const kind = (code: number): void => integer(writer, 20, code)
  if (typeof value === "number") {
    integer(writer, 3, value)
    kind(2)
  } else if (typeof value === "string") {
    text(writer, 4, value)
    kind(3)
  } else if ("float" in value) {
    writer.tag(2, WireType.Bit32).float(value.float)
    kind(1)
  } else if ("floats" in value) {
    for (const x of value.floats) writer.tag(7, WireType.Bit32).float(x)
    kind(6)
  } else if ("strings" in value) {
    for (const x of value.strings) text(writer, 9, x)
    kind(8)
  } else if ("tensor" in value) {
    message(writer, 5, (w) => writeTensor(w, value.tensor, ""))
    kind(4)
  } else if ("graph" in value) {
    message(writer, 6, (w) => writeGraph(w, value.graph))
    kind(5)
  } else {
    for (const x of value) integer(writer, 8, x)
    kind(7)
  }
}

function writeNode(writer: BinaryWriter, node: NodeRecord): void {
  for (const x of node.inputs) text(writer, 1, x)
  for (const x of node.outputs) text(writer, 2, x)
  text(writer, 3, node.name)
  text(writer, 4, node.opType)
  for (const [name, value] of Object.entries(node.attributes)) {
    if (value !== undefined) message(writer, 5, (w) => writeAttribute(w, name, value))
  }
  if (node.domain !== "") text(writer, 7, node.domain)
}

function writeValueInfo(writer: BinaryWriter, value: ValueRecord): void {
  text(writer, 1, value.name)
  message(writer, 2, (type) =>
    message(type, 1, (tensorType) => {
      integer(tensorType, 1, ELEMENT_TYPE_CODES[value.type])
      const dims = value.dims
      if (dims === undefined) return
      message(tensorType, 2, (shape) => {
        for (const d of dims) {
          message(shape, 1, (w) => (typeof d === "number" ? integer(w, 1, d) : text(w, 2, d)))
        }
      })
    }),
  )
  if (value.doc !== undefined) text(writer, 3, value.doc)
}

function writeGraph(writer: BinaryWriter, graph: GraphRecord): void {
  for (const node of graph.nodes) message(writer, 1, (w) => writeNode(w, node))
  text(writer, 2, graph.name)
  for (const t of graph.initializers) message(writer, 5, (w) => writeTensor(w, t, t.name))
  for (const v of graph.inputs) message(writer, 11, (w) => writeValueInfo(w, v))
  for (const v of graph.outputs) message(writer, 12, (w) => writeValueInfo(w, v))
}

/** Serializes a ModelProto. Domains are (name, version) pairs; the standard operators' domain is "". */
export function encodeModel(
  graph: GraphRecord,
  irVersion: number,
  domains: ReadonlyArray<readonly [string, number]>,
  { producerVersion, doc, metadata = [] }: ModelDescription = {},
): Uint8Array<ArrayBuffer> {
  const writer = new BinaryWriter()
  integer(writer, 1, irVersion)
  text(writer, 2, "facet")
  if (producerVersion !== undefined) text(writer, 3, producerVersion)
  if (doc !== undefined) text(writer, 6, doc)
  message(writer, 7, (w) => writeGraph(w, graph))
  for (const [domain, version] of domains) {
    message(writer, 8, (w) => {
      text(w, 1, domain)
      integer(w, 2, version)
    })
  }
  for (const [key, value] of metadata) {
    message(writer, 14, (w) => {
      text(w, 1, key)
      text(w, 2, value)
    })
  }
  return writer.finish()
}
