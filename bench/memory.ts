/**
 * Memory over a long training: all layers and weights of both networks, small pictures and batches (so that hundreds of
 * steps take minutes), an evaluation and a checkpoint in between, as in model.train.
 *
 *   node --expose-gc bench/memory.ts [--steps 500] [--nets densenet40,resnet50] [--size 16] [--batch 4] [--threads 2]
 */
import { parseArgs } from "node:util"
import * as tf from "@tensorflow/tfjs"
import { useBackend } from "../src/learning/backend.ts"
import { buildNetwork } from "../src/learning/networks/index.ts"
import { OnnxBackend } from "../src/learning/onnx-backend/backend.ts"
import { tensorOf } from "../src/learning/predict.ts"
import { randomOf } from "../src/learning/random.ts"
import { sgd } from "../src/learning/sgd.ts"
import { trainingStep } from "../src/learning/training-step.ts"

const { values: options } = parseArgs({
  options: {
    steps: { type: "string", default: "500" },
    nets: { type: "string", default: "densenet40,resnet50" },
    size: { type: "string", default: "16" },
    batch: { type: "string", default: "4" },
    threads: { type: "string", default: "2" },
  },
})
const [steps, size, batch] = [options.steps, options.size, options.batch].map(Number)
const CLASSES = 7
/** Steps between two evaluations, each with a checkpoint. */
const EPOCH = 50

interface Reading {
  readonly rss: number
  readonly heap: number
  readonly tensors: number
  readonly dataIds: number
  readonly pooled: number
  readonly sessions: number
}

const read = (backend: OnnxBackend): Reading => {
  const { gc } = globalThis
  gc?.()
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage()
  const { pooledBytes, sessions } = backend.stats
  return {
    rss,
    heap: heapUsed + arrayBuffers,
    tensors: tf.memory().numTensors,
    dataIds: backend.numDataIds(),
    pooled: pooledBytes,
    sessions,
  }
}

await useBackend("onnx", { threads: Number(options.threads) })
const backend: unknown = tf.backend()
if (!(backend instanceof OnnxBackend)) throw new Error("the onnx backend did not start")
const row = (...cells: ReadonlyArray<string | number>): void =>
  void process.stdout.write(`${cells.map((cell) => String(cell).padStart(11)).join("")}\n`)
row("network", "step", "RSS MB", "arrays MB", "tensors", "data", "pooled MB", "sessions")
const mega = (bytes: number): string => (bytes / 1e6).toFixed(0)

for (const name of options.nets.split(",")) {
  if (name !== "densenet40" && name !== "resnet50") throw new Error(`no network ${name}`)
  const model = buildNetwork({ name, size, channels: 1, classes: CLASSES })
  const optimizer = sgd(model, { momentum: 0.9, nesterov: true, l2: 1e-4 })
  const random = randomOf("memory")
  const images = (): Float32Array => Float32Array.from({ length: batch * size * size }, () => random.normal())
  const step = trainingStep(model, optimizer)
  let [largest, checkpoint] = [0, 0]
  for (let i = 1; i <= steps; i++) {
    const targets = Float32Array.from({ length: batch * CLASSES }, (_, k) =>
      k % CLASSES === Math.floor(k / CLASSES) % CLASSES ? 1 / batch : 0,
    )
    const given = [
      tf.tensor4d(images(), [batch, size, size, 1]),
      tf.tensor2d(targets, [batch, CLASSES]),
      tf.scalar(0.01),
    ] as const
    const logits = step(...given)
    logits.dataSync()
    tf.dispose([...given, logits])
    if (i % EPOCH === 0) {
      tf.tidy(() => tensorOf(model.apply(tf.tensor4d(images(), [batch, size, size, 1]))).dataSync())
      checkpoint = [...model.getWeights(), ...optimizer.velocities].reduce(
        (n, w) => n + w.dataSync().length,
        0,
      )
    }
    largest = Math.max(largest, process.memoryUsage().rss)
    if (i === 1 || i === EPOCH + 1 || i % (2 * EPOCH) === 0) {
      const r = read(backend)
      row(name, i, mega(r.rss), mega(r.heap), r.tensors, r.dataIds, mega(r.pooled), r.sessions)
    }
  }
  row(name, "most", mega(largest), `(${checkpoint} numbers a checkpoint)`)
  optimizer.dispose()
  model.dispose()
  backend.release()
}
