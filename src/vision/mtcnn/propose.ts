import type { OnnxSession, OnnxTensor } from "../../learning/onnx/session.ts"
import { concat, pick, regress, square, type Boxes } from "./boxes.ts"
import { poolRegion, type Integral } from "./integral.ts"
import { suppress } from "./nms.ts"

/** Side of P-Net's window and distance between its answers, in pixels of a pyramid level. */
const window = 12
const stride = 2

/** Scales of the pyramid: from window / minFaceSize down by `factor` while the short side holds one window. */
export function pyramidScales(
  width: number,
  height: number,
  minFaceSize: number,
  factor: number,
): Array<number> {
  const scales: Array<number> = []
  let scale = window / minFaceSize
  let short = Math.min(width, height) * scale
  while (short >= window) {
    scales.push(scale)
    scale *= factor
    short *= factor
  }
  return scales
}

/** What P-Net needs from the outside: makes a tensor and gives a buffer of at least that many values. */
export interface Proposer {
  readonly session: OnnxSession
  readonly tensor: (data: Float32Array, dims: ReadonlyArray<number>) => OnnxTensor
  readonly buffer: (length: number) => Float32Array
}

/** First stage: face candidates of all scales, suppressed within and across scales, regressed and made square. */
export function propose(
  proposer: Proposer,
  photo: Integral,
  scales: ReadonlyArray<number>,
  threshold: number,
): Boxes {
  const levels = scales.map((scale) => {
    const found = proposeLevel(proposer, photo, scale, threshold)
    return pick(found, suppress(found.xyxy, found.scores, 0.5, "union"))
  })
  const all = concat(levels)
  return square(regress(pick(all, suppress(all.xyxy, all.scores, 0.7, "union")), 0))
}

function proposeLevel(
  { session, tensor, buffer }: Proposer,
  photo: Integral,
  scale: number,
  threshold: number,
) {
  const width = Math.floor(photo.width * scale + 1)
  const height = Math.floor(photo.height * scale + 1)
  const input = buffer(3 * width * height)
  poolRegion(photo, { x: 0, y: 0, width: photo.width, height: photo.height }, width, height, input)
  const { y } = session.run({ x: tensor(input, [1, 3, height, width]) })
  return decode(y, scale, threshold)
}

/** The cells whose face probability reaches the threshold, as boxes in the photo. */
function decode(y: OnnxTensor, scale: number, threshold: number): Boxes {
  const { data, dims } = y
  if (!(data instanceof Float32Array)) throw new TypeError(`P-Net gave ${y.type} instead of float32.`)
  const columns = dims[3]
  const cells = dims[2] * columns
  // Compared as logits first: the exponential is needed for few cells only.
  const logit = Math.log(threshold / (1 - threshold)) - 1e-4
  const places: Array<number> = []
  for (let i = 0; i < cells; i++) {
    if (data[i] >= logit && probability(data[i]) >= threshold) places.push(i)
  }
  const count = places.length
  const xyxy = new Float32Array(count * 4)
  const scores = new Float32Array(count)
  const offsets = new Float32Array(count * 4)
  const s = Math.fround(scale)
  const side = (cell: number, edge: number) => Math.floor(Math.fround((stride * cell + edge) / s))
  for (let k = 0; k < count; k++) {
    const i = places[k]
    const column = i % columns
    const row = (i - column) / columns
    scores[k] = probability(data[i])
    xyxy[4 * k] = side(column, 1)
    xyxy[4 * k + 1] = side(row, 1)
    xyxy[4 * k + 2] = side(column, window)
    xyxy[4 * k + 3] = side(row, window)
    for (let c = 0; c < 4; c++) offsets[4 * k + c] = data[(c + 1) * cells + i]
  }
  return { count, xyxy, scores, offsets }
}

/** Logistic function, rounded to float32: what a softmax over two logits gives for their difference. */
export function probability(logit: number): number {
  return Math.fround(1 / (1 + Math.exp(-logit)))
}
