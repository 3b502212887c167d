import * as tf from "@tensorflow/tfjs"
import type { KernelCall } from "./kernel.ts"

/** Sizes of a two-dimensional window operation over [N, H, W, C], as in tfjs' Conv2DInfo, in short names. */
export interface Geometry {
  /** Batch. */
  readonly n: number
  /** Input height, width, channels. */
  readonly h: number
  readonly w: number
  readonly ci: number
  /** Output height, width, channels. */
  readonly oh: number
  readonly ow: number
  readonly co: number
  /** Window height and width. */
  readonly kh: number
  readonly kw: number
  readonly sh: number
  readonly sw: number
  readonly dh: number
  readonly dw: number
  readonly top: number
  readonly left: number
  readonly bottom: number
  readonly right: number
}

/** All numbers of a geometry as a key. */
export const geometryKey = (c: Geometry): string => Object.values(c).join()

function padOf(call: KernelCall): "same" | "valid" | number | tf.backend_util.ExplicitPadding {
  const pad: unknown = call.raw("pad")
  if (pad === "same" || pad === "valid" || typeof pad === "number") return pad
  const pairs = call.pairs("pad")
  return [pairs[0], pairs[1], pairs[2], pairs[3]]
}

function pairOf(call: KernelCall, attr: string): [number, number] {
  if (!call.has(attr)) return [1, 1]
  const values = call.numbers(attr)
  return values.length === 1 ? [values[0], values[0]] : [values[0], values[1]]
}

const roundingOf = (call: KernelCall): "floor" | "round" | "ceil" | undefined => {
  const mode: unknown = call.raw("dimRoundingMode")
  return mode === "floor" || mode === "round" || mode === "ceil" ? mode : undefined
}

/**
 * Padding at the end of a side that the last window reaches: less than what tfjs says where the stride leaves some
 * over, more where a rounding mode lets it reach further.
 */
const endPadding = (size: number, before: number, windows: number, stride: number, reach: number): number =>
  Math.max(0, (windows - 1) * stride + reach - size - before)

const short = (info: tf.backend_util.Conv2DInfo): Geometry => ({
  n: info.batchSize,
  h: info.inHeight,
  w: info.inWidth,
  ci: info.inChannels,
  oh: info.outHeight,
  ow: info.outWidth,
  co: info.outChannels,
  kh: info.filterHeight,
  kw: info.filterWidth,
  sh: info.strideHeight,
  sw: info.strideWidth,
  dh: info.dilationHeight,
  dw: info.dilationWidth,
  top: info.padInfo.top,
  left: info.padInfo.left,
  bottom: endPadding(
    info.inHeight,
    info.padInfo.top,
    info.outHeight,
    info.strideHeight,
    (info.filterHeight - 1) * info.dilationHeight + 1,
  ),
  right: endPadding(
    info.inWidth,
    info.padInfo.left,
    info.outWidth,
    info.strideWidth,
    (info.filterWidth - 1) * info.dilationWidth + 1,
  ),
})

/** True if ONNX's output size for these pads is tfjs': not where tfjs computes fewer windows than fit. */
const agrees = (c: Geometry): boolean =>
  Math.floor((c.h + c.top + c.bottom - (c.kh - 1) * c.dh - 1) / c.sh) + 1 === c.oh &&
  Math.floor((c.w + c.left + c.right - (c.kw - 1) * c.dw - 1) / c.sw) + 1 === c.ow

/** Geometry of a convolution, or undefined where ONNX has no equal. */
export function convGeometry(
  call: KernelCall,
  xShape: ReadonlyArray<number>,
  filterShape: ReadonlyArray<number>,
): Geometry | undefined {
  if (call.has("dataFormat") && call.text("dataFormat") !== "NHWC") return undefined
  const [n, h, w, c] = xShape
  const [kh, kw, ci, co] = filterShape
  const geometry = short(
    tf.backend_util.computeConv2DInfo(
      [n, h, w, c],
      [kh, kw, ci, co],
      pairOf(call, "strides"),
      pairOf(call, "dilations"),
      padOf(call),
      roundingOf(call),
      false,
      "channelsLast",
    ),
  )
  return agrees(geometry) && c === ci ? geometry : undefined
}

/** Geometry of a pooling, or undefined where ONNX has no equal. */
export function poolGeometry(call: KernelCall, xShape: ReadonlyArray<number>): Geometry | undefined {
  const [n, h, w, c] = xShape
  const geometry = short(
    tf.backend_util.computePool2DInfo(
      [n, h, w, c],
      pairOf(call, "filterSize"),
      pairOf(call, "strides"),
      1,
      padOf(call),
      roundingOf(call),
      "channelsLast",
    ),
  )
  const { top, bottom, left, right, kh, kw } = geometry
  const padded = Math.max(top, bottom) < kh && Math.max(left, right) < kw
  return agrees(geometry) && padded ? geometry : undefined
}
