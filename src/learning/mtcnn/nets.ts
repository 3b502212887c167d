import * as tf from "@tensorflow/tfjs"
import { batchNorm, connect, initialise } from "../networks/layers.ts"

/**
 * The three networks of MTCNN (Zhang et al. 2016): proposals on 12×12 windows, refinement at 24×24, output with five
 * landmarks at 48×48. All convolutions are valid with stride 1 and followed by a PReLU with one slope a channel.
 */
export type MtcnnNet = "pnet" | "rnet" | "onet"

/** Side of the square input each network is trained on, pixels. */
export const MTCNN_SIZE: Readonly<Record<MtcnnNet, number>> = { pnet: 12, rnet: 24, onet: 48 }

interface ConvStep {
  readonly filters: number
  readonly kernel: number
  readonly pool?: number
}

interface Plan {
  readonly trunk: ReadonlyArray<ConvStep>
  /** Units of the fully connected layer; P-Net has none and stays fully convolutional. */
  readonly dense?: number
  /** Share of the fully connected layer's outputs, before their PReLU, that training sets to 0. */
  readonly dropout?: number
  readonly heads: { readonly classes: string; readonly boxes: string; readonly landmarks?: string }
}

/** Layer names are those of the published weights (docs of facenet-pytorch: conv4_1, dense5_2 …). */
export const MTCNN_PLANS: Readonly<Record<MtcnnNet, Plan>> = {
  pnet: {
    trunk: [
      { filters: 10, kernel: 3, pool: 2 },
      { filters: 16, kernel: 3 },
      { filters: 32, kernel: 3 },
    ],
    heads: { classes: "conv4_1", boxes: "conv4_2" },
  },
  rnet: {
    trunk: [
      { filters: 28, kernel: 3, pool: 3 },
      { filters: 48, kernel: 3, pool: 3 },
      { filters: 64, kernel: 2 },
    ],
    dense: 128,
    heads: { classes: "dense5_1", boxes: "dense5_2" },
  },
  onet: {
    trunk: [
      { filters: 32, kernel: 3, pool: 3 },
      { filters: 64, kernel: 3, pool: 3 },
      { filters: 64, kernel: 3, pool: 2 },
      { filters: 128, kernel: 2 },
    ],
    dense: 256,
    dropout: 0.25,
    heads: { classes: "dense6_1", boxes: "dense6_2", landmarks: "dense6_3" },
  },
}

/**
 * Max-pool of stride 2 whose output size is rounded up ("ceil mode"). tfjs has no such mode, but where
 * ceil((n − k) / 2) + 1 = ceil(n / 2) its "same" padding is it: one column at the far side at most, and never the
 * larger value. That holds for k = 2 always and for k = 3 on even n; for k = 3 on odd n nothing is to be padded and
 * "valid" is exact.
 */
const ceilPool = (name: string, pool: number, size: number | null, x: tf.SymbolicTensor): tf.SymbolicTensor =>
  connect(
    tf.layers.maxPooling2d({
      name,
      poolSize: pool,
      strides: 2,
      padding: pool === 3 && size !== null && size % 2 === 1 ? "valid" : "same",
    }),
    x,
  )

const prelu = (name: string, x: tf.SymbolicTensor): tf.SymbolicTensor =>
  connect(
    tf.layers.prelu({
      name,
      alphaInitializer: tf.initializers.constant({ value: 0.25 }),
      ...(x.shape.length === 4 ? { sharedAxes: [1, 2] } : {}),
    }),
    x,
  )

/**
 * A network with fresh weights (normal, variance 2 / fan-in; slopes 0.25; biases 0). Input [N, size, size, 3] RGB,
 * `(x − 127.5) / 128`. Outputs: class logits (no face, face) [N, 2], box [N, 4] as offsets of (x1, y1, x2, y2) in
 * parts of the window's side, and for O-Net landmarks [N, 10], five x then five y relative to the window.
 * P-Net gives maps: [N, h, w, 2] and [N, h, w, 4], 1×1 on a 12×12 window.
 * @param size input side; `null` for a P-Net that takes any (at least 12).
 * @param normalised with batch normalisation before every PReLU (`norm1` …), to train fast: `foldNormalisation` then
 * makes the plain network of it. Its heads start at 0.
 */
export const buildMtcnnNet = (
  net: MtcnnNet,
  seed = 0,
  size: number | null = MTCNN_SIZE[net],
  normalised = false,
): tf.LayersModel => {
  const plan = MTCNN_PLANS[net]
  const activate = (step: number, x: tf.SymbolicTensor): tf.SymbolicTensor =>
    prelu(`prelu${step}`, normalised ? batchNorm(`norm${step}`, x) : x)
  const input = tf.input({ shape: [size, size, 3], name: "input" })
  let x: tf.SymbolicTensor = input
  for (const [index, { filters, kernel, pool }] of plan.trunk.entries()) {
    const step = index + 1
    const conv = tf.layers.conv2d({
      name: `conv${step}`,
      filters,
      kernelSize: kernel,
      padding: "valid",
      kernelInitializer: "zeros",
    })
    x = activate(step, connect(conv, x))
    if (pool !== undefined) x = ceilPool(`pool${step}`, pool, x.shape[1], x)
  }
  const fully = plan.dense !== undefined
  const next = plan.trunk.length + 1
  if (fully) {
    x = connect(tf.layers.flatten({ name: "flatten" }), x)
    x = connect(tf.layers.dense({ name: `dense${next}`, units: plan.dense, kernelInitializer: "zeros" }), x)
    x = activate(next, x)
  }
  const head = (name: string, units: number): tf.SymbolicTensor =>
    connect(
      fully
        ? tf.layers.dense({ name, units, kernelInitializer: "zeros" })
        : tf.layers.conv2d({ name, filters: units, kernelSize: 1, kernelInitializer: "zeros" }),
      x,
    )
  const outputs = [head(plan.heads.classes, 2), head(plan.heads.boxes, 4)]
  if (plan.heads.landmarks !== undefined) outputs.push(head(plan.heads.landmarks, 10))
  const model = tf.model({ name: net, inputs: input, outputs })
  initialise(model, seed, () => false)
  // `initialise` takes a PReLU's [1, 1, C] slopes for a kernel.
  for (const layer of model.layers)
    if (layer.name.startsWith("prelu"))
      tf.tidy(() => layer.setWeights(layer.getWeights().map((slope) => tf.fill(slope.shape, 0.25))))
  if (normalised)
    for (const name of Object.values(plan.heads))
      tf.tidy(() => {
        const head = model.getLayer(name)
        head.setWeights(head.getWeights().map((weight) => tf.zerosLike(weight)))
      })
  return model
}
