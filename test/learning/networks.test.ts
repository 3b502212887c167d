import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { useBackend } from "../../src/learning/backend.ts"
import {
  buildNetwork,
  countParameters,
  LAYERS,
  networkSpec,
  NetworkSpecError,
  visualLayers,
} from "../../src/learning/networks/index.ts"

beforeAll(() => useBackend("onnx"))

const common = { size: 48, channels: 3, classes: 7 } as const

describe("networks", () => {
  it.each([
    [{ ...common, name: "densenet40" }, 1_018_375],
    [{ ...common, name: "densenet40", channels: 1 }, 1_018_087],
    [{ ...common, name: "resnet50", size: 96 }, 23_522_375],
  ] as const)("%o has the published number of parameters", (options, count) => {
    const model = buildNetwork(options)
    expect(countParameters(model)).toBe(count)
    tf.dispose(model.getWeights())
  })

  it("channels grow as published: 16 → 160 → 304 → 448", () => {
    const model = buildNetwork({ ...common, name: "densenet40" })
    const channels = ["stem_conv", "block1_out", "block2_out", LAYERS.features].map((layer) =>
      model.getLayer(layer).outputShape.at(-1),
    )
    expect(channels).toEqual([16, 160, 304, 448])
    expect(model.getLayer("block3_out").outputShape).toEqual([null, 12, 12, 448])
  })

  it("small inputs keep their resolution in a ResNet's stem, large ones are quartered", () => {
    const side = (size: number): unknown =>
      buildNetwork({ ...common, name: "resnet", size, width: 0.0625 }).getLayer("stage1_block1_out")
        .outputShape[1]
    expect([side(64), side(65), side(224)]).toEqual([64, 17, 56])
  })

  it.each(["densenet", "resnet"] as const)("%s: named layers exist, logits have no activation", (name) => {
    const options = {
      name,
      size: 16,
      channels: 1,
      classes: 5,
      depth: 7,
      growth: 4,
      width: 0.0625,
      blocks: [1, 2],
    } as const
    const model = buildNetwork(options)
    for (const layer of visualLayers(networkSpec(options)))
      expect(model.getLayer(layer).outputShape).toHaveLength(4)
    expect(model.getLayer(LAYERS.embedding).outputShape).toHaveLength(2)
    expect(model.outputs[0].shape).toEqual([null, 5])
    expect(model.getLayer(LAYERS.logits).getConfig()["activation"]).toBe("linear")
  })

  it("weights follow from the seed, layer by layer, with He's variance", () => {
    const weights = (seed: number, depth: number): Float32Array => {
      const model = buildNetwork({ ...common, name: "densenet", depth, seed })
      return Float32Array.from(model.getLayer("block2_layer1_conv").getWeights()[0].dataSync())
    }
    const a = weights(1, 10)
    expect(weights(1, 10)).toEqual(a)
    expect(weights(2, 10)).not.toEqual(a)
    const variance = a.reduce((sum, w) => sum + w * w, 0) / a.length
    // block2_layer1 of a 10-layer net sees 16 + 2·12 channels through 3×3.
    expect(variance * 40 * 9).toBeGreaterThan(1.9)
    expect(variance * 40 * 9).toBeLessThan(2.1)
  })

  it("a fresh ResNet's blocks are the identity, so that its output doesn't explode with depth", () => {
    const options = { name: "resnet", size: 8, channels: 1, classes: 2, width: 0.0625 } as const
    const x = tf.randomNormal([4, 8, 8, 1], 0, 1, "float32", 1)
    const spread = (blocks: Array<number>): number => {
      const out = buildNetwork({ ...options, blocks }).apply(x)
      return out instanceof tf.Tensor ? Math.max(...tf.abs(out).dataSync()) : NaN
    }
    expect(spread([4])).toBeLessThan(10)
    expect(spread([4])).toBeCloseTo(spread([1]), 5)
  })

  it.each([
    [{ ...common, name: "densenet", depth: 41 }, /depth 41: a DenseNet has 3n \+ 4/],
    [{ ...common, name: "densenet", growth: 0 }, /growth 0/],
    [{ ...common, name: "resnet50", width: 0 }, /width 0/],
    [{ ...common, name: "resnet50", blocks: [] }, /blocks \[\]/],
    [{ ...common, name: "resnet50", classes: 1 }, /two classes/],
    [{ ...common, name: "resnet50", size: 4 }, /size 4/],
  ] as const)("refuses %o", (options, message) => {
    expect(() => networkSpec(options)).toThrow(message)
    expect(() => networkSpec(options)).toThrow(NetworkSpecError)
  })
})

describe("gradients", () => {
  it("agree with finite differences through the whole network", () => {
    const model = buildNetwork({
      name: "resnet",
      size: 8,
      channels: 1,
      classes: 2,
      width: 0.0625,
      blocks: [1],
      seed: 3,
    })
    const random = tf.randomNormal([4, 8, 8, 1], 0, 1, "float32", 7)
    const target = tf.tensor2d([
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 1],
    ])
    const loss = (): tf.Scalar => {
      const out = model.apply(random, { training: true })
      if (!(out instanceof tf.Tensor)) throw new TypeError("no tensor")
      return tf.neg(tf.sum(tf.mul(target, tf.logSoftmax(out)))).asScalar()
    }
    const variable = model.getLayer("stem_conv").trainableWeights[0].read()
    if (!(variable instanceof tf.Variable)) throw new TypeError("no variable")
    const { grads } = tf.variableGrads(loss, [variable])
    const analytic = grads[variable.name].dataSync()
    const start = Float32Array.from(variable.dataSync())
    const at = (index: number, change: number): number => {
      const moved = Float32Array.from(start)
      moved[index] += change
      variable.assign(tf.tensor(moved, variable.shape))
      return loss().dataSync()[0]
    }
    for (const index of [0, 5, 20, 35]) {
      const numeric = (at(index, 2e-3) - at(index, -2e-3)) / 4e-3
      expect(Math.abs(numeric - analytic[index])).toBeLessThan(0.02 * Math.abs(analytic[index]) + 2e-3)
    }
  })
})
