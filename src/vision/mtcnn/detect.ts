import type { FivePoints, Point } from "../align.ts"
import type { OnnxSession, OnnxTensor } from "../../learning/onnx/session.ts"
import type { Raster } from "../raster.ts"
import { pick, regress, square, type Boxes } from "./boxes.ts"
import { buildNet } from "./graphs.ts"
import { integralOf, poolRegion, type Integral } from "./integral.ts"
import { nets, type NetName } from "./layers.ts"
import { suppress } from "./nms.ts"
import { probability, propose, pyramidScales } from "./propose.ts"
import { float32Data } from "./tensors.ts"
import type { DetectorWeights } from "./weights.ts"

/** A face found. Coordinates in pixels of the picture, the centre of its top left pixel at about (0, 0). */
export interface Face {
  /** x1, y1, x2, y2; not clipped: a box may reach outside of the picture. */
  readonly box: readonly [x1: number, y1: number, x2: number, y2: number]
  /** Probability of a face, 0 to 1. */
  readonly score: number
  /** Left eye, right eye, nose, left and right mouth corner, left and right as seen in the picture. */
  readonly landmarks: FivePoints
}

export interface DetectOptions {
  /** Side of the smallest face looked for, in pixels; 20. The work grows with its inverse square. */
  readonly minFaceSize?: number
  /** Least face probability after each of the three stages; 0.6, 0.7, 0.7. */
  readonly thresholds?: readonly [number, number, number]
  /** Ratio of one pyramid level to the one before; 0.709, about the square root of a half. */
  readonly factor?: number
}

export interface Detector {
  /**
   * Finds all faces, best first. Same picture, weights, threads and machine: same result, bit for bit. The work is
   * done before the promise returns: run several detectors in several processes.
   * @throws RangeError (as a rejection) for options out of range
   */
  readonly detect: (image: Raster, options?: DetectOptions) => Promise<Array<Face>>
  /** The same, and how many boxes each stage handed on. */
  readonly detectStages: (
    image: Raster,
    options?: DetectOptions,
  ) => Promise<{ readonly faces: Array<Face>; readonly stages: readonly [number, number, number] }>
  /** Gives the sessions' memory back; the detector cannot be used afterwards. */
  readonly close: () => Promise<void>
}

/** Windows that R-Net and O-Net look at in one run: as many as keep a layer's values in the processor's cache. */
const batchSize = { rnet: 32, onet: 8 } as const

/**
 * Makes a face detector of three trained networks: MTCNN's cascade with the steps of its facenet-pytorch port
 * (area resampling, clamped crops), so that results can be compared with it.
 * @param options.threads threads for one operator, 1 by default; results may differ in last bits between counts
 */
export async function createDetector(
  weights: DetectorWeights,
  options: { readonly threads?: number } = {},
): Promise<Detector> {
  const { createSession, onnxTensor } = await import("../../learning/onnx/session.ts")
  const open = (name: NetName): OnnxSession =>
    createSession(buildNet(name, weights[name]), {
      threads: options.threads ?? 1,
      optimization: "all",
      spinning: false,
    })
  const sessions = { pnet: open("pnet"), rnet: open("rnet"), onet: open("onet") }
  const tensor = (data: Float32Array, dims: ReadonlyArray<number>): OnnxTensor =>
    onnxTensor("float32", data, dims)

  let scratch = new Float32Array(0)
  const buffer = (length: number): Float32Array => {
    if (scratch.length < length) scratch = new Float32Array(length)
    return scratch.subarray(0, length)
  }
  let table: Int32Array | undefined

  const look = (name: "rnet" | "onet", photo: Integral, boxes: Boxes, threshold: number) =>
    keepFaces(boxes, threshold, runWindows(sessions[name], name, photo, boxes, tensor, buffer))

  const detectStages = (image: Raster, options: DetectOptions = {}) => {
    const { minFaceSize, thresholds, factor } = checkOptions(options)
    const scales = pyramidScales(image.width, image.height, minFaceSize, factor)
    if (scales.length === 0) return { faces: [], stages: [0, 0, 0] as const }
    const photo = integralOf(image, table)
    table = photo.sums
    const proposed = propose({ session: sessions.pnet, tensor, buffer }, photo, scales, thresholds[0])

    const second = look("rnet", photo, proposed, thresholds[1]).boxes
    const refined = square(regress(pick(second, suppress(second.xyxy, second.scores, 0.7, "union")), 1))

    const third = look("onet", photo, refined, thresholds[2])
    const moved = regress(third.boxes, 1)
    const kept = suppress(moved.xyxy, moved.scores, 0.7, "minimum")
    const faces = Array.from(kept, (k): Face => ({
      box: [moved.xyxy[4 * k], moved.xyxy[4 * k + 1], moved.xyxy[4 * k + 2], moved.xyxy[4 * k + 3]],
      score: moved.scores[k],
      landmarks: landmarksOf(third.boxes, third.landmarks, k),
    }))
    return { faces, stages: [proposed.count, refined.count, faces.length] as const }
  }

  return {
    detect: async (image, options) => detectStages(image, options).faces,
    detectStages: async (image, options) => detectStages(image, options),
    close: async () => {
      for (const session of Object.values(sessions)) session.dispose()
    },
  }
}

function checkOptions({ minFaceSize = 20, thresholds = [0.6, 0.7, 0.7], factor = 0.709 }: DetectOptions) {
  if (!(minFaceSize >= 4)) throw new RangeError(`minFaceSize is 4 pixels or more, not ${minFaceSize}.`)
  if (!(factor > 0 && factor < 0.99)) throw new RangeError(`factor is between 0 and 0.99, not ${factor}.`)
  if (thresholds.length !== 3 || !thresholds.every((t) => t > 0 && t < 1)) {
    throw new RangeError(`thresholds are three numbers between 0 and 1, not ${thresholds.join(", ")}.`)
  }
  return { minFaceSize, thresholds, factor }
}

/** The whole pixels of a box, cut at the picture's edges; nothing where none is left. */
function regionOf(photo: Integral, xyxy: Float32Array, p: number) {
  const x = Math.max(Math.trunc(xyxy[p]), 1) - 1
  const y = Math.max(Math.trunc(xyxy[p + 1]), 1) - 1
  const width = Math.min(Math.trunc(xyxy[p + 2]), photo.width) - x
  const height = Math.min(Math.trunc(xyxy[p + 3]), photo.height) - y
  return width > 0 && height > 0 ? { x, y, width, height } : undefined
}

/** Outputs of R-Net or O-Net for every box, `width` values each; the first is −∞ where a box has no pixels. */
function runWindows(
  session: OnnxSession,
  name: "rnet" | "onet",
  photo: Integral,
  { count, xyxy }: Boxes,
  tensor: (data: Float32Array, dims: ReadonlyArray<number>) => OnnxTensor,
  buffer: (length: number) => Float32Array,
): { readonly values: Float32Array; readonly width: number } {
  const side = nets[name].window
  const size = 3 * side * side
  const width = name === "onet" ? 15 : 5
  const values = new Float32Array(count * width)
  const batches = Math.ceil(count / batchSize[name])
  for (let b = 0; b < batches; b++) {
    const from = Math.floor((b * count) / batches)
    const n = Math.floor(((b + 1) * count) / batches) - from
    const input = buffer(n * size)
    const empty: Array<number> = []
    for (let i = 0; i < n; i++) {
      const region = regionOf(photo, xyxy, (from + i) * 4)
      if (region === undefined) {
        empty.push(from + i)
        input.fill(0, i * size, (i + 1) * size)
      } else poolRegion(photo, region, side, side, input, i * size)
    }
    const { y } = session.run({ x: tensor(input, [n, 3, side, side]) })
    values.set(float32Data(y), from * width)
    for (const i of empty) values[i * width] = -Infinity
  }
  return { values, width }
}

/** The boxes whose probability is above the threshold, with their new scores, offsets and landmark outputs. */
function keepFaces(
  { count, xyxy }: Boxes,
  threshold: number,
  { values, width }: { readonly values: Float32Array; readonly width: number },
): { readonly boxes: Boxes; readonly landmarks: Float32Array } {
  const places: Array<number> = []
  for (let i = 0; i < count; i++) if (probability(values[i * width]) > threshold) places.push(i)
  const n = places.length
  const boxes = {
    count: n,
    xyxy: new Float32Array(n * 4),
    scores: new Float32Array(n),
    offsets: new Float32Array(n * 4),
  }
  const landmarks = new Float32Array(n * 10)
  places.forEach((i, k) => {
    boxes.xyxy.set(xyxy.subarray(i * 4, i * 4 + 4), k * 4)
    boxes.scores[k] = probability(values[i * width])
    boxes.offsets.set(values.subarray(i * width + 1, i * width + 5), k * 4)
    landmarks.set(values.subarray(i * width + 5, (i + 1) * width), k * 10)
  })
  return { boxes, landmarks }
}

/** O-Net's landmarks are relative to the box it looked at, not to the one it then gives. */
function landmarksOf({ xyxy }: Boxes, landmarks: Float32Array, k: number): FivePoints {
  const x1 = xyxy[4 * k]
  const y1 = xyxy[4 * k + 1]
  const width = xyxy[4 * k + 2] - x1 + 1
  const height = xyxy[4 * k + 3] - y1 + 1
  const point = (i: number): Point => [
    Math.fround(width * landmarks[10 * k + i] + x1 - 1),
    Math.fround(height * landmarks[10 * k + 5 + i] + y1 - 1),
  ]
  return [point(0), point(1), point(2), point(3), point(4)]
}
