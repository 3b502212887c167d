import { BATCH_INPUT_GRADIENT, BATCH_MEAN, BATCH_PRODUCT, BATCH_VARIANCE } from "../kernels/batch-norm.ts"
import { halves, real, ROUNDING, testCase, type Case } from "./case.ts"

interface Window {
  readonly form: string
  /** Batch, side, channels in and out, side of the filter. */
  readonly n: number
  readonly side: number
  readonly ci: number
  readonly co: number
  readonly k: number
  readonly stride?: number
  readonly dilation?: number
  readonly pad?: "valid"
}

/** One for each way that convolutions and their gradients are lowered, with channels in fours and not. */
const WINDOWS: ReadonlyArray<Window> = [
  { form: "1×1", n: 2, side: 5, ci: 3, co: 5, k: 1 },
  { form: "1×1, in fours", n: 2, side: 4, ci: 16, co: 32, k: 1 },
  { form: "1×1, stride 2", n: 2, side: 5, ci: 4, co: 6, k: 1, stride: 2 },
  { form: "3×3", n: 2, side: 6, ci: 3, co: 5, k: 3 },
  { form: "3×3, in fours", n: 2, side: 8, ci: 8, co: 8, k: 3 },
  { form: "3×3, fewer channels out", n: 2, side: 5, ci: 9, co: 2, k: 3 },
  { form: "3×3, unpadded", n: 1, side: 6, ci: 2, co: 3, k: 3, pad: "valid" },
  { form: "3×3, stride 2", n: 2, side: 9, ci: 3, co: 4, k: 3, stride: 2 },
  { form: "3×3, stride 2, small", n: 2, side: 4, ci: 4, co: 4, k: 3, stride: 2 },
  { form: "3×3, dilation 2", n: 1, side: 7, ci: 2, co: 3, k: 3, dilation: 2 },
  { form: "7×7, stride 2", n: 1, side: 12, ci: 3, co: 4, k: 7, stride: 2 },
]

/** Wide enough for sums over filters and pictures, of up to a few hundred products. */
const SUMS = 4 * ROUNDING

const convolutions = (): Array<Case> =>
  WINDOWS.flatMap(({ form, n, side, ci, co, k, stride = 1, dilation = 1, pad = "same" }, i) => {
    const out = pad === "same" ? Math.ceil(side / stride) : Math.ceil((side - (k - 1) * dilation) / stride)
    const attrs = { strides: [stride, stride], pad, dataFormat: "NHWC", dilations: [dilation, dilation] }
    const [x, filter, dy] = [
      real([n, side, side, ci], 100 + i),
      real([k, k, ci, co], 200 + i),
      real([n, out, out, co], 300 + i),
    ]
    const [inputShape, filterShape] = [x.shape, filter.shape]
    return [
      testCase("Conv2D", form, { x, filter }, attrs, SUMS),
      testCase("Conv2DBackpropInput", form, { dy, filter }, { ...attrs, inputShape }, SUMS),
      testCase("Conv2DBackpropFilter", form, { x, dy }, { ...attrs, filterShape }, SUMS),
    ]
  })

const fusedConvolution = (): Case =>
  testCase(
    "FusedConv2D",
    "bias and relu",
    { x: real([1, 5, 5, 3], 400), filter: real([3, 3, 3, 4], 401), bias: real([4], 402) },
    { strides: [1, 1], pad: "same", dataFormat: "NHWC", dilations: [1, 1], activation: "relu" },
    SUMS,
  )

const pools = (): Array<Case> =>
  [
    { form: "2×2", side: 6, k: 2, s: 2, pad: "valid" },
    { form: "3×3, stride 2, padded", side: 7, k: 3, s: 2, pad: "same" },
    { form: "the whole map", side: 4, k: 4, s: 4, pad: "valid" },
  ].flatMap(({ form, side, k, s, pad }, i) => {
    const out = pad === "same" ? Math.ceil(side / s) : Math.ceil((side - k + 1) / s)
    const attrs = { filterSize: [k, k], strides: [s, s], pad }
    // below 0, so that padding taken for a value shows
    const x = real([2, side, side, 3], 500 + i, 1, -2)
    // with equal largest elements; each output is that of no pooling in particular but for some windows
    const [input, output] = [halves([2, side, side, 3], 510 + i), halves([2, out, out, 3], 520 + i)]
    const dy = real([2, out, out, 3], 530 + i)
    return [
      testCase("MaxPool", form, { x }, attrs, 0),
      testCase("AvgPool", form, { x }, attrs),
      testCase("MaxPoolGrad", form, { dy, input, output }, attrs),
      testCase("AvgPoolGrad", form, { dy, input }, attrs),
    ]
  })

const normalization = (): Array<Case> => {
  const [x, dy] = [real([3, 4, 4, 5], 600, 1, 0.5), real([3, 4, 4, 5], 601)]
  const row = (seed: number): ReturnType<typeof real> => real([5], seed, 0.5, 1)
  const [mean, variance, scale, offset] = [row(602), row(603), row(604), row(605)]
  const epsilon = 1e-3
  return [
    testCase(
      "FusedBatchNorm",
      "given statistics",
      { x, mean, variance, offset, scale },
      {
        varianceEpsilon: epsilon,
      },
    ),
    testCase(BATCH_MEAN, "a map", { x }),
    testCase(BATCH_VARIANCE, "a map", { x }),
    // a mean a hundred times the deviation: E[x²] − E[x]² would cancel
    testCase(BATCH_VARIANCE, "far from 0", { x: real([3, 4, 4, 5], 606, 0.01, 1) }, {}, 1e-2),
    testCase(BATCH_PRODUCT, "a map", { x, dy, mean, variance, sum: row(607) }, { epsilon }, SUMS),
    testCase(
      BATCH_INPUT_GRADIENT,
      "a map",
      { x, dy, mean, variance, scale, dOffset: row(608), dScale: row(609) },
      { epsilon },
    ),
  ]
}

const resizing = (): Array<Case> =>
  [
    { alignCorners: false, halfPixelCenters: false },
    { alignCorners: true, halfPixelCenters: false },
    { alignCorners: false, halfPixelCenters: true },
  ].flatMap((mode, i) => {
    const form = mode.alignCorners ? "corners aligned" : mode.halfPixelCenters ? "half pixels" : "as it was"
    const [images, dy] = [real([2, 4, 5, 3], 700 + i), real([2, 7, 6, 3], 710 + i)]
    return ["ResizeBilinear", "ResizeNearestNeighbor"].flatMap((kernel) => [
      testCase(kernel, form, { images }, { ...mode, size: [7, 6] }),
      testCase(`${kernel}Grad`, form, { images, dy }, mode),
    ])
  })

/** Operations on feature maps [N, H, W, C]. */
export const windowCases = (): Array<Case> => [
  ...convolutions(),
  fusedConvolution(),
  ...pools(),
  ...normalization(),
  ...resizing(),
]
