import * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "../backend.ts"
import { MICROSOFT } from "../graph-builder.ts"
import type { LazyNode } from "../lazy-node.ts"
import { sizeOf } from "../layout.ts"
import { plain, type Lowered, type Lowering } from "../lowering.ts"
import { lowerBinary } from "./binary.ts"
import type { Kernel, KernelTable, Operand } from "./kernel.ts"
import { ACTIVATIONS } from "./unary.ts"

function lowerMatMul(l: Lowering, node: LazyNode, transposeA: boolean, transposeB: boolean): Lowered {
  const g = l.graph
  const [a, b] = node.inputs
  const x = l.plain(a)
  const y = l.plain(b)
  if (sizeOf(a.shape.slice(0, -2)) === 1 && sizeOf(b.shape.slice(0, -2)) === 1) {
    const product = g.gemm(
      g.reshape(x, a.shape.slice(-2)),
      g.reshape(y, b.shape.slice(-2)),
      transposeA,
      transposeB,
    )
    return plain(g.reshape(product, node.shape))
  }
  const attributes = { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0, alpha: { float: 1 } }
  return plain(g.emit("FusedMatMul", [x, y], attributes, { domain: MICROSOFT }))
}

/** Product of the last two dimensions; the others broadcast. */
function matMul(
  backend: OnnxBackend,
  a: Operand,
  b: Operand,
  transposeA: boolean,
  transposeB: boolean,
): tf.TensorInfo {
  const rows = a.shape.at(transposeA ? -1 : -2) ?? 1
  const columns = b.shape.at(transposeB ? -2 : -1) ?? 1
  const inner = a.shape.at(transposeA ? -2 : -1)
  const other = b.shape.at(transposeB ? -1 : -2)
  tf.util.assert(
    inner === other,
    () =>
      `matMul: inner dimensions ${inner} and ${other} of shapes [${a.shape.join()}] and [${b.shape.join()}] differ`,
  )
  const batch = tf.backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2))
  const key = `${transposeA ? "T" : ""},${transposeB ? "T" : ""}`
  return backend.record("BatchMatMul", [a, b], [...batch, rows, columns], "float32", key, (l, node) =>
    lowerMatMul(l, node, transposeA, transposeB),
  )
}

const batchMatMul: Kernel = (call) => {
  const a = call.operand("a")
  const b = call.operand("b")
  if (a.dtype !== "float32" || b.dtype !== "float32") return undefined
  return matMul(call.backend, a, b, call.flag("transposeA"), call.flag("transposeB"))
}

/** Adds a bias and applies an activation to `x`, which is disposed; undefined if the activation isn't known here. */
export function biasAndActivation(
  backend: OnnxBackend,
  x: tf.TensorInfo,
  bias: Operand | undefined,
  activation: string,
): tf.TensorInfo {
  let y = x
  if (bias !== undefined) {
    const sum = backend.record("Add", [y, bias], y.shape, "float32", "float32", (l, node) =>
      lowerBinary(l, node, (g, a, b) => g.emit("Add", [a, b])),
    )
    backend.disposeData(y.dataId)
    y = sum
  }
  if (activation !== "linear") {
    const emit = ACTIVATIONS[activation]
    const name = activation.charAt(0).toUpperCase() + activation.slice(1)
    const activated = backend.record(name, [y], y.shape, "float32", "float32", (l, node) => {
      const value = l.of(node.inputs[0])
      return { name: emit(l.graph, value.name), layout: value.layout }
    })
    backend.disposeData(y.dataId)
    y = activated
  }
  return y
}

const fusedMatMul: Kernel = (call) => {
  const a = call.operand("a")
  const b = call.operand("b")
  const activation = call.has("activation") ? call.text("activation") : "linear"
  if (a.dtype !== "float32" || b.dtype !== "float32") return undefined
  if (activation !== "linear" && !(activation in ACTIVATIONS)) return undefined
  const product = matMul(call.backend, a, b, call.flag("transposeA"), call.flag("transposeB"))
  return biasAndActivation(call.backend, product, call.optional("bias"), activation)
}

/** Matrix products. */
export const matMulKernels: KernelTable = { BatchMatMul: batchMatMul, _FusedMatMul: fusedMatMul }
