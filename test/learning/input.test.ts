import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import type { Worker } from "node:worker_threads"
import type * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { beforeAll, describe, expect, it } from "vitest"
import { DEFAULT_AUGMENTATION } from "../../src/learning/augment.ts"
import { useBackend } from "../../src/learning/backend.ts"
import { imagesOf } from "../../src/learning/images.ts"
import type { InputPlan } from "../../src/learning/input/batch.ts"
import { InputThreadError, openBatches, shareImages } from "../../src/learning/input/batches.ts"
import { buildNetwork } from "../../src/learning/networks/index.ts"
import { fitPreprocessing, perPicture } from "../../src/learning/preprocess.ts"
import { randomOf } from "../../src/learning/random.ts"
import type { TrainOptions } from "../../src/learning/train-options.ts"
import { trainClassifier } from "../../src/learning/train.ts"
import { TrainingAbortedError, TrainingDivergedError } from "../../src/learning/training-errors.ts"
import { type TrainingState, weightsOf } from "../../src/learning/training-state.ts"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { stripes } from "./kit/stripes.ts"

const planOf = (count: number, side: number, channels: 1 | 3, batchSize: number, seed: number): InputPlan => {
  const random = randomOf("input", seed)
  const bytes = Uint8Array.from({ length: count * side * side * channels }, () => random.below(256))
  const images = imagesOf(bytes, { height: side, width: side, channels })
  return {
    images,
    augmentation: DEFAULT_AUGMENTATION,
    preprocessing: seed % 2 === 0 ? fitPreprocessing(images) : perPicture(channels),
    batchSize,
    seed,
  }
}

const take = async (plan: InputPlan, workers: number, from: number, to: number, ahead?: number) => {
  const batches = await openBatches(plan, { from, to, workers, ahead })
  try {
    const all: Array<Float32Array> = []
    for (let step = from; step < to; step++) all.push(await batches.next())
    return all
  } finally {
    await batches.close()
  }
}

describe("batches made in threads", () => {
  it("are those made in place, whatever their number, wherever they begin, over the ends of epochs", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          count: fc.integer({ min: 4, max: 20 }),
          side: fc.integer({ min: 4, max: 12 }),
          channels: fc.constantFrom(1 as const, 3 as const),
          batch: fc.integer({ min: 2, max: 7 }),
          seed: fc.nat(1000),
          workers: fc.integer({ min: 1, max: 4 }),
          ahead: fc.integer({ min: 1, max: 5 }),
          from: fc.nat(9),
          steps: fc.integer({ min: 1, max: 12 }),
        }),
        async ({ count, side, channels, batch, seed, workers, ahead, from, steps }) => {
          const plan = planOf(count, side, channels, batch, seed)
          const inPlace = await take(plan, 0, from, from + steps)
          expect(await take(plan, workers, from, from + steps, ahead)).toEqual(inPlace)
        },
      ),
      { numRuns: 5 },
    )
  })

  it("lie in memory of their own, and pictures in shared memory are not copied", async () => {
    const plan = planOf(6, 8, 1, 3, 1)
    const [first, second] = await take(plan, 2, 0, 2)
    expect(first.buffer).toBeInstanceOf(ArrayBuffer)
    expect(first).not.toEqual(second)
    const shared = shareImages(plan.images)
    expect(shared.data).toEqual(plan.images.data)
    expect(shareImages(shared).data.buffer).toBe(shared.data.buffer)
  })

  it("that cannot be made are told with epoch and batch, after those before them", async () => {
    const plan = planOf(8, 8, 1, 4, 2)
    const wrong = { ...plan, preprocessing: fitPreprocessing(planOf(8, 8, 3, 4, 2).images) }
    const batches = await openBatches(wrong, { from: 3, to: 10, workers: 2 })
    try {
      await expect(batches.next()).rejects.toThrow(InputThreadError)
      await expect(batches.next()).rejects.toThrow(
        /batch 2 of 2 of epoch 2 \(4 × 8 × 8 × 1; 3 ahead\): ImagesError: normalisation for 3 channel/,
      )
    } finally {
      await batches.close()
    }
  })

  it("leave nothing behind: a process with full and empty rings ends by itself", async () => {
    const program = `
      import { openBatches } from ${JSON.stringify(join(packageRoot, "src/learning/input/batches.ts"))}
      const images = { data: new Uint8Array(6 * 64), count: 6, height: 8, width: 8, channels: 1 }
      const plan = { images, preprocessing: { mean: [0], std: [1] }, batchSize: 3, seed: 1 }
      for (const taken of [0, 1, 5]) {
        const batches = await openBatches(plan, { from: 0, to: 1000, workers: 2 })
        for (let i = 0; i < taken; i++) await batches.next()
        await batches.close()
      }
      console.log("closed")`
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
      timeout: 30_000,
    })
    expect(stdout).toBe("closed\n")
  })
})

describe("a training with threads for its input", () => {
  beforeAll(() => useBackend("onnx"))
  const training = stripes(16, 1)
  const options = {
    name: "densenet",
    size: 8,
    channels: 1,
    classes: 2,
    depth: 7,
    growth: 4,
    seed: 1,
  } as const
  const train = async (model: tf.LayersModel, workers: number, resume?: TrainingState) => {
    const states: Array<TrainingState> = []
    const { history } = await trainClassifier({
      model,
      training,
      validation: stripes(10, 2),
      classNames: ["horizontal", "vertical"],
      preprocessing: fitPreprocessing(training.images),
      epochs: 3,
      batchSize: 6,
      augmentation: DEFAULT_AUGMENTATION,
      workers,
      resume,
      onCheckpoint: async (_, state) => void states.push(state()),
    })
    return { history, weights: weightsOf(model), states }
  }

  it("ends its threads when it is stopped, and when it fails", async () => {
    const threads: Array<Worker> = []
    const note = (thread: Worker): void => void threads.push(thread)
    process.on("worker", note)
    try {
      const controller = new AbortController()
      const run = (change: Partial<TrainOptions>) =>
        trainClassifier({
          model: buildNetwork(options),
          training,
          classNames: ["horizontal", "vertical"],
          preprocessing: fitPreprocessing(training.images),
          epochs: 50,
          batchSize: 6,
          workers: 2,
          ...change,
        })
      const stopped = run({ signal: controller.signal, onEpoch: () => controller.abort() })
      await expect(stopped).rejects.toThrow(TrainingAbortedError)
      await expect(run({ learningRate: 1e30, warmupEpochs: 0 })).rejects.toThrow(TrainingDivergedError)
      expect(threads).toHaveLength(4)
      // What a thread that has ended is called.
      expect(threads.map(({ threadId }) => threadId)).toEqual([-1, -1, -1, -1])
    } finally {
      process.off("worker", note)
    }
  })

  it("gives the same bits as one without, also when it goes on with another number of them", async () => {
    const none = await train(buildNetwork(options), 0)
    for (const workers of [1, 3]) {
      const some = await train(buildNetwork(options), workers)
      expect([some.history, some.weights]).toEqual([none.history, none.weights])
      const resumed = await train(buildNetwork(options), 4 - workers, some.states[0])
      expect([resumed.history, resumed.weights]).toEqual([none.history, none.weights])
    }
  })
})
