import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import { execute, outputOf } from "../../src/learning/executor.ts"
import { buildNetwork, LAYERS } from "../../src/learning/networks/index.ts"
import { predict } from "../../src/learning/predict.ts"
import { normalise, perPicture } from "../../src/learning/preprocess.ts"
import { visualizeFeatures } from "../../src/learning/visualize/feature.ts"
import { FeatureError, measureObjectives, type Objective } from "../../src/learning/visualize/objective.ts"
import { similarity } from "../../src/learning/visualize/regularise.ts"
import { learnPlanted } from "./kit/planted.ts"
beforeAll(() => useBackend("onnx"))

const tiny = { name: "densenet", size: 8, channels: 1, classes: 2, depth: 7, growth: 4, seed: 1 } as const

let trained: Awaited<ReturnType<typeof learnPlanted>> | undefined
beforeAll(async () => {
  trained = await learnPlanted()
})

describe("feature pictures", () => {
  it("excite what they are made for far more than noise and than any picture learnt from", async () => {
    if (trained === undefined) throw new Error("not trained")
    const { model, preprocessing, images } = trained
    const objectives = [
      { kind: "class", index: 0 },
      { kind: "class", index: 1 },
      { kind: "channel", layer: LAYERS.features, index: 3 },
      { kind: "channel", layer: "stem_conv", index: 1 },
      { kind: "layer", layer: "stem_relu" },
    ] as const
    const { pictures } = await visualizeFeatures({ model, preprocessing, objectives, steps: 96, seed: 2 })
    const natural = measureObjectives(model, preprocessing, images, objectives)
    for (const [m, { value, start, objective }] of pictures.entries()) {
      expect(objective).toEqual(objectives[m])
      const own = Array.from({ length: images.count }, (_, i) => natural[i * objectives.length + m])
      const [low, high] = [Math.min(...own), Math.max(...own)]
      expect(value).toBeGreaterThan(start)
      // Class 0 is the absence of stripes: pictures of plain noise already have all there is of it.
      expect(value).toBeGreaterThan(m === 0 ? start : high + 0.25 * (high - low))
    }
    // What a class's pictures give is its logit.
    const { logits } = predict(model, preprocessing, images)
    for (let i = 0; i < images.count; i++)
      for (const m of [0, 1]) expect(natural[i * objectives.length + m]).toBeCloseTo(logits[i * 2 + m], 3)
  })

  it("are the same each time, whatever else is asked for, and leave nothing behind", async () => {
    const model = buildNetwork(tiny)
    const preprocessing = { mean: [0.5], std: [0.25] }
    const objectives = [
      { kind: "class", index: 0 },
      { kind: "channel", layer: "block1_out", index: 18 },
      { kind: "class", index: 1 },
    ] as const
    const options = { model, preprocessing, objectives, steps: 12, seed: 2, print: 2 }
    const before = tf.memory().numTensors
    const { images, pictures, cpuSeconds } = await visualizeFeatures(options)
    expect(tf.memory().numTensors).toBe(before)
    expect(cpuSeconds).toBeGreaterThan(0)
    expect([images.count, images.height, images.channels]).toEqual([3, 16, 1])
    const again = await visualizeFeatures(options)
    expect(again.images.data).toEqual(images.data)
    expect(again.pictures).toEqual(pictures)
    const alone = await visualizeFeatures({ ...options, objectives: [objectives[2]] })
    expect(alone.pictures[0].value).toBeCloseTo(pictures[2].value, 3)
    expect((await visualizeFeatures({ ...options, seed: 3 })).images.data).not.toEqual(images.data)
  })

  it("several of one channel differ more where they are told to", async () => {
    const model = buildNetwork(tiny)
    const preprocessing = perPicture(1)
    const objectives = [{ kind: "channel", layer: "block1_out", index: 18 }] as const
    const options = { model, preprocessing, objectives, steps: 48, copies: 3 }
    const likeness = async (diversity: number): Promise<number> => {
      const { images, pictures } = await visualizeFeatures({ ...options, diversity })
      expect(pictures.map(({ copy }) => copy)).toEqual([0, 1, 2])
      const input = tf.tensor4d(normalise(images, preprocessing), [3, 8, 8, 1])
      const [activations] = execute({
        feeds: [[model.inputs[0], input]],
        fetch: [outputOf(model, "block1_out")],
      })
      return similarity(activations, [0, 0, 0]).dataSync()[0]
    }
    expect(await likeness(4)).toBeLessThan(await likeness(0))
  })

  it("come in colour for colour models, and larger than the input where the layer allows", async () => {
    const model = buildNetwork({ ...tiny, channels: 3 })
    const preprocessing = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }
    const heard: Array<string> = []
    const { images } = await visualizeFeatures({
      model,
      preprocessing,
      objectives: [
        { kind: "class", index: 0 },
        { kind: "channel", layer: "stem_conv", index: 0 },
      ],
      steps: 6,
      size: 20,
      onProgress: ({ done, total, layer }) => {
        heard.push(`${layer} ${done}/${total}`)
      },
    })
    expect([images.channels, images.height]).toEqual([3, 20])
    expect(images.data.some((v, i) => i % 3 === 0 && v !== images.data[i + 1])).toBe(true)
    expect(heard).toEqual(["logits 6/12", "stem_conv 12/12"])
  })

  it("say which layer or channel isn't there, and which takes no other size", async () => {
    const options = { model: buildNetwork(tiny), preprocessing: { mean: [0], std: [1] } }
    const of = (objective: Objective) => visualizeFeatures({ ...options, objectives: [objective] })
    await expect(of({ kind: "class", index: 2 })).rejects.toThrow(/"logits" has 2 channels, there is no 2/)
    await expect(of({ kind: "channel", layer: "nose", index: 0 })).rejects.toThrow(
      /no layer "nose"; it has input, stem_conv/,
    )
    await expect(visualizeFeatures({ ...options, objectives: [] })).rejects.toThrow(FeatureError)
    const tied = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [8, 8, 1] }),
        tf.layers.dense({ name: LAYERS.logits, units: 2 }),
      ],
    })
    const objectives = [{ kind: "class", index: 0 }] as const
    const given = { ...options, model: tied, objectives, steps: 1 }
    await expect(visualizeFeatures({ ...given, size: 12 })).rejects.toThrow(
      /"logits" takes no pictures of 12×12 pixels/,
    )
    expect((await visualizeFeatures(given)).images.height).toBe(8)
  })

  it("stop when told, and say where", async () => {
    await expect(
      visualizeFeatures({
        model: buildNetwork(tiny),
        preprocessing: perPicture(1),
        objectives: [{ kind: "class", index: 0 }],
        signal: AbortSignal.abort(),
      }),
    ).rejects.toThrow(/stopped at step 1 of 512/)
  })
})
