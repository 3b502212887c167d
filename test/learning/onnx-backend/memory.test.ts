import * as tf from "@tensorflow/tfjs"
import { beforeAll, describe, expect, it } from "vitest"
import { backend, numbers } from "./kit.ts"

beforeAll(async () => {
  await tf.setBackend("onnx")
})

describe("lazy execution", () => {
  it("computes nothing until asked, and then everything at once", () => {
    const before = backend.stats.flushes
    const [a, b] = tf.tidy(() => {
      const x = tf.square(tf.tensor1d([1, 2, 3]))
      return [tf.add(x, 1), tf.sum(x)]
    })
    expect(backend.stats.flushes).toBe(before)
    expect(Array.from(b.dataSync())).toEqual([14])
    expect(Array.from(a.dataSync())).toEqual([2, 5, 10])
    expect(backend.stats.flushes).toBe(before + 1)
    backend.flush()
    expect(backend.stats.flushes).toBe(before + 1)
    tf.dispose([a, b])
  })
  it("takes values as they were when the tensor was made", () => {
    const data = Float32Array.of(1, 2)
    const y = tf.tidy(() => tf.mul(tf.tensor1d(data), 10))
    data.fill(7)
    expect(Array.from(y.dataSync())).toEqual([10, 20])
    y.dispose()
  })
  it("uses one session for steps that differ in values only", () => {
    const compiled = backend.stats.compiles
    for (const rate of [0.1, 0.2, 0.3]) {
      tf.tidy(() => tf.mul(tf.tensor1d(numbers(5, rate * 10)), tf.scalar(rate)).dataSync())
    }
    expect(backend.stats.compiles - compiled).toBe(1)
  })
  it("moves tensors from and to other backends", async () => {
    await tf.setBackend("cpu")
    const x = tf.tensor1d([1, 2, 3])
    await tf.setBackend("onnx")
    const y = tf.add(x, 1)
    await tf.setBackend("cpu")
    const z = tf.mul(y, 2)
    expect(Array.from(z.dataSync())).toEqual([4, 6, 8])
    await tf.setBackend("onnx")
    tf.dispose([x, y, z])
  })
  it("gives an error that names the operation, and goes on", () => {
    const bad = tf.gather(tf.tensor1d([1, 2]), tf.tensor1d([9], "int32"))
    expect(() => bad.dataSync()).toThrow(/Gather/)
    bad.dispose()
    expect(Array.from(tf.add(tf.scalar(1), 2).dataSync())).toEqual([3])
  })
})

describe("memory", () => {
  it("stays flat over hundreds of training steps, and disposed weights are written again", async () => {
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 4, kernelSize: 3, inputShape: [6, 6, 2], padding: "same" }),
        tf.layers.batchNormalization(),
        tf.layers.reLU(),
        tf.layers.flatten(),
        tf.layers.dense({ units: 3, activation: "softmax" }),
      ],
    })
    model.compile({ optimizer: tf.train.adam(0.01), loss: "categoricalCrossentropy" })
    const step = async (seed: number): Promise<void> => {
      const x = tf.tensor4d(numbers(4 * 72, seed), [4, 6, 6, 2])
      const y = tf.tidy(() => tf.oneHot(tf.tensor1d([0, 1, 2, seed % 3], "int32"), 3).toFloat())
      await model.trainOnBatch(x, y)
      tf.dispose([x, y])
    }
    for (let i = 0; i < 5; i++) await step(i)
    const before = { ...tf.memory(), ids: backend.numDataIds(), stats: backend.stats }
    for (let i = 0; i < 300; i++) await step(i)
    const after = { ...tf.memory(), ids: backend.numDataIds(), stats: backend.stats }
    expect(after.numTensors).toBe(before.numTensors)
    expect(after.numBytes).toBe(before.numBytes)
    expect(after.ids).toBe(before.ids)
    expect(after.stats.pooledBytes).toBe(before.stats.pooledBytes)
    expect(after.stats.compiles).toBe(before.stats.compiles)
    expect(after.stats.allocatedBytes - before.stats.allocatedBytes).toBeLessThan(300 * 3000)
    model.dispose()
  })
  it("never writes into an array that the program holds", async () => {
    const w = tf.variable(tf.tensor1d([1, 2, 3]))
    const held: Array<Float32Array> = []
    for (let i = 0; i < 6; i++) {
      tf.tidy(() => w.assign(tf.add(w, 1)))
      held.push(await w.data<"float32">())
    }
    held.forEach((values, i) => expect(Array.from(values)).toEqual([2 + i, 3 + i, 4 + i]))
    w.dispose()
  })
  it("lets sessions go on request and compiles again", () => {
    const run = (): number => tf.tidy(() => tf.add(tf.scalar(1), 2).dataSync()[0])
    run()
    backend.release()
    expect(backend.stats).toMatchObject({ sessions: 0, pooledBytes: 0 })
    expect(run()).toBe(3)
  })
  it("drops the least recently used sessions", async () => {
    const { SessionCache } = await import("../../../src/learning/onnx-backend/session-cache.ts")
    const { compileStep } = await import("../../../src/learning/onnx-backend/step.ts")
    const cache = new SessionCache(2, 1000)
    const make = (n: number): ReturnType<typeof compileStep> => {
      const x = tf.ones([n])
      const node = backend.node(tf.neg(x))
      const input = node.inputs[0]
      input.index = 0
      node.index = 1
      return compileStep({ order: [input, node], live: [node], representative: [0, 1] }, {})
    }
    cache.set("a", make(1))
    cache.set("b", make(2))
    expect(cache.get("a")).toBeDefined()
    cache.set("c", make(3))
    expect([cache.size, cache.get("b"), cache.get("a") !== undefined]).toEqual([2, undefined, true])
    cache.clear()
  })
})
