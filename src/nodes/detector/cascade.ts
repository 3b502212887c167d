import type { Window } from "../../learning/mtcnn/windows.ts"
import { createSession, float32Data, type OnnxSession, onnxTensor } from "../../learning/onnx/session.ts"
import { type Boxes, pick, regress, square } from "../../vision/mtcnn/boxes.ts"
import { buildNet } from "../../vision/mtcnn/graphs.ts"
import { type Integral, poolRegion, type Region } from "../../vision/mtcnn/integral.ts"
import { suppress } from "../../vision/mtcnn/nms.ts"
import { probability, propose, pyramidScales } from "../../vision/mtcnn/propose.ts"
import type { NetWeights } from "../../vision/mtcnn/weights.ts"

/**
 * The whole pixels of a window that the cascade would give to a network: sides cut to whole numbers counted from 1,
 * and to the picture. Nothing where none is left.
 */
export const regionOf = (
  { left, top, side }: Window,
  photo: { readonly width: number; readonly height: number },
): Region | undefined => {
  const x = Math.max(Math.trunc(left + 1), 1) - 1
  const y = Math.max(Math.trunc(top + 1), 1) - 1
  const width = Math.min(Math.trunc(left + side), photo.width) - x
  const height = Math.min(Math.trunc(top + side), photo.height) - y
  return width > 0 && height > 0 ? { x, y, width, height } : undefined
}

/** The first one or two stages of a cascade, as sources of windows for the stage after them. */
export interface Candidates {
  /** The windows that the next stage would have to judge. */
  readonly find: (photo: Integral) => Array<Window>
  readonly close: () => void
}

const toWindows = ({ count, xyxy }: Boxes): Array<Window> =>
  // The cascade counts pixels from 1 and both ends, and its boxes are square here.
  Array.from({ length: count }, (_, i) => ({
    left: xyxy[4 * i] - 1,
    top: xyxy[4 * i + 1] - 1,
    side: xyxy[4 * i + 2] - xyxy[4 * i] + 1,
  }))

const chunk = 64
const side = 24

/** R-Net over square boxes: those it takes for faces, with its scores and offsets. */
const refine = (session: OnnxSession, photo: Integral, proposed: Boxes, threshold: number): Boxes => {
  const windows = toWindows(proposed)
  const size = 3 * side * side
  const places: Array<number> = []
  const scores = new Float32Array(proposed.count)
  const offsets = new Float32Array(proposed.count * 4)
  for (let from = 0; from < windows.length; from += chunk) {
    const n = Math.min(chunk, windows.length - from)
    const input = new Float32Array(n * size)
    const regions = windows.slice(from, from + n).map((window) => regionOf(window, photo))
    for (const [i, region] of regions.entries())
      if (region !== undefined) poolRegion(photo, region, side, side, input, i * size)
    const y = float32Data(session.run({ x: onnxTensor("float32", input, [n, 3, side, side]) })["y"])
    for (const [i, region] of regions.entries()) {
      const score = probability(y[i * 5])
      if (region === undefined || score <= threshold) continue
      places.push(from + i)
      scores[from + i] = score
      offsets.set(y.subarray(i * 5 + 1, i * 5 + 5), (from + i) * 4)
    }
  }
  return pick({ ...proposed, scores, offsets }, Int32Array.from(places))
}

/**
 * Opens the earlier stages of a cascade.
 * @param options.thresholds least scores of P-Net and R-Net; lower ones than in use give harder and more windows
 */
export const openCandidates = (
  nets: { readonly pnet: NetWeights; readonly rnet?: NetWeights | undefined },
  options: { readonly minFaceSize: number; readonly thresholds: readonly [number, number] },
): Candidates => {
  const pnet = createSession(buildNet("pnet", nets.pnet), { optimization: "all", spinning: false })
  const rnet =
    nets.rnet === undefined
      ? undefined
      : createSession(buildNet("rnet", nets.rnet), { optimization: "all", spinning: false })
  const proposer = {
    session: pnet,
    tensor: (data: Float32Array, dims: ReadonlyArray<number>) => onnxTensor("float32", data, dims),
    buffer: (length: number) => new Float32Array(length),
  }
  return {
    find: (photo) => {
      const scales = pyramidScales(photo.width, photo.height, options.minFaceSize, 0.709)
      if (scales.length === 0) return []
      const proposed = propose(proposer, photo, scales, options.thresholds[0])
      if (rnet === undefined) return toWindows(proposed)
      const kept = refine(rnet, photo, proposed, options.thresholds[1])
      return toWindows(square(regress(pick(kept, suppress(kept.xyxy, kept.scores, 0.7, "union")), 1)))
    },
    close: () => {
      pnet.dispose()
      rnet?.dispose()
    },
  }
}
