import { BinaryReader, WireType } from "@bufbuild/protobuf/wire"

/** What the tests want to know of an ONNX file. */
export interface OnnxFile {
  readonly irVersion: number
  readonly opsets: Readonly<Record<string, number>>
  readonly metadata: Readonly<Record<string, string>>
  readonly docs: Readonly<Record<string, string>>
  /** By name: the dimensions, numbers or names. */
  readonly inputs: Readonly<Record<string, ReadonlyArray<number | string>>>
  readonly outputs: Readonly<Record<string, ReadonlyArray<number | string>>>
  readonly nodes: ReadonlyArray<{ readonly op: string; readonly domain: string; readonly name: string }>
  readonly initializers: ReadonlyArray<string>
}

type Kind = "int" | "text" | "bytes" | "float" | Message
type Message = () => Readonly<Record<number, readonly [string, Kind]>>
type Value = number | string | Uint8Array | Node
type Node = { readonly [field: string]: ReadonlyArray<Value> }

// Of onnx.proto (IR 8): the fields that may occur in files without sparse tensors, functions and training.
const entry: Message = () => ({ 1: ["key", "text"], 2: ["value", "text"] })
const tensor: Message = () => ({
  1: ["dims", "int"],
  2: ["type", "int"],
  8: ["name", "text"],
  9: ["raw", "bytes"],
})
const attribute: Message = () => ({
  1: ["name", "text"],
  2: ["f", "float"],
  3: ["i", "int"],
  4: ["s", "text"],
  5: ["t", tensor],
  6: ["g", graph],
  7: ["floats", "float"],
  8: ["ints", "int"],
  9: ["strings", "text"],
  20: ["type", "int"],
})
const node: Message = () => ({
  1: ["input", "text"],
  2: ["output", "text"],
  3: ["name", "text"],
  4: ["op", "text"],
  5: ["attribute", attribute],
  6: ["doc", "text"],
  7: ["domain", "text"],
})
const dimension: Message = () => ({ 1: ["value", "int"], 2: ["param", "text"] })
const shape: Message = () => ({ 1: ["dim", dimension] })
const tensorType: Message = () => ({ 1: ["elem", "int"], 2: ["shape", shape] })
const type: Message = () => ({ 1: ["tensor", tensorType] })
const valueInfo: Message = () => ({ 1: ["name", "text"], 2: ["type", type], 3: ["doc", "text"] })
const graph: Message = () => ({
  1: ["node", node],
  2: ["name", "text"],
  5: ["initializer", tensor],
  10: ["doc", "text"],
  11: ["input", valueInfo],
  12: ["output", valueInfo],
})
const opset: Message = () => ({ 1: ["domain", "text"], 2: ["version", "int"] })
const model: Message = () => ({
  1: ["ir", "int"],
  2: ["producer", "text"],
  3: ["producerVersion", "text"],
  6: ["doc", "text"],
  7: ["graph", graph],
  8: ["opset", opset],
  14: ["metadata", entry],
})

const WIRE = { int: WireType.Varint, float: WireType.Bit32 } as const

const parse = (bytes: Uint8Array, message: Message): Node => {
  const reader = new BinaryReader(bytes)
  const fields = message()
  const found: Record<string, Array<Value>> = {}
  while (reader.pos < reader.len) {
    const [number, wire] = reader.tag()
    const field = fields[number]
    if (field === undefined) throw new Error(`field ${number} is none of ${JSON.stringify(fields)}`)
    const [name, kind] = field
    const expected = kind === "int" || kind === "float" ? WIRE[kind] : WireType.LengthDelimited
    if (wire !== expected) throw new Error(`field ${name} has wire type ${wire}, not ${expected}`)
    const value =
      kind === "int"
        ? Number(reader.int64())
        : kind === "float"
          ? reader.float()
          : kind === "text"
            ? reader.string()
            : kind === "bytes"
              ? reader.bytes()
              : parse(reader.bytes(), kind)
    ;(found[name] ??= []).push(value)
  }
  return found
}

const children = (parent: Node, field: string): ReadonlyArray<Node> =>
  (parent[field] ?? []).map((child) => {
    if (typeof child === "object" && !(child instanceof Uint8Array)) return child
    throw new Error(`${field} is no message`)
  })
const text = (parent: Node, field: string): string => {
  const value = parent[field]?.[0] ?? ""
  if (typeof value === "string") return value
  throw new Error(`${field} is no text`)
}
const dims = (value: Node): ReadonlyArray<number | string> =>
  children(value, "type")
    .flatMap((t) => children(t, "tensor"))
    .flatMap((t) => children(t, "shape"))
    .flatMap((s) => children(s, "dim"))
    .map((d) => {
      const found = d["value"]?.[0] ?? d["param"]?.[0]
      if (typeof found === "number" || typeof found === "string") return found
      throw new Error("a dimension without a size")
    })

/** Reads an ONNX file by its schema; an unknown field or a wrong wire type is an error. */
export const readOnnx = (bytes: Uint8Array): OnnxFile => {
  const file = parse(bytes, model)
  const [main] = children(file, "graph")
  const values = [...children(main, "input"), ...children(main, "output")]
  return {
    irVersion: Number(file["ir"]?.[0]),
    opsets: Object.fromEntries(
      children(file, "opset").map((o) => [text(o, "domain"), Number(o["version"]?.[0])]),
    ),
    metadata: Object.fromEntries(children(file, "metadata").map((m) => [text(m, "key"), text(m, "value")])),
    docs: Object.fromEntries(values.map((v) => [text(v, "name"), text(v, "doc")])),
    inputs: Object.fromEntries(children(main, "input").map((v) => [text(v, "name"), dims(v)])),
    outputs: Object.fromEntries(children(main, "output").map((v) => [text(v, "name"), dims(v)])),
    nodes: children(main, "node").map((n) => ({
      op: text(n, "op"),
      domain: text(n, "domain"),
      name: text(n, "name"),
    })),
    initializers: children(main, "initializer").map((t) => text(t, "name")),
  }
}
