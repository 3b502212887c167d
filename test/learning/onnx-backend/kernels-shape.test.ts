import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { bools, differences, ints, on, tensor, warnings } from "./kit.ts"

const { fill } = tf
const dim = fc.integer({ min: 1, max: 4 })
const cases = fc.array(
  fc.record({
    shape: fc.array(dim, { minLength: 1, maxLength: 4 }),
    bits: fc.nat(15),
    flag: fc.boolean(),
  }),
  { minLength: 8, maxLength: 8 },
)
interface Case {
  readonly shape: Array<number>
  readonly bits: number
  readonly flag: boolean
}
/** All results of many cases, as one graph. */
async function everyCase(f: (c: Case, seed: number) => Array<tf.Tensor>, tolerance?: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(cases, async (list) => {
      expect(await differences(() => list.flatMap((c, seed) => f(c, seed)), tolerance)).toEqual([])
    }),
    { numRuns: 2, seed: 4 },
  )
}
const axesOf = ({ shape, bits }: Case): Array<number> | undefined => {
  const axes = shape.flatMap((_, i) => ((bits >> i) & 1 ? [i] : []))
  return axes.length === 0 ? undefined : axes
}

describe("operations on whole dimensions", () => {
  const operations = {
    sum: tf.sum,
    mean: tf.mean,
    max: tf.max,
    min: tf.min,
    prod: tf.prod,
    logSumExp: tf.logSumExp,
  }
  it.each(Object.entries(operations))("%s", async (_, f) => {
    await everyCase((c, seed) => [f(tensor(c.shape, seed), axesOf(c), c.flag)])
    expect(warnings).toEqual([])
  })
  it("of whole numbers and truth values", async () => {
    const run = (): Array<tf.Tensor> => {
      const sums = [tf.sum(ints([3, 4], 1), 0), tf.sum(bools([3, 4], 2), 1), tf.mean(ints([3, 4], 3))]
      const logic = [tf.all(bools([3, 4], 2), 0), tf.any(bools([3, 4], 2), 1, true), tf.all(bools([2, 2], 1))]
      return [...sums, ...logic, tf.max(ints([3, 4], 1), 0), tf.min(ints([3, 4], 2), 1)]
    }
    expect(await differences(run)).toEqual([])
  })
  it("argMax and argMin take the first of equals", async () => {
    await everyCase((c, seed) => {
      const x = tf.round(tf.mul(tensor(c.shape, seed), 2))
      return [tf.argMax(x, c.bits % c.shape.length), tf.argMin(x, c.bits % c.shape.length)]
    }, 0)
    expect(warnings).toEqual([])
  })
  it("softmax and its logarithm, cumulative sums", async () => {
    await everyCase((c, seed) => {
      const x = tf.mul(tensor(c.shape, seed), 20)
      return [tf.softmax(x), tf.logSoftmax(x), tf.cumsum(x, c.bits % c.shape.length, c.flag, !c.flag)]
    })
    expect(warnings).toEqual([])
  })
})

describe("operations that move elements", () => {
  it("reshape, transpose, reverse, expandDims, squeeze, tile, broadcastTo", async () => {
    await everyCase(({ shape, bits }, seed) => {
      const x = tensor(shape, seed)
      const axis = bits % shape.length
      const perm = shape.map((_, i) => (i + bits) % shape.length)
      const repeats = shape.map((_, i) => ((bits >> i) & 1) + 1)
      const moved = [
        tf.transpose(x, perm),
        tf.reverse(x, axis),
        tf.tile(x, repeats),
        tf.broadcastTo(x, [2, ...shape]),
      ]
      return [...moved, tf.reshape(x, [-1]), tf.expandDims(x, axis), tf.squeeze(tf.add(x, 1))]
    }, 0)
    expect(warnings).toEqual([])
  })
  it("slice, stridedSlice, split, stack, unstack, concat", async () => {
    const run = (): Array<tf.Tensor> => {
      const x = tensor([4, 5, 3], 2)
      return [
        tf.slice(x, [1, 0, 1], [2, 5, 2]),
        tf.slice(x, [1, 2], [-1, 2]),
        tf.stridedSlice(x, [0, 1, 0], [4, 5, 3], [2, 3, 1]),
        tf.stridedSlice(x, [1, 1, 1], [2, 3, 2], [1, 1, 1], 0, 0, 0, 0, 1),
        ...tf.split(x, [2, 3], 1),
        ...tf.split(x, 3, 2),
        ...tf.unstack(x, 1),
        tf.stack([x, tf.neg(x)], 1),
        tf.stack([x], -1),
        tf.concat([x, tensor([4, 2, 3], 3)], 1),
        tf.concat([x, x, x], -1),
        tf.concat([ints([2, 2], 1), ints([1, 2], 2)], 0),
      ]
    }
    expect(await differences(run, 0)).toEqual([])
  })
  it("pads with constants and mirrored", async () => {
    const run = (): Array<tf.Tensor> => {
      const x = tensor([3, 4], 2)
      const both = [
        [1, 2],
        [0, 3],
      ] satisfies Array<[number, number]>
      const wide = [
        [2, 3],
        [4, 1],
      ] satisfies Array<[number, number]>
      const mirrored = [tf.mirrorPad(x, both, "reflect"), tf.mirrorPad(x, wide, "symmetric")]
      return [tf.pad(x, both, 0.5), ...mirrored, tf.pad(ints([2, 2], 1), both)]
    }
    expect(await differences(run, 0)).toEqual([])
  })
  it("where, gather, oneHot, range, linspace, fill, eye", async () => {
    const run = (): Array<tf.Tensor> => {
      const x = tensor([4, 3, 2], 2)
      const index = tf.tensor2d([3, 0, 1, 1], [2, 2], "int32")
      return [
        tf.where(tf.greater(x, 0), x, tf.square(x)),
        tf.where(bools([3, 1], 4), tensor([3, 5], 1), tensor([3, 5], 2)),
        tf.gather(x, index, 0),
        tf.gather(x, tf.tensor1d([1, 0, 1], "int32"), 1),
        tf.oneHot(tf.tensor1d([0, 2, 5, -1, 3], "int32"), 4),
        tf.oneHot(index, 4, 2, -1, "float32"),
        tf.oneHot(index, 4, 7, 3, "int32"),
        tf.range(0, 5, 2),
        tf.range(5, 0, -2, "int32"),
        tf.range(3, 1),
        tf.linspace(0, 1, 5),
        fill([2, 3], 2.5),
        fill([2], 3, "int32"),
        tf.eye(3),
        tf.unsortedSegmentSum(tensor([5, 2], 1), tf.tensor1d([0, 2, 0, 7, 2], "int32"), 3),
      ]
    }
    expect(await differences(run)).toEqual([])
  })
})

describe("matrix products", () => {
  it("any transposition and batch broadcast", async () => {
    const batch = fc.constantFrom<[Array<number>, Array<number>]>(
      [[], []],
      [[2], [2]],
      [[3], [1]],
      [[1], [4]],
      [
        [2, 3],
        [2, 3],
      ],
    )
    const one = fc.tuple(batch, dim, dim, dim, fc.boolean(), fc.boolean())
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: 12, maxLength: 12 }), async (list) => {
        const run = (): Array<tf.Tensor> =>
          list.map(([[ba, bb], m, k, n, ta, tb], seed) => {
            const a = tensor([...ba, ...(ta ? [k, m] : [m, k])], seed)
            const b = tensor([...bb, ...(tb ? [n, k] : [k, n])], seed + 50)
            return tf.matMul(a, b, ta, tb)
          })
        expect(await differences(run)).toEqual([])
      }),
      { numRuns: 2, seed: 4 },
    )
  })
  it("broadcasts inner batch dimensions (which tfjs cpu mixes up)", async () => {
    const b = (): tf.Tensor => tensor([2, 3, 4, 5], 2)
    const broadcast = await on("onnx", () => tf.matMul(tensor([2, 1, 2, 4], 1), b()))
    const spelled = await on("onnx", () => tf.matMul(tf.tile(tensor([2, 1, 2, 4], 1), [1, 3, 1, 1]), b()))
    expect(broadcast).toEqual(spelled)
  })
  it("with bias and activation", async () => {
    const activations = ["linear", "relu", "relu6", "sigmoid", "elu"] as const
    const run = (): Array<tf.Tensor> =>
      activations.map((activation) =>
        tf.fused.matMul({ a: tensor([3, 4], 1), b: tensor([4, 2], 2), bias: tensor([2], 3), activation }),
      )
    expect(await differences(run)).toEqual([])
  })
  it("dot, outer product, norm", async () => {
    const run = (): Array<tf.Tensor> => [
      tf.dot(tensor([4], 1), tensor([4], 2)),
      tf.outerProduct(tf.tensor1d([1, 2]), tf.tensor1d([3, 4])),
      tf.norm(tensor([3, 3], 4)),
    ]
    expect(await differences(run)).toEqual([])
  })
})

describe("what has no lowering", () => {
  it("is computed by tfjs' cpu kernels, with one warning each", async () => {
    const run = (): Array<tf.Tensor> => {
      const { values, indices } = tf.topk(tensor([3, 5], 1), 2)
      const backwards = tf.stridedSlice(tensor([4, 5], 2), [3, 4], [0, 0], [-1, -2])
      return [
        values,
        indices,
        backwards,
        tf.atan2(tensor([3], 1), tensor([3], 2)),
        tf.sum(tf.zeros([0, 3]), 0),
      ]
    }
    expect(await differences(run)).toEqual([])
    expect(await differences(() => tf.topk(tf.neg(tensor([3, 5], 1)), 2).values)).toEqual([])
    expect(warnings.filter((w) => w.includes("TopK"))).toHaveLength(1)
    expect(warnings.some((w) => w.includes("Atan2"))).toBe(true)
  })
  it("strings and empty tensors pass through", async () => {
    await tf.setBackend("onnx")
    expect(tf.tensor1d(["a", "b"]).clone().dataSync()).toEqual(["a", "b"])
    expect(tf.concat([tf.zeros([0, 2]), tf.ones([1, 2])]).arraySync()).toEqual([[1, 1]])
    expect(tf.add(tf.zeros([0]), 1).shape).toEqual([0])
  })
})
