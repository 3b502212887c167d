import type { OnnxSession, OnnxTensor } from "../../learning/onnx/session.ts"
import { float32Data } from "./tensors.ts"
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

/** Pixels of a level that P-Net sees in one run: as many as keep its layers' values in the processor's cache. */
const stripPixels = 45_000

/**
 * Runs P-Net over one level, in horizontal strips. A strip of 2n + 10 rows that starts at an even row gives the n
 * rows of answers that the whole level would have there: the pool's windows stay the same.
 */
function proposeLevel(
  { session, tensor, buffer }: Proposer,
  photo: Integral,
  scale: number,
  threshold: number,
) {
  const width = Math.floor(photo.width * scale + 1)
  const height = Math.floor(photo.height * scale + 1)
  const whole = { x: 0, y: 0, width: photo.width, height: photo.height }
  const overlap = window - stride
  const rows = Math.ceil((height - 2) / stride) - 4
  const perStrip = Math.max(16, Math.floor((stripPixels / width - overlap) / stride))
  const strips = Math.ceil(rows / perStrip)
  const found = newCandidates()
  for (let k = 0; k < strips; k++) {
    const first = Math.floor((k * rows) / strips)
    const next = Math.floor(((k + 1) * rows) / strips)
    const top = first * stride
    const bottom = next === rows ? height : next * stride + overlap
    const input = buffer(3 * width * (bottom - top))
    poolRegion(photo, whole, width, height, input, 0, top, bottom)
    const { y } = session.run({ x: tensor(input, [1, 3, bottom - top, width]) })
    collect(found, y, first, threshold)
  }
  return boxesOf(found, scale)
}

/** Cells of a level whose face probability reaches the threshold. */
interface Candidates {
  readonly columns: Array<number>
  readonly rows: Array<number>
  readonly scores: Array<number>
  /** Four a cell. */
  readonly offsets: Array<number>
}

const newCandidates = (): Candidates => ({ columns: [], rows: [], scores: [], offsets: [] })

function collect(found: Candidates, y: OnnxTensor, firstRow: number, threshold: number): void {
  const data = float32Data(y)
  const columns = y.dims[3]
  const cells = y.dims[2] * columns
  // Compared as logits first: the exponential is needed for few cells only.
  const logit = Math.log(threshold / (1 - threshold)) - 1e-4
  for (let i = 0; i < cells; i++) {
    if (data[i] < logit) continue
    const score = probability(data[i])
    if (score < threshold) continue
    const column = i % columns
    found.columns.push(column)
    found.rows.push(firstRow + (i - column) / columns)
    found.scores.push(score)
    for (let c = 1; c <= 4; c++) found.offsets.push(data[c * cells + i])
  }
}

/** Where the cells' windows lie in the photo. */
function boxesOf({ columns, rows, scores, offsets }: Candidates, scale: number): Boxes {
  const s = Math.fround(scale)
  const side = (cell: number, edge: number) => Math.floor(Math.fround((stride * cell + edge) / s))
  const xyxy = new Float32Array(scores.length * 4)
  for (let k = 0; k < scores.length; k++) {
    xyxy[4 * k] = side(columns[k], 1)
    xyxy[4 * k + 1] = side(rows[k], 1)
    xyxy[4 * k + 2] = side(columns[k], window)
    xyxy[4 * k + 3] = side(rows[k], window)
  }
  return {
    count: scores.length,
    xyxy,
    scores: Float32Array.from(scores),
    offsets: Float32Array.from(offsets),
  }
}

/**
 * The face probability for the difference of the two logits, computed as a float32 softmax would. Close to 1 its
 * steps are coarse, and which boxes are equally sure decides what suppression keeps.
 */
export function probability(logit: number): number {
  const other = Math.fround(Math.exp(-Math.abs(logit)))
  const sum = Math.fround(1 + other)
  return Math.fround((logit >= 0 ? 1 : other) / sum)
}
