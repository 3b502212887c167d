/**
 * Whether the input of a training keeps up with its steps:
 *
 *   node bench/input.ts [--workers 0,1,2] [--seconds 2] [--cases 48x1,96x3,224x3]
 *
 * Prints pictures a second that are selected, changed by all four augmentations and normalised, between the steps
 * (0 threads) and in threads ahead of them. The time of a step is bench/training's; with `--steps densenet40@48` (and
 * the like, slow for large ones) a training of two epochs is measured too: its time a step, and the share of it that
 * it waited for its input.
 */
import { availableParallelism, loadavg } from "node:os"
import { parseArgs } from "node:util"
import Table from "cli-table3"
import { DEFAULT_AUGMENTATION } from "../src/learning/augment.ts"
import { useBackend } from "../src/learning/backend.ts"
import { imagesOf } from "../src/learning/images.ts"
import { openBatches } from "../src/learning/input/batches.ts"
import { buildNetwork, type NetworkOptions } from "../src/learning/networks/index.ts"
import { perPicture } from "../src/learning/preprocess.ts"
import { randomOf } from "../src/learning/random.ts"
import { trainClassifier } from "../src/learning/train.ts"
import type { EpochTimes } from "../src/learning/train-options.ts"
import { machine } from "./engine/measure.ts"

const { values: options } = parseArgs({
  options: {
    workers: { type: "string", default: "0,1,2" },
    seconds: { type: "string", default: "2" },
    cases: { type: "string", default: "48x1,96x3,224x3" },
    batch: { type: "string", default: "32" },
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "" },
    threads: { type: "string", default: "2" },
    backend: { type: "string", default: "onnx" },
  },
})
const batchSize = Number(options.batch)
const counts = options.workers.split(",").map(Number)
const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1]

const imagesFor = (size: number, channels: 1 | 3, count: number) => {
  const random = randomOf("bench")
  const data = new Uint8Array(new SharedArrayBuffer(count * size * size * channels))
  for (let i = 0; i < data.length; i++) data[i] = random.below(256)
  return imagesOf(data, { height: size, width: size, channels })
}

/** What a batch takes once the threads have started: waited for, and of all processors together. */
const rate = async (size: number, channels: 1 | 3, workers: number) => {
  const plan = {
    images: imagesFor(size, channels, batchSize * 4),
    augmentation: DEFAULT_AUGMENTATION,
    preprocessing: perPicture(channels),
    batchSize,
    seed: 1,
  }
  const batches = await openBatches(plan, { from: 0, to: 1_000_000, workers })
  for (let i = 0; i <= workers; i++) await batches.next()
  const [from, used] = [performance.now(), process.cpuUsage()]
  let taken = 0
  while (performance.now() - from < Number(options.seconds) * 1000) {
    await batches.next()
    taken++
  }
  const ms = performance.now() - from
  const { user, system } = process.cpuUsage(used)
  await batches.close()
  return { ms: ms / taken, processor: (user + system) / 1000 / taken }
}

/** A training of two epochs of 8 steps; figures of the second. */
const train = async (net: string, workers: number) => {
  const [name, at] = net.split("@")
  const size = Number(at)
  const channels = size <= 64 ? 1 : 3
  const images = imagesFor(size, channels, batchSize * 8)
  const labels = Uint16Array.from({ length: images.count }, (_, i) => i % 7)
  const model = buildNetwork({ name: name as NetworkOptions["name"], size, channels, classes: 7 })
  const epochs: Array<EpochTimes> = []
  await trainClassifier({
    model,
    training: { images, labels },
    classNames: ["a", "b", "c", "d", "e", "f", "g"],
    preprocessing: perPicture(channels),
    epochs: 2,
    batchSize,
    augmentation: DEFAULT_AUGMENTATION,
    learningRate: 0.01,
    workers,
    onEpoch: (epoch) => void epochs.push(epoch),
  })
  model.dispose()
  const later = epochs.slice(1)
  const ms = later.reduce((sum, epoch) => sum + epoch.ms, 0)
  return {
    step: ms / (later.length * 8),
    waiting: later.reduce((sum, epoch) => sum + epoch.inputMs, 0) / ms,
  }
}

const load = (): string => loadavg()[0].toFixed(1)
console.log(`${machine()}, ${availableParallelism()} cores, batch ${batchSize}, load ${load()}\n`)
const table = new Table({
  head: [
    "pictures, all four augmentations",
    ...counts.map((n) => `${n} threads: pictures/s (processor ms a batch)`),
  ],
  style: { head: [], border: [] },
})
for (const one of options.cases.split(",")) {
  const [size, channels] = one.split("x").map(Number)
  const found = new Map<number, Array<Awaited<ReturnType<typeof rate>>>>(counts.map((n) => [n, []]))
  for (let round = 0; round < Number(options.rounds); round++)
    for (const n of counts) found.get(n)!.push(await rate(size, channels === 1 ? 1 : 3, n))
  table.push([
    `${size} × ${size} × ${channels}`,
    ...counts.map((n) => {
      const of = found.get(n)!
      const perSecond = (batchSize * 1000) / median(of.map(({ ms }) => ms))
      return `${perSecond.toFixed(0)} (${median(of.map(({ processor }) => processor)).toFixed(1)})`
    }),
  ])
}
console.log(`${table.toString()}\nload ${load()}\n`)

if (options.steps !== "") {
  if (options.backend !== "onnx" && options.backend !== "cpu") throw new Error("--backend onnx or cpu")
  await useBackend(options.backend, { threads: Number(options.threads) })
  const steps = new Table({
    head: [
      `training, ${options.threads} engine threads`,
      ...counts.map((n) => `${n} threads: ms a step (waiting for input)`),
    ],
    style: { head: [], border: [] },
  })
  for (const net of options.steps.split(",")) {
    const found = new Map<number, Array<Awaited<ReturnType<typeof train>>>>(counts.map((n) => [n, []]))
    for (let round = 0; round < Number(options.rounds); round++)
      for (const n of counts) found.get(n)!.push(await train(net, n))
    steps.push([
      net,
      ...counts.map((n) => {
        const of = found.get(n)!
        return `${median(of.map(({ step }) => step)).toFixed(0)} (${(100 * median(of.map(({ waiting }) => waiting))).toFixed(2)} %)`
      }),
    ])
  }
  console.log(`${steps.toString()}\nload ${load()}`)
}
