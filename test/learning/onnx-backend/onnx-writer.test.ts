import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { OnnxGraph, OnnxGraphError } from "../../../src/learning/onnx/graph.ts"
import {
  createSession,
  float32Data,
  onnxTensor,
  OnnxRuntimeError,
} from "../../../src/learning/onnx/session.ts"

describe("OnnxGraph", () => {
  it("runs a model with symbolic dimensions, constants, optional inputs and float attributes", () => {
    const g = new OnnxGraph()
    const x = g.input("x", "float32", ["n", 2])
    const clipped = g.node("Clip", [x, "", g.initializer("float32", [], [3])])
    const leaky = g.node("LeakyRelu", [clipped], { alpha: { float: 0.5 } })
    g.output(leaky, "float32", ["n", 2])
    const session = createSession(g.toBytes())
    for (const n of [1, 3]) {
      const data = Float32Array.from({ length: 2 * n }, (_, i) => (i % 2 === 0 ? -i - 1 : i + 2.5))
      const out = session.run({ x: onnxTensor("float32", data, [n, 2]) })[leaky]
      expect(Array.from(float32Data(out))).toEqual(Array.from(data, (v) => (v < 0 ? v / 2 : Math.min(v, 3))))
      expect(out?.dims).toEqual([n, 2])
    }
    session.dispose()
  })

  it("writes negative and large integers (varints) as ONNX reads them", () => {
    fc.assert(
      fc.property(fc.array(fc.maxSafeInteger(), { minLength: 1, maxLength: 5 }), (values) => {
        const g = new OnnxGraph()
        g.output(
          g.node("Identity", [g.initializer("int64", [values.length], values)], {}, { names: ["y"] }),
          "int64",
        )
        g.output(g.node("Constant", [], { value_ints: values }, { names: ["z"] }), "int64")
        const session = createSession(g.toBytes())
        const out = session.run({})
        expect(Array.from(out["y"]?.data ?? [], Number)).toEqual(values.map((v) => v + 0))
        expect(Array.from(out["z"]?.data ?? [], Number)).toEqual(values.map((v) => v + 0))
        session.dispose()
      }),
      { numRuns: 20 },
    )
  })

  it("writes branches (graph attributes) and com.microsoft operators", () => {
    const g = new OnnxGraph()
    const x = g.input("x", "float32", [1, 2])
    const c = g.input("c", "bool", [])
    const branch = (op: string): { readonly graph: ReturnType<OnnxGraph["toRecord"]> } => {
      const b = new OnnxGraph(op, (name) => g.has(name))
      b.output(b.node(op, [x], {}, { names: [`${op}_y`] }))
      return { graph: b.toRecord() }
    }
    const picked = g.node("If", [c], { then_branch: branch("Neg"), else_branch: branch("Relu") })
    g.output(g.node("FusedMatMul", [picked, x], { transB: 1 }, { domain: "com.microsoft", names: ["y"] }))
    const session = createSession(g.toBytes())
    const run = (flag: number): number =>
      Number(
        session.run({
          x: onnxTensor("float32", Float32Array.of(-3, 2), [1, 2]),
          c: onnxTensor("bool", Uint8Array.of(flag), []),
        })["y"]?.data[0],
      )
    expect([run(1), run(0)]).toEqual([-13, 4])
    session.dispose()
  })

  it("gives the same bytes for the same calls", () => {
    const build = (): Uint8Array => {
      const g = new OnnxGraph()
      g.output(g.node("Relu", [g.input("x", "float32", [2])]))
      return g.toBytes()
    }
    expect(build()).toEqual(build())
  })

  it("refuses what can't be a graph, and says why", () => {
    const g = new OnnxGraph()
    g.input("x", "float32", [1])
    expect(() => g.input("x", "float32", [1])).toThrow(/"x" is defined twice/)
    expect(() => g.node("Relu", ["y"])).toThrow(/Relu: input "y" is not defined/)
    expect(() => g.node("LeakyRelu", ["x"], { alpha: 0.5 })).toThrow(/LeakyRelu.alpha.*float/)
    expect(() => g.initializer("float32", [2, 2], [1])).toThrow(/1 values for shape \[2, 2\]/)
    expect(() => g.output("nope")).toThrow(OnnxGraphError)
    expect(() => g.toBytes()).toThrow(/no output/)
  })
})

describe("createSession", () => {
  it("reports what ONNX Runtime refuses", () => {
    expect(() => createSession(Uint8Array.of(1, 2, 3))).toThrow(OnnxRuntimeError)
    const g = new OnnxGraph()
    g.output(g.node("NoSuchOperator", [g.input("x", "float32", [1])], {}, { names: ["y"] }))
    expect(() => createSession(g.toBytes())).toThrow(/NoSuchOperator/)
  })

  it("writes into tensors given for the outputs", () => {
    const g = new OnnxGraph()
    g.output(g.node("Neg", [g.input("x", "float32", [2])], {}, { names: ["y"] }))
    const session = createSession(g.toBytes(), { threads: 2 })
    const y = new Float32Array(2)
    session.run(
      { x: onnxTensor("float32", Float32Array.of(1, -2), [2]) },
      { y: onnxTensor("float32", y, [2]) },
    )
    expect(Array.from(y)).toEqual([-1, 2])
    session.dispose()
  })
})
