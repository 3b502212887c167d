/**
 * The training step of model.train, timed on request: node contestant.ts BACKEND NETWORK SIZE BATCH THREADS. Speaks
 * as peer.py does: reads `train N` and `infer BATCH N`, answers each by one line of JSON.
 */
import { createInterface } from "node:readline"
import * as tf from "@tensorflow/tfjs"
import { useBackend, type BackendName } from "../../src/learning/backend.ts"
import { buildNetwork, type NetworkOptions } from "../../src/learning/networks/index.ts"
import { OnnxBackend } from "../../src/learning/onnx-backend/backend.ts"
import { tensorOf } from "../../src/learning/predict.ts"
import { randomOf } from "../../src/learning/random.ts"
import { sgd } from "../../src/learning/sgd.ts"
import { trainingStep } from "../../src/learning/training-step.ts"

const [backend, network, ...sizes] = process.argv.slice(2)
const [size, batch, threads] = sizes.map(Number)
const channels = size <= 64 ? 1 : 3
const CLASSES = 7

await useBackend(backend as BackendName, { threads })
const model = buildNetwork({ name: network as NetworkOptions["name"], size, channels, classes: CLASSES })
const optimizer = sgd(model, { momentum: 0.9, nesterov: true, l2: 1e-4 })
const random = randomOf("bench")
const numbers = (count: number): Float32Array =>
  Float32Array.from({ length: batch * size * size * channels }, () => random.normal()).slice(0, count)
const images = numbers(batch * size * size * channels)
const targets = Float32Array.from({ length: batch * CLASSES }, (_, i) =>
  i % CLASSES === Math.trunc(i / CLASSES) % CLASSES ? 1 : 0,
)

/** What the trainer does with a batch; the logits are read every eighth step, as there. */
const update = trainingStep(model, optimizer)
let pending: Array<tf.Tensor> = []
const train = (): void => {
  const given = [
    tf.tensor4d(images, [batch, size, size, channels]),
    tf.tensor2d(targets, [batch, CLASSES]),
    tf.scalar(0.01),
  ] as const
  pending.push(update(...given))
  tf.dispose([...given])
  if (backend !== "onnx" || pending.length >= 8) {
    for (const logits of pending) logits.dataSync()
    tf.dispose(pending)
    pending = []
  }
}

const infer = (count: number): void => {
  tf.tidy(() => {
    const x = tf.tensor4d(images.subarray(0, count * size * size * channels), [count, size, size, channels])
    tensorOf(model.apply(x)).dataSync()
  })
}

const inRuntime = (): number => {
  const engine = tf.backend()
  return engine instanceof OnnxBackend ? engine.stats.runMs : Number.NaN
}

const timed = (count: number, step: () => void): object => {
  // Sessions are made in the first steps: the weights change their memory layout once.
  for (let i = 0; i < 2; i++) step()
  const ms: Array<number> = []
  const [usage, run] = [process.cpuUsage(), inRuntime()]
  for (let i = 0; i < count; i++) {
    const from = performance.now()
    step()
    ms.push(performance.now() - from)
  }
  const { user, system } = process.cpuUsage(usage)
  const all = ms.reduce((a, b) => a + b, 0)
  return {
    ms,
    cpu: (user + system) / 1000 / count,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    overhead: 1 - (inRuntime() - run) / all,
  }
}

const say = (answer: object): void => void process.stdout.write(`${JSON.stringify(answer)}\n`)
say({ ready: `Facet, ${backend}` })
for await (const line of createInterface(process.stdin)) {
  const [what, first, second] = line.split(" ")
  say(what === "train" ? timed(Number(first), train) : timed(Number(second), () => infer(Number(first))))
}
