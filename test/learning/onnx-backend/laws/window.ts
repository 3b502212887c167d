import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { type Call, type Law, make, operand, tensorsOf, transposed } from "./law.ts"

type Pad = "same" | "valid" | number | Array<[number, number]>
interface Window {
  readonly n: number
  readonly h: number
  readonly w: number
  readonly ci: number
  readonly co: number
  readonly kh: number
  readonly kw: number
  readonly strides: [number, number]
  readonly dilations: [number, number]
  readonly pad: Pad
  readonly dimRoundingMode: "floor" | "round" | "ceil" | undefined
}

const small = fc.integer({ min: 1, max: 3 })
const side = fc.integer({ min: 3, max: 7 })
const padding = fc.nat(2)
const explicit = fc.tuple(padding, padding, padding, padding).map(([t, b, l, r]): Pad => [
  [0, 0],
  [t, b],
  [l, r],
  [0, 0],
])

/** Windows that fit into their picture; square ones where the padding is a number, which tfjs takes for granted. */
const windows = (dilated: boolean): fc.Arbitrary<Window> =>
  fc
    .record({
      n: small,
      h: side,
      w: side,
      ci: fc.integer({ min: 1, max: 9 }),
      co: fc.integer({ min: 1, max: 5 }),
      kh: fc.integer({ min: 1, max: 4 }),
      kw: small,
      strides: fc.tuple(small, small),
      dilations: dilated ? fc.tuple(small, small) : fc.constant<[number, number]>([1, 1]),
      pad: fc.oneof(fc.constantFrom<Pad>("same", "same", "valid", 0, 1, 2), explicit),
      dimRoundingMode: fc.constantFrom(
        undefined,
        undefined,
        undefined,
        "floor" as const,
        "ceil" as const,
        "round" as const,
      ),
    })
    .map((g): Window => {
      const numeric = typeof g.pad === "number"
      const square = numeric ? { kw: g.kh, strides: [g.strides[0], g.strides[0]] as [number, number] } : {}
      const dilations: [number, number] = numeric ? [1, 1] : g.dilations
      return { ...g, ...square, dilations, dimRoundingMode: numeric ? g.dimRoundingMode : undefined }
    })
    .filter((g) => (g.kh - 1) * g.dilations[0] < g.h && (g.kw - 1) * g.dilations[1] < g.w)

const attrsOf = (g: Window): tf.NamedAttrMap => ({
  strides: g.strides,
  pad: g.pad,
  dataFormat: "NHWC",
  dilations: g.dilations,
  ...(g.dimRoundingMode === undefined ? {} : { dimRoundingMode: g.dimRoundingMode }),
})

const xOf = (g: Window): [number, number, number, number] => [g.n, g.h, g.w, g.ci]
const filterOf = (g: Window): [number, number, number, number] => [g.kh, g.kw, g.ci, g.co]
const outOf = (g: Window): [number, number, number, number] =>
  tf.backend_util.computeConv2DInfo(
    xOf(g),
    filterOf(g),
    g.strides,
    g.dilations,
    Array.isArray(g.pad) ? [g.pad[0], g.pad[1], g.pad[2], g.pad[3]] : g.pad,
    g.dimRoundingMode,
  ).outShape

const conv2D = (x: tf.Tensor, filter: tf.Tensor, attrs: tf.NamedAttrMap): tf.Tensor =>
  tf.engine().runKernel<tf.Tensor>("Conv2D", { x, filter }, attrs)

const ACTIVATIONS = ["linear", "relu", "relu6", "sigmoid", "elu"]

export const convLaws: { readonly [name: string]: Law } = {
  Conv2D: {
    calls: windows(true).chain((g) =>
      fc.record({
        inputs: fc.record({ x: operand(xOf(g)), filter: operand(filterOf(g)) }),
        attrs: fc.constant(attrsOf(g)),
      }),
    ),
  },
  FusedConv2D: {
    calls: windows(true).chain((g) =>
      fc.record({
        inputs: fc.record({ x: operand(xOf(g)), filter: operand(filterOf(g)), bias: operand([g.co]) }),
        attrs: fc.constantFrom(...ACTIVATIONS).map((activation) => ({ ...attrsOf(g), activation })),
      }),
    ),
  },
  // tfjs' own kernels ignore dilations here: the transposed map of the forward pass says what is right
  Conv2DBackpropInput: {
    calls: windows(true).chain((g) =>
      fc.record({
        inputs: fc.record({ dy: operand(outOf(g)), filter: operand(filterOf(g)) }),
        attrs: fc.constant({ ...attrsOf(g), inputShape: xOf(g) }),
      }),
    ),
    expected: (call) => {
      const { dy, filter } = tensorsOf(call)
      const { inputShape, ...attrs } = call.attrs
      return [transposed((x) => conv2D(x, filter, attrs), numbersOf(inputShape), dy)]
    },
  },
  Conv2DBackpropFilter: {
    calls: windows(true).chain((g) =>
      fc.record({
        inputs: fc.record({ x: operand(xOf(g)), dy: operand(outOf(g)) }),
        attrs: fc.constant({ ...attrsOf(g), filterShape: filterOf(g) }),
      }),
    ),
    expected: (call) => {
      const { x, dy } = tensorsOf(call)
      const { filterShape, ...attrs } = call.attrs
      return [transposed((filter) => conv2D(x, filter, attrs), numbersOf(filterShape), dy)]
    },
  },
}

const numbersOf = (value: unknown): Array<number> => (Array.isArray(value) ? value.map(Number) : [])

const poolAttrs = (g: Window): tf.NamedAttrMap => {
  const { dilations: _, dataFormat: __, ...attrs } = attrsOf(g)
  return { ...attrs, filterSize: [g.kh, g.kw] }
}
const poolInfo = (g: Window): tf.backend_util.Conv2DInfo =>
  tf.backend_util.computePool2DInfo(
    xOf(g),
    [g.kh, g.kw],
    g.strides,
    1,
    Array.isArray(g.pad) ? [g.pad[0], g.pad[1], g.pad[2], g.pad[3]] : g.pad,
    g.dimRoundingMode,
  )
const pooledOf = (g: Window): [number, number, number, number] => poolInfo(g).outShape

/** True if each window reaches into the picture: in the padding alone there is no mean (0/0) and no largest element. */
const reaches = (g: Window): boolean => {
  const { padInfo, outHeight, outWidth } = poolInfo(g)
  const ends =
    (outHeight - 1) * g.strides[0] - padInfo.top < g.h && (outWidth - 1) * g.strides[1] - padInfo.left < g.w
  return ends && padInfo.top < g.kh && padInfo.left < g.kw
}
const covered = windows(false).filter(reaches)

const pooling = (gs: fc.Arbitrary<Window>, domain: "any" | "whole"): fc.Arbitrary<Call> =>
  gs.chain((g) =>
    fc.record({ inputs: fc.record({ x: operand(xOf(g), { domain }) }), attrs: fc.constant(poolAttrs(g)) }),
  )

export const poolLaws: { readonly [name: string]: Law } = {
  MaxPool: {
    calls: pooling(covered, "any"),
    tolerance: 0,
  },
  AvgPool: { calls: pooling(covered, "any") },
  // whole numbers: windows with several largest elements
  MaxPoolGrad: {
    calls: covered.chain((g) =>
      fc.record({
        inputs: fc.record({ dy: operand(pooledOf(g)), input: operand(xOf(g), { domain: "whole" }) }),
        attrs: fc.constant(poolAttrs(g)),
      }),
    ),
    inputs: (call) => {
      const { dy, input } = tensorsOf(call)
      return { dy, input, output: tf.engine().runKernel<tf.Tensor>("MaxPool", { x: input }, call.attrs) }
    },
  },
  // tfjs' cpu kernel divides by the whole window where the forward pass doesn't count the padding
  AvgPoolGrad: {
    calls: covered.chain((g) =>
      fc.record({
        inputs: fc.record({ dy: operand(pooledOf(g)), input: operand(xOf(g)) }),
        attrs: fc.constant(poolAttrs(g)),
      }),
    ),
    expected: (call) => {
      const inputs = Object.values(call.inputs)
      const [dy, input] = inputs
      const pool = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel<tf.Tensor>("AvgPool", { x }, call.attrs)
      return [transposed(pool, input.shape, make(dy))]
    },
  },
}
