import { beforeAll, describe, expect, it } from "vitest"
import * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "../../../src/learning/onnx-backend/backend.ts"
import { GraphBuilder, MICROSOFT } from "../../../src/learning/onnx-backend/graph-builder.ts"
import { KERNELS, registerOnnxBackend } from "../../../src/learning/onnx-backend/register.ts"
import { allTrials, difference } from "../../../src/learning/onnx-backend/self-test/self-test.ts"
import { webgpuForm } from "../../../src/learning/onnx-backend/webgpu-forms.ts"
import type { Attributes } from "../../../src/learning/onnx/protobuf.ts"
import { createSession, onnxTensor, type OnnxTensor } from "../../../src/learning/onnx/session.ts"

type Type = "float32" | "bool"

/** What one operator gives on the processor, as it is or in the form for a GPU, and whether its name is in the file. */
function run(
  form: "as it is" | "for a GPU",
  type: Type,
  op: string,
  shapes: Array<Array<number>>,
  result: Array<number>,
  attributes: Attributes,
) {
  const g = new GraphBuilder(form === "for a GPU" ? webgpuForm : undefined)
  const feeds: Record<string, OnnxTensor> = {}
  const names = shapes.map((dims, i) => {
    const name = g.input(`x${i}`, type, dims)
    const reals = Float32Array.from({ length: tf.util.sizeFromShape(dims) }, (_, j) =>
      Math.sin(7 * i + 1.3 * j),
    )
    feeds[name] =
      type === "bool"
        ? onnxTensor(
            "bool",
            Uint8Array.from(reals, (v) => (v > 0 ? 1 : 0)),
            dims,
          )
        : onnxTensor("float32", reals, dims)
    return name
  })
  const domain = op.startsWith("Fused") ? MICROSOFT : ""
  const y = g.emit(op, names, attributes, { domain })
  const output = g.output(y, type, result)
  const { bytes } = g.finish()
  const session = createSession(bytes, { optimization: "disabled" })
  const { data } = session.run(feeds)[output]
  session.dispose()
  return { values: [Array.from(data, Number)], named: Buffer.from(bytes).includes(op) }
}

const conv = { group: 3, kernel_shape: [1, 1] }
const map = [1, 3, 2, 4]
const product = (transA: number, transB: number): Attributes => ({ transA, transB, alpha: { float: 1 } })

/** What it is, element type, operator, shapes of operands and result, attributes. */
type Operator = readonly [
  name: string,
  type: Type,
  op: string,
  shapes: Array<Array<number>>,
  result: Array<number>,
  attributes: Attributes,
]

const affine = [map, [3, 1, 1, 1], [3], map]
const batch = (a: Array<number>, b: Array<number>) => [
  [2, ...a],
  [2, ...b],
]
const OPERATORS: ReadonlyArray<Operator> = [
  ["a convolution with a sum and relu", "float32", "FusedConv", affine, map, { ...conv, activation: "Relu" }],
  ["a convolution with a sum", "float32", "FusedConv", affine, map, conv],
  ["a product A B", "float32", "FusedMatMul", batch([3, 4], [4, 5]), [2, 3, 5], product(0, 0)],
  ["a product A Bᵀ", "float32", "FusedMatMul", batch([3, 4], [5, 4]), [2, 3, 5], product(0, 1)],
  ["a product Aᵀ B", "float32", "FusedMatMul", batch([4, 3], [4, 5]), [2, 3, 5], product(1, 0)],
  ["a product Aᵀ Bᵀ", "float32", "FusedMatMul", batch([4, 3], [5, 4]), [2, 3, 5], product(1, 1)],
  ["products of rows", "float32", "FusedMatMul", batch([1, 7], [1, 7]), [2, 1, 1], product(0, 1)],
  ["a sum of three", "float32", "Sum", batch([3], [3]).concat([[2, 3]]), [2, 3], {}],
  ["or", "bool", "Or", [[2, 9], [9]], [2, 9], {}],
  ["log-softmax", "float32", "LogSoftmax", [[4, 5]], [4, 5], { axis: -1 }],
]

describe("operators in the form for a GPU", () => {
  it.each(OPERATORS)(
    "%s: the same numbers without the operator",
    (_, type, op, shapes, result, attributes) => {
      const usual = run("as it is", type, op, shapes, result, attributes)
      const other = run("for a GPU", type, op, shapes, result, attributes)
      expect(usual.named).toBe(true)
      expect(other.named).toBe(false)
      expect(difference(other.values, usual.values)).toBeLessThan(1e-6)
      expect(new Set(usual.values[0]).size).toBeGreaterThan(1)
    },
  )
})

describe("the trials of the self-test", () => {
  let backend: OnnxBackend
  const told: Array<string> = []
  beforeAll(async () => {
    backend = await registerOnnxBackend({ warn: (message) => told.push(message) })
  })

  /** Kernels that compute nothing, or by others that are tested. */
  const WITHOUT = ["ExpandDims", "Identity", "OnesLike", "Pack", "Range", "SplitV", "Unpack", "ZerosLike"]

  it("are of every kernel", () => {
    const names = tf.tidy(() => {
      const tested = new Set(allTrials().map(({ name }) => name))
      return Object.keys(KERNELS)
        .filter((name) => !tested.has(name))
        .toSorted()
        .join(" ")
    })
    expect(names).toBe(WITHOUT.join(" "))
  })

  it("run on the processor by lowerings alone, and give numbers that differ", () => {
    const before = backend.stats.fallbacks
    tf.tidy(() => {
      for (const { name, form, run: trial } of allTrials()) {
        const values = trial().flatMap((t) => Array.from(t.dataSync()))
        const constant = name === "Fill" || values.length === 1
        expect([name, form, values.length > 0 && (constant || new Set(values).size > 1)]).toEqual([
          name,
          form,
          true,
        ])
      }
    })
    expect(backend.stats.fallbacks - before).toBe(0)
    expect(told).toEqual([])
  })

  it("are told apart by the largest difference, not-a-number and infinity included", () => {
    expect(difference([[1, 2]], [[1, 2]])).toBe(0)
    expect(difference([[1, 2.5]], [[1, 2]])).toBeCloseTo(0.25)
    expect(difference([[NaN]], [[NaN]])).toBe(0)
    expect(difference([[NaN, 1]], [[0, 1]])).toBe(Number.POSITIVE_INFINITY)
    expect(difference([[1, 1]], [[Number.POSITIVE_INFINITY, 1]])).toBe(Number.POSITIVE_INFINITY)
  })
})
