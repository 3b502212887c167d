import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../../src/learning/backend.ts"
import { exportOnnx } from "../../../src/learning/export/onnx-model.ts"
import { ONNX_LAYERS } from "../../../src/learning/export/onnx-layers.ts"
import { connect } from "../../../src/learning/networks/layers.ts"
import { predict } from "../../../src/learning/predict.ts"
import { perPicture } from "../../../src/learning/preprocess.ts"
import { distance, pictures, runOnnx, shuffleWeights } from "./kit.ts"

beforeAll(() => useBackend("cpu"))

type Part = (x: tf.SymbolicTensor) => tf.SymbolicTensor
const classNames = ["a", "b"]
const preprocessing = perPicture(3)

/** A small classifier around the part that is tried. */
const around = (part: Part): tf.LayersModel => {
  const input = tf.input({ shape: [9, 9, 3] })
  const before = connect(tf.layers.conv2d({ filters: 4, kernelSize: 3, name: "first" }), input)
  const x = part(before)
  const flat = x.shape.length === 4 ? connect(tf.layers.flatten({ name: "flat" }), x) : x
  const outputs = connect(tf.layers.dense({ units: 2, name: "last" }), flat)
  const model = tf.model({ inputs: input, outputs })
  shuffleWeights(model, 8)
  return model
}

const one =
  (layer: tf.layers.Layer): Part =>
  (x) =>
    connect(layer, x)
const two =
  (layer: tf.layers.Layer): Part =>
  (x) =>
    connect(layer, [x, connect(tf.layers.conv2d({ filters: 4, kernelSize: 1 }), x)])
const conv = (rest: object): Part => one(tf.layers.conv2d({ filters: 6, kernelSize: 3, ...rest }))

const PARTS: Readonly<Record<string, Part>> = {
  "strided, same": conv({ strides: 2, padding: "same" }),
  "strided by 3, even kernel": conv({ strides: 3, kernelSize: [2, 4], padding: "same" }),
  dilated: conv({ dilationRate: 2, padding: "same", useBias: false }),
  depthwise: one(tf.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: "same" })),
  "depthwise, strided": one(tf.layers.depthwiseConv2d({ kernelSize: 2, strides: 2 })),
  "max pool": one(tf.layers.maxPooling2d({ poolSize: 3, strides: 2, padding: "same" })),
  "mean pool, padded": one(tf.layers.averagePooling2d({ poolSize: 3, strides: 2, padding: "same" })),
  "mean over all": one(tf.layers.globalAveragePooling2d({})),
  "maximum over all": one(tf.layers.globalMaxPooling2d({})),
  "zero padding": one(
    tf.layers.zeroPadding2d({
      padding: [
        [1, 2],
        [3, 0],
      ],
    }),
  ),
  "normalisation without scale": one(tf.layers.batchNormalization({ scale: false })),
  "normalisation without shift": one(tf.layers.batchNormalization({ center: false, epsilon: 0.1 })),
  "normalisation of vectors": (x) =>
    one(tf.layers.batchNormalization({}))(one(tf.layers.globalAveragePooling2d({}))(x)),
  "ReLU to 6": one(tf.layers.reLU({ maxValue: 6 })),
  leaky: one(tf.layers.leakyReLU({ alpha: 0.2 })),
  elu: one(tf.layers.elu({})),
  "softmax of channels": one(tf.layers.softmax({ axis: -1 })),
  add: two(tf.layers.add({})),
  multiply: two(tf.layers.multiply({})),
  average: two(tf.layers.average({})),
  maximum: two(tf.layers.maximum({})),
  minimum: two(tf.layers.minimum({})),
  "concatenate channels": two(tf.layers.concatenate({})),
  "concatenate rows": two(tf.layers.concatenate({ axis: 1 })),
  dropout: one(tf.layers.dropout({ rate: 0.5 })),
  "noise, alpha": one(tf.layers.alphaDropout({ rate: 0.5 })),
}
for (const activation of [
  "relu",
  "relu6",
  "elu",
  "selu",
  "sigmoid",
  "hardSigmoid",
  "tanh",
  "softplus",
  "softsign",
  "softmax",
  "swish",
  "mish",
] as const)
  Object.assign(PARTS, { [`activation ${activation}`]: conv({ activation }) })

const differences = async (part: Part): Promise<number> => {
  const model = around(part)
  const images = pictures(2, { height: 9, width: 9, channels: 3 })
  const { logits } = predict(model, preprocessing, images, { batchSize: 2 })
  const bytes = exportOnnx(model, { classNames, preprocessing })
  const given = await runOnnx(bytes, { type: "uint8", data: images.data, dims: [2, 9, 9, 3] })
  model.dispose()
  return distance(given["logits"], logits)
}

it.each(Object.entries(PARTS))("%s: as in tfjs", async (_name, part) => {
  expect(await differences(part)).toBeLessThan(1e-5)
})

describe("what has no counterpart", () => {
  const write = (part: Part) => () => exportOnnx(around(part), { classNames, preprocessing })
  it.each([
    [
      "a class of layers",
      one(tf.layers.upSampling2d({ name: "grow" })),
      /layer "grow" \(UpSampling2D\).*known: Activation/s,
    ],
    ["an activation", conv({ name: "odd", activation: "gelu" }), /layer "odd" \(Conv2D\).*"gelu"/s],
    ["an axis", one(tf.layers.batchNormalization({ name: "rows", axis: 1 })), /layer "rows".*another axis/s],
  ] as const)("%s: the layer is named", (_what, part, message) => {
    expect(write(part)).toThrow(message)
  })
  it("a model of something else", () => {
    const model = tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [4] })] })
    expect(() => exportOnnx(model, { classNames, preprocessing })).toThrow(/the model takes \[.*4\]/)
    expect(() =>
      exportOnnx(
        around((x) => x),
        { classNames: ["a"], preprocessing },
      ),
    ).toThrow(/1 class names/)
  })
  it("is said with what is known", () => {
    expect(ONNX_LAYERS).toEqual(expect.arrayContaining(["Conv2D", "BatchNormalization", "Concatenate"]))
  })
})
