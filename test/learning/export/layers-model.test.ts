import * as tf from "@tensorflow/tfjs"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../../src/learning/backend.ts"
import { exportLayersModel, type LayersModelFiles } from "../../../src/learning/export/layers-model.ts"
import { imagesOf } from "../../../src/learning/images.ts"
import { type NetworkOptions, buildNetwork } from "../../../src/learning/networks/index.ts"
import { predict } from "../../../src/learning/predict.ts"
import { fitPreprocessing, perPicture } from "../../../src/learning/preprocess.ts"
import { distance, pictures, shuffleWeights } from "./kit.ts"

// tfjs' own reference backend throughout: nothing of ours takes part in loading.
beforeAll(() => useBackend("cpu"))
afterAll(() => tf.disposeVariables())

const classNames = ["anger", "joy", "neutral"]
const networks: ReadonlyArray<NetworkOptions> = [
  { name: "densenet", size: 12, channels: 1, classes: 3, depth: 7, growth: 3 },
  { name: "resnet", size: 16, channels: 3, classes: 3, width: 0.0625, blocks: [1, 2] },
]

const load = (files: LayersModelFiles): Promise<tf.LayersModel> => {
  const manifest: unknown = JSON.parse(new TextDecoder().decode(files["model.json"]))
  if (typeof manifest !== "object" || manifest === null) throw new Error("no manifest")
  return tf.loadLayersModel({
    load: () => {
      const { modelTopology, weightsManifest, userDefinedMetadata } = manifest as tf.io.ModelJSON
      return Promise.resolve({
        modelTopology,
        weightSpecs: weightsManifest[0].weights,
        weightData: files["weights.bin"].slice().buffer,
        userDefinedMetadata: userDefinedMetadata ?? {},
      })
    },
  })
}

describe.each(networks)("$name", (options) => {
  it.each(["picture", "set"] as const)("gives what predict gives, normalised by %s", async (by) => {
    const model = buildNetwork(options)
    shuffleWeights(model, 5)
    const { size, channels } = options
    const varied = pictures(3, { height: size, width: size, channels })
    // A flat picture, and one that is flat but for a pixel, beside usual ones.
    const flat = new Uint8Array(2 * size * size * channels).fill(130)
    flat[17] = 131
    const images = imagesOf(Uint8Array.from([...varied.data, ...flat]), {
      height: size,
      width: size,
      channels,
    })
    const preprocessing = by === "picture" ? perPicture(channels) : fitPreprocessing(varied)
    const expected = predict(model, preprocessing, images, { embeddings: true })
    const files = await exportLayersModel(model, { classNames, preprocessing }, { dataset: "abc" })
    const again = await exportLayersModel(model, { classNames, preprocessing }, { dataset: "abc" })
    expect(Buffer.from(again["model.json"]).equals(files["model.json"])).toBe(true)
    expect(Buffer.from(again["weights.bin"]).equals(files["weights.bin"])).toBe(true)
    model.dispose()

    const loaded = await load(files)
    expect(loaded.getUserDefinedMetadata()).toMatchObject({ classes: classNames, dataset: "abc" })
    for (const dtype of ["int32", "float32"] as const) {
      const outputs = loaded.predict(tf.tensor4d(Array.from(images.data), [5, size, size, channels], dtype))
      const [logits, probabilities, embedding] = (Array.isArray(outputs) ? outputs : [outputs]).map((t) =>
        t.dataSync(),
      )
      expect(distance(logits, expected.logits)).toBeLessThan(1e-5)
      expect(distance(probabilities, expected.probabilities)).toBeLessThan(1e-5)
      expect(distance(embedding, expected.embeddings ?? [])).toBeLessThan(1e-5)
    }
    loaded.dispose()
  })
})
