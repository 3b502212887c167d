import { LOOSE, real, ROUNDING, testCase, truth, whole, type Case } from "./case.ts"

const moves = (): Array<Case> => [
  testCase("Reshape", "reals", { x: real([3, 8], 1) }, { shape: [4, 6] }, 0),
  testCase("Transpose", "2 dimensions", { x: real([5, 12], 2) }, { perm: [1, 0] }, 0),
  testCase("Transpose", "4 dimensions", { x: real([2, 3, 4, 5], 3) }, { perm: [3, 0, 2, 1] }, 0),
  testCase("Concat", "last dimension", [real([2, 3], 4), real([2, 5], 5)], { axis: 1 }, 0),
  testCase("Concat", "channels", [real([2, 3, 3, 4], 6), real([2, 3, 3, 2], 7)], { axis: 3 }, 0),
  testCase("Concat", "whole numbers", [whole([3], 8), whole([4], 9), whole([1], 10)], { axis: 0 }, 0),
  testCase("Slice", "reals", { x: real([5, 9], 11) }, { begin: [1, 2], size: [3, 4] }, 0),
  testCase("Slice", "truth values", { x: truth([9], 12) }, { begin: [2], size: [5] }, 0),
  testCase(
    "StridedSlice",
    "every other",
    { x: real([7, 9], 13) },
    {
      begin: [0, 1],
      end: [7, 9],
      strides: [2, 3],
      beginMask: 0,
      endMask: 0,
      ellipsisMask: 0,
      newAxisMask: 0,
      shrinkAxisMask: 0,
    },
    0,
  ),
  testCase(
    "PadV2",
    "a value around",
    { x: real([2, 3, 4], 14) },
    {
      paddings: [
        [0, 0],
        [1, 2],
        [2, 1],
      ],
      constantValue: 7,
    },
    0,
  ),
  testCase(
    "MirrorPad",
    "reflected",
    { x: real([4, 5], 15) },
    {
      paddings: [
        [1, 2],
        [2, 0],
      ],
      mode: "reflect",
    },
    0,
  ),
  testCase("Tile", "a broadcast", { x: real([4, 1, 3], 16) }, { reps: [1, 5, 1] }, 0),
  testCase("Tile", "repeated", { x: real([2, 3], 17) }, { reps: [2, 3] }, 0),
  testCase("Reverse", "one dimension", { x: real([4, 5], 18) }, { dims: [1] }, 0),
]

const choices = (): Array<Case> => [
  testCase("Select", "element by element", {
    condition: truth([3, 7], 20),
    t: real([3, 7], 21),
    e: real([3, 7], 22),
  }),
  testCase("Select", "row by row", {
    condition: truth([3], 23),
    t: real([3, 7], 24),
    e: real([3, 7], 25),
  }),
  testCase(
    "OneHot",
    "out of range too",
    { indices: whole([6], 26, -1, 5) },
    { depth: 5, onValue: 1, offValue: 0, dtype: "float32" },
    0,
  ),
  testCase("GatherV2", "rows", { x: real([6, 5], 27), indices: whole([4], 28, 0, 5) }, { axis: 0 }, 0),
  testCase("GatherV2", "columns", { x: real([4, 6], 29), indices: whole([3], 30, 0, 5) }, { axis: 1 }, 0),
  testCase(
    "UnsortedSegmentSum",
    "reals",
    { x: real([7, 4], 31), segmentIds: whole([7], 32, 0, 3) },
    { numSegments: 4 },
  ),
]

const reductions = (): Array<Case> => [
  ...["Sum", "Mean"].flatMap((kernel) => [
    testCase(kernel, "all", { x: real([7, 33], 40) }, {}),
    testCase(kernel, "last dimension", { x: real([5, 67], 41) }, { axis: [1] }),
    testCase(kernel, "first dimension", { x: real([67, 5], 42) }, { axis: [0] }),
    testCase(kernel, "all but channels", { x: real([2, 5, 5, 6], 43) }, { axis: [0, 1, 2], keepDims: true }),
    testCase(kernel, "whole numbers", { x: whole([3, 9], 44) }, { axis: [1] }),
    testCase(kernel, "truth values", { x: truth([3, 9], 45) }, { axis: [1] }),
  ]),
  testCase("Max", "last dimension", { x: real([5, 67], 46) }, { reductionIndices: [1] }, 0),
  testCase("Max", "whole numbers", { x: whole([5, 9], 47) }, { reductionIndices: [0] }, 0),
  testCase("Min", "last dimension", { x: real([5, 67], 48) }, { axis: [1] }, 0),
  testCase("Min", "whole numbers", { x: whole([5, 9], 49) }, { axis: [0] }, 0),
  testCase("Prod", "last dimension", { x: real([5, 6], 50, 0.5, 1) }, { axis: [1] }),
  testCase("All", "last dimension", { x: truth([5, 3], 51) }, { axis: [1] }, 0),
  testCase("Any", "last dimension", { x: truth([5, 3], 52) }, { axis: [1] }, 0),
  testCase("ArgMax", "last dimension", { x: real([6, 9], 53) }, { axis: 1 }, 0),
  testCase("ArgMin", "first dimension", { x: real([9, 6], 54) }, { axis: 0 }, 0),
  testCase("Softmax", "7 classes", { logits: real([5, 7], 55, 4) }, { dim: 1 }, LOOSE),
  testCase("Softmax", "64 classes", { logits: real([3, 64], 56, 4) }, { dim: 1 }, LOOSE),
  testCase("LogSoftmax", "7 classes", { logits: real([5, 7], 57, 4) }, { axis: 1 }, LOOSE),
  testCase("Cumsum", "reals", { x: real([3, 9], 58) }, { axis: 1, exclusive: false, reverse: false }),
  testCase("Cumsum", "from the end", { x: real([3, 9], 59) }, { axis: 1, exclusive: true, reverse: true }),
]

const products = (): Array<Case> => [
  ...[false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB) => {
      const turns = { transposeA, transposeB }
      const form = `${transposeA ? "Aᵀ" : "A"}${transposeB ? "Bᵀ" : "B"}`
      const pair = (m: number, k: number, n: number, batch: Array<number>) => ({
        a: real([...batch, ...(transposeA ? [k, m] : [m, k])], 60),
        b: real([...batch, ...(transposeB ? [n, k] : [k, n])], 61),
      })
      return [
        testCase("BatchMatMul", `${form}, small and odd`, pair(5, 7, 3, []), turns),
        testCase("BatchMatMul", `${form}, in fours`, pair(36, 64, 40, []), turns),
        testCase("BatchMatMul", `${form}, in batches`, pair(3, 6, 5, [2]), turns),
      ]
    }),
  ),
  testCase(
    "BatchMatMul",
    "a long sum",
    { a: real([4, 1500], 62), b: real([1500, 6], 63) },
    {},
    10 * ROUNDING,
  ),
  testCase(
    "_FusedMatMul",
    "bias and relu",
    { a: real([5, 8], 64), b: real([8, 4], 65), bias: real([4], 66) },
    { transposeA: false, transposeB: false, activation: "relu" },
  ),
]

/** Operations that move, choose, reduce or multiply whole dimensions. */
export const shapeCases = (): Array<Case> => [...moves(), ...choices(), ...reductions(), ...products()]
