import { beforeAll, expect, it } from "vitest"
import { useBackend } from "../../../src/learning/backend.ts"
import { exportLayersModel } from "../../../src/learning/export/layers-model.ts"
import { DEFAULT_PIXELS, exportOnnx } from "../../../src/learning/export/onnx-model.ts"
import { verifyExports } from "../../../src/learning/export/verify.ts"
import { densenet } from "../../../src/learning/networks/densenet.ts"
import { resnet } from "../../../src/learning/networks/resnet.ts"
import { type NetworkOptions, networkSpec } from "../../../src/learning/networks/spec.ts"
import { predict } from "../../../src/learning/predict.ts"
import { perPicture } from "../../../src/learning/preprocess.ts"
import { distance, pictures, runOnnx, shuffleWeights } from "./kit.ts"
import { readOnnx } from "./onnx-reader.ts"

beforeAll(() => useBackend("onnx", { threads: 1 }))

const networks: ReadonlyArray<NetworkOptions> = [
  { name: "densenet40", size: 48, channels: 1, classes: 7 },
  { name: "resnet50", size: 96, channels: 3, classes: 7 },
]

it.each(networks)("$name at full size gives what predict gives", async (options) => {
  // Not by buildNetwork: its normal numbers for 23 million weights take longer than all the rest.
  const spec = networkSpec(options)
  const model = spec.name === "densenet" ? densenet(spec) : resnet(spec)
  shuffleWeights(model, 2)
  const { size, channels } = options
  const images = pictures(2, { height: size, width: size, channels })
  const preprocessing = perPicture(channels)
  const expected = predict(model, preprocessing, images, { batchSize: 2 })
  const classNames = Array.from({ length: 7 }, (_, i) => `class ${i}`)
  const bytes = exportOnnx(model, { classNames, preprocessing })
  expect(readOnnx(bytes).nodes.filter(({ op }) => op === "Conv")).toHaveLength(
    options.name === "resnet50" ? 53 : 39,
  )
  const dims = [2, size, size, channels]
  const given = await runOnnx(bytes, { type: "uint8", data: images.data, dims })
  expect(distance(given["logits"], expected.logits)).toBeLessThan(1e-5)
  expect(distance(given["probabilities"], expected.probabilities)).toBeLessThan(1e-5)
  const layersModel = await exportLayersModel(model, { classNames, preprocessing })
  const apart = await verifyExports(model, { classNames, preprocessing }, bytes, layersModel, DEFAULT_PIXELS)
  expect(apart.layersModel).toBeLessThan(1e-5)
  model.dispose()
})
