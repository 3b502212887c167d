// Trains a small net by the provider named, and says what came of it and where it was computed.
import { glob, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as tf from "@tensorflow/tfjs"
import { compiled } from "../../../src/learning/backend.ts"
import { registerOnnxBackend } from "../../../src/learning/onnx-backend/register.ts"
import { tensorOf } from "../../../src/learning/predict.ts"
import { sgd } from "../../../src/learning/sgd.ts"

const [provider] = process.argv.slice(2)
const [BATCH, SIZE, CLASSES, STEPS] = [2, 6, 3, 100]

const profilePrefix = join(tmpdir(), `facet-webgpu-profile-${process.pid}`)
const session: { profilePrefix?: string } = {}
const backend = await registerOnnxBackend({ threads: 1, session })
if (provider === "webgpu") backend.use("webgpu")

const numbers = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233))

/** How many nodes each provider computed since the last time, and how many tensors went to and fro. */
async function places(): Promise<Record<string, number>> {
  backend.release()
  const counts: Record<string, number> = {}
  for await (const file of glob(`${profilePrefix}*.json`)) {
    const events = JSON.parse(await readFile(file, "utf8")) as ReadonlyArray<{
      readonly name: string
      readonly args?: { readonly provider?: string; readonly op_name?: string }
    }>
    for (const { name, args } of events) {
      if (args?.provider === undefined || !name.endsWith("_kernel_time")) continue
      const key = args.op_name?.startsWith("Memcpy") === true ? "copies" : args.provider
      counts[key] = (counts[key] ?? 0) + 1
    }
    await rm(file)
  }
  return counts
}

/** Convolutions of stride 1 and 2, batch normalization, a residual sum, a concat, both poolings, a dense layer. */
function network(): tf.LayersModel {
  const { layers } = tf
  let seed = 0
  const initial = () => tf.initializers.glorotUniform({ seed: ++seed })
  const one = (x: ReturnType<tf.layers.Layer["apply"]>): tf.SymbolicTensor => {
    if (x instanceof tf.SymbolicTensor) return x
    throw new TypeError("a layer gave no symbolic tensor")
  }
  const conv = (filters: number, strides: number, x: tf.SymbolicTensor): tf.SymbolicTensor =>
    one(
      layers
        .conv2d({
          filters,
          kernelSize: 3,
          strides,
          padding: "same",
          useBias: false,
          kernelInitializer: initial(),
        })
        .apply(x),
    )
  const norm = (x: tf.SymbolicTensor): tf.SymbolicTensor => one(layers.batchNormalization().apply(x))
  const relu = (x: tf.SymbolicTensor): tf.SymbolicTensor => one(layers.reLU().apply(x))
  const input = tf.input({ shape: [SIZE, SIZE, 1] })
  const stem = relu(norm(conv(4, 1, input)))
  const unit = relu(one(layers.add().apply([norm(conv(4, 1, stem)), stem])))
  const joined = one(layers.concatenate().apply([unit, conv(3, 1, unit)]))
  const small = relu(norm(conv(6, 2, one(layers.maxPooling2d({ poolSize: 2, strides: 1 }).apply(joined)))))
  const pooled = one(layers.globalAveragePooling2d({}).apply(small))
  const logits = one(layers.dense({ units: CLASSES, kernelInitializer: initial() }).apply(pooled))
  return tf.model({ inputs: input, outputs: logits })
}

const model = network()
const start = model.getWeights().map((w) => w.clone())
const batchOf = (at: number): Array<tf.Tensor> => [
  tf.tensor4d(numbers(BATCH * SIZE * SIZE, at % 2), [BATCH, SIZE, SIZE, 1]),
  tf.tensor2d([0, 1, 0, 0, 0, 1], [BATCH, CLASSES]),
  tf.scalar(0.05),
]

interface Held {
  readonly tensors: number
  readonly bytes: number
  readonly ids: number
  readonly rss: number
}

/** Trains from the start; losses, and what was held after each step. */
function train(steps: number): { readonly losses: Array<number>; readonly held: Array<Held> } {
  model.setWeights(start)
  const optimizer = sgd(model, { momentum: 0.9, nesterov: true, l2: 1e-3 })
  const step = compiled((x, target, rate) => {
    const kept: Array<tf.Tensor> = []
    optimizer.step(() => {
      const loss = tf.losses.softmaxCrossEntropy(target, tensorOf(model.apply(x, { training: true })))
      kept.push(tf.keep(loss.clone()))
      return loss.asScalar()
    }, rate.asScalar())
    return kept
  })
  const losses: Array<number> = []
  const held: Array<Held> = []
  for (let at = 0; at < steps; at++) {
    const inputs = batchOf(at)
    const [loss] = step(...inputs)
    losses.push(loss.dataSync()[0])
    tf.dispose([loss, ...inputs])
    const { deviceTensors: tensors, deviceBytes: bytes } = backend.stats
    held.push({ tensors, bytes, ids: backend.numDataIds(), rss: process.memoryUsage.rss() })
  }
  optimizer.dispose()
  return { losses, held }
}

const { losses, held } = train(STEPS)
const predict = (): Array<number> =>
  tf.tidy(() => Array.from(tensorOf(model.predict(batchOf(0)[0])).dataSync()))
const predicted = predict()
// The weights lie in memory of sessions that end here.
backend.release()
const predictedAfterRelease = predict()
const weights = model.getWeights().map((w) => Array.from(w.dataSync()))
const { fallbacks, compiles } = backend.stats

// A profile takes memory as it grows: only now.
backend.release()
session.profilePrefix = profilePrefix
train(2)
const trusted = await places()

backend.device?.distrust(["Conv2DBackpropFilter"])
const distrusting = train(2)
const distrusted = await places()

model.dispose()
tf.dispose(start)
const { deviceTensors: tensors, deviceBytes: bytes } = backend.stats

// What a step left on the GPU is computed with on the processor.
const variable = tf.tidy(() => tf.variable(tf.tensor1d(numbers(5000, 3))))
backend.device?.distrust([])
for (let round = 0; round < 2; round++)
  tf.tidy(() => {
    variable.assign(variable.mul(2))
    backend.flush()
  })
const before = backend.stats.deviceTensors
backend.use("cpu")
const moved = {
  before,
  after: backend.stats.deviceTensors,
  sum: tf.tidy(() => variable.sum().dataSync()[0]),
  expected: 4 * numbers(5000, 3).reduce((a, v) => a + v, 0),
}
console.log(
  JSON.stringify({
    losses,
    held,
    predicted,
    predictedAfterRelease,
    moved,
    weights,
    fallbacks,
    compiles,
    left: { tensors, bytes },
    trusted,
    distrusted,
    distrustingLosses: distrusting.losses,
  }),
)
