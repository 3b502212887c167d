import fc from "fast-check"
import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../../src/learning/backend.ts"
import { modelCard } from "../../../src/learning/export/card.ts"
import { exportLayersModel } from "../../../src/learning/export/layers-model.ts"
import { DEFAULT_PIXELS, exportOnnx } from "../../../src/learning/export/onnx-model.ts"
import { permute } from "../../../src/learning/export/permute.ts"
import { verifyExports } from "../../../src/learning/export/verify.ts"
import { buildNetwork } from "../../../src/learning/networks/index.ts"
import { perPicture } from "../../../src/learning/preprocess.ts"
import { shuffleWeights } from "./kit.ts"

beforeAll(() => useBackend("cpu"))

describe("verifyExports", () => {
  const meta = { classNames: ["a", "b"], preprocessing: perPicture(3) }
  const built = (seed: number): tf.LayersModel => {
    const model = buildNetwork({ name: "densenet", size: 9, channels: 3, classes: 2, depth: 7, growth: 2 })
    shuffleWeights(model, seed)
    return model
  }
  it.each([
    ["uint8", "nhwc"],
    ["float32", "nhwc"],
    ["uint8", "nchw"],
  ] as const)("finds rounding only in the files of the model itself (%s, %s)", async (type, layout) => {
    const model = built(1)
    const pixels = { type, layout }
    const onnx = exportOnnx(model, meta, { pixels })
    const { onnx: a, layersModel: b } = await verifyExports(
      model,
      meta,
      onnx,
      await exportLayersModel(model, meta),
      pixels,
    )
    expect(Math.max(a, b)).toBeLessThan(1e-5)
  })
  it("refuses files of another model", async () => {
    const [model, other] = [built(1), built(2)]
    const right = { onnx: exportOnnx(model, meta), layers: await exportLayersModel(model, meta) }
    const wrong = { onnx: exportOnnx(other, meta), layers: await exportLayersModel(other, meta) }
    await expect(verifyExports(model, meta, wrong.onnx, right.layers, DEFAULT_PIXELS)).rejects.toThrow(
      /the onnx file gives a probability that differs/,
    )
    await expect(verifyExports(model, meta, right.onnx, wrong.layers, DEFAULT_PIXELS)).rejects.toThrow(
      /the layersModel file gives a probability that differs/,
    )
  })
})

it("permute does what tfjs' transpose does", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      fc.nat(23),
      (shape, turn) => {
        const order = shape
          .map((_, k) => k)
          .toSorted((a, b) => ((a * 7 + turn) % 5) - ((b * 7 + turn) % 5) || a - b)
        const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i)
        const expected = tf.tidy(() => {
          const turned = tf.transpose(tf.tensor(data, shape), order)
          return { shape: turned.shape, data: Array.from(turned.dataSync()) }
        })
        const given = permute(data, shape, order)
        expect({ shape: given.shape, data: Array.from(given.data) }).toEqual(expected)
      },
    ),
    { numRuns: 60 },
  )
})

it("a card's tables and tags hold whatever classes and sets are called", () => {
  const evil = "a | b\n## <script>`x`</script> [y](z)"
  const said = modelCard({
    title: evil,
    network: {},
    parameters: 12345,
    input: { size: 8, channels: 3 },
    preprocessing: { perPicture: false, softening: 0.05, mean: [0.5], std: [0.25] },
    onnx: { opset: 17, type: "uint8", layout: "nchw" },
    classes: [{ name: evil, original: 1, resampled: 2, augmented: 3, validated: 4 }],
    generated: "partly",
    results: [{ set: evil, n: 9, accuracy: 1 / 3, interval: [0.1, 0.7], macroF1: 0.25, f1: [0.5] }],
    seed: 1,
    training: {},
    digests: {},
    versions: {},
  })
  expect(said).not.toContain("<script>")
  expect(said.match(/^## .*$/gmu)).toHaveLength(7)
  for (const line of said.split("\n").filter((row) => row.startsWith("| a")))
    expect([...line.matchAll(/(?<!\\)\|/gu)].length).toBeGreaterThan(5)
  expect(said).toContain("| 9 | 0.333 | 0.100 to 0.700 | 0.250 | 0.500 |")
  expect(said).toContain("12,345 trainable numbers")
})
