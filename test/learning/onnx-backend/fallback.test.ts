import * as tf from "@tensorflow/tfjs"
import { describe, expect, it } from "vitest"
import { backend, bools, differences, ints, tensor, warnings } from "./kit.ts"

const rank4 = (shape: [number, number, number, number], seed: number): tf.Tensor4D =>
  tensor(shape, seed).as4D(...shape)
const rank5 = (shape: [number, number, number, number, number], seed: number): tf.Tensor5D =>
  tensor(shape, seed).as5D(...shape)

/** Operations whose kernels have no lowering, or none for these types or attributes; and the kernel's name. */
const LEFT: { readonly [kernel: string]: () => tf.Tensor | Array<tf.Tensor> } = {
  DepthwiseConv2dNative: () => {
    const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.depthwiseConv2d(x.as4D(1, 5, 5, 2), w.as4D(3, 3, 2, 2), 1, "same")
    const inputs = [tensor([1, 5, 5, 2], 1), tensor([3, 3, 2, 2], 2)]
    return [f(inputs[0], inputs[1]), ...tf.grads((...a: Array<tf.Tensor>) => f(a[0], a[1]))(inputs)]
  },
  Conv3D: () => tf.conv3d(rank5([1, 3, 4, 4, 2], 1), rank5([2, 2, 2, 2, 3], 2), 1, "same"),
  AvgPool3D: () => tf.avgPool3d(rank5([1, 4, 4, 4, 2], 1), 2, 2, "valid"),
  MaxPool3D: () => tf.maxPool3d(rank5([1, 4, 4, 4, 2], 1), 2, 2, "valid"),
  LRN: () => tf.localResponseNormalization(rank4([1, 2, 2, 5], 1), 2),
  Dilation2D: () => tf.dilation2d(rank4([1, 4, 4, 2], 1), tensor([2, 2, 2], 2).as3D(2, 2, 2), 1, "valid"),
  CropAndResize: () =>
    tf.image.cropAndResize(
      rank4([1, 6, 6, 2], 1),
      tf.tensor2d([[0.1, 0.2, 0.9, 0.8]]),
      tf.tensor1d([0], "int32"),
      [3, 3],
    ),
  RotateWithOffset: () => tf.image.rotateWithOffset(rank4([1, 5, 5, 2], 1), 0.7),
  FlipLeftRight: () => tf.image.flipLeftRight(rank4([1, 3, 4, 2], 1)),
  Transform: () => tf.image.transform(rank4([1, 5, 5, 1], 1), tf.tensor2d([[1, 0.1, 0, 0, 1, 0.5, 0, 0]])),
  NonMaxSuppressionV3: () =>
    tf.image.nonMaxSuppression(
      tf.tensor2d([
        [0, 0, 1, 1],
        [0, 0.1, 1, 1.1],
        [2, 2, 3, 3],
      ]),
      tf.tensor1d([0.9, 0.8, 0.7]),
      3,
      0.5,
    ),
  SpaceToBatchND: () =>
    tf.spaceToBatchND(
      rank4([1, 4, 4, 1], 1),
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ),
  DepthToSpace: () => tf.depthToSpace(rank4([1, 2, 2, 4], 1), 2, "NHWC"),
  GatherNd: () =>
    tf.gatherND(
      tensor([3, 4], 1),
      tf.tensor2d(
        [
          [0, 1],
          [2, 3],
        ],
        [2, 2],
        "int32",
      ),
    ),
  ScatterNd: () => tf.scatterND(tf.tensor2d([[1], [3]], [2, 1], "int32"), tensor([2], 1), [5]),
  TopK: () => Object.values(tf.topk(tensor([3, 5], 1), 2)),
  Unique: () => Object.values(tf.unique(ints([7], 1))),
  Cumprod: () => tf.cumprod(tensor([3, 4], 1), 1),
  Atan2: () => tf.atan2(tensor([3], 1), tensor([3], 2)),
  IsFinite: () => tf.isFinite(tf.tensor1d([1, Number.NaN, Number.POSITIVE_INFINITY])),
  Einsum: () => tf.einsum("ij,jk->ik", tensor([2, 3], 1), tensor([3, 4], 2)),
  DenseBincount: () => tf.denseBincount(tf.tensor1d([1, 0, 3, 1], "int32"), tf.tensor1d([]), 5),
  SearchSorted: () => tf.searchSorted(tf.tensor1d([1, 3, 5]), tf.tensor1d([0, 3, 9])),
  BitwiseAnd: () => tf.bitwiseAnd(tf.tensor1d([5, 6], "int32"), tf.tensor1d([3, 3], "int32")),
  Diag: () => tf.diag(tensor([3], 1)),
  Pow: () => tf.pow(ints([4], 1), ints([4], 2).abs()),
  Exp: () => tf.exp(ints([4], 1)),
  ArgMax: () => tf.argMax(ints([3, 4], 1), 1),
  Prod: () => tf.prod(ints([3, 4], 1), 1),
  Mod: () => tf.mod(ints([5], 1), tf.tensor1d([2, 3, -2, 5, 1], "int32")),
  Add: () => tf.add(bools([3], 1), bools([3], 2)),
  Concat: () => tf.concat([tensor([2], 1), ints([2], 2)]),
  Relu: () => tf.relu(ints([5], 1)),
  GatherV2: () =>
    tf.gather(
      tensor([2, 3], 1),
      tf.tensor2d(
        [
          [0, 2],
          [1, 1],
        ],
        [2, 2],
        "int32",
      ),
      1,
      1,
    ),
  StridedSlice: () => tf.stridedSlice(tensor([4, 5], 2), [3, 4], [0, 0], [-1, -2]),
  _FusedMatMul: () =>
    tf.fused.matMul({
      a: tensor([2, 3], 1),
      b: tensor([3, 2], 2),
      activation: "leakyrelu",
      leakyreluAlpha: 0.3,
    }),
  Conv2D: () => tf.conv2d(rank4([1, 2, 5, 5], 1), rank4([3, 3, 2, 2], 2), 1, "same", "NCHW"),
}

describe("what has no lowering is computed by tfjs' cpu kernels", () => {
  it.each(Object.entries(LEFT))("%s: the same values, said once", async (kernel, f) => {
    const before = backend.stats.fallbacks
    expect(await differences(f, 1e-6)).toEqual([])
    expect(await differences(() => [f()].flat().map((t) => tf.mul(t, 1)))).toEqual([])
    expect(backend.stats.fallbacks).toBeGreaterThan(before)
    expect(warnings.filter((w) => w.includes(` ${kernel} `))).toHaveLength(1)
  })

  it("in the middle of a graph, with gradients through it", async () => {
    const f = (): Array<tf.Tensor> => {
      const x = tensor([2, 6], 1)
      const value = (v: tf.Tensor): tf.Tensor => tf.sum(tf.square(tf.cumprod(tf.tanh(tf.mul(v, 2)), 1)))
      return [value(x), tf.sin(tf.cumprod(tf.exp(x), 1))]
    }
    expect(await differences(f)).toEqual([])
  })

  it("complex numbers are refused in words", async () => {
    await tf.setBackend("onnx")
    expect(() => tf.complex(tensor([2], 1), tensor([2], 2))).toThrow(/complex64 tensors need another backend/)
  })
})
