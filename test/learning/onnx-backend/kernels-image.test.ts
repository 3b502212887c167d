import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { deviation, differences, on, tensor, warnings } from "./kit.ts"

const small = fc.integer({ min: 1, max: 3 })
const side = fc.integer({ min: 5, max: 8 })
const geometry = fc.record({
  n: small,
  h: side,
  w: side,
  ci: fc.integer({ min: 1, max: 9 }),
  co: fc.integer({ min: 1, max: 5 }),
  kh: small,
  kw: small,
  sh: small,
  sw: small,
  pad: fc.constantFrom<"same" | "valid" | number>("same", "valid", 0, 1),
})
type Geometry = typeof geometry extends fc.Arbitrary<infer T> ? T : never
const several = fc.array(geometry, { minLength: 10, maxLength: 10 })
/** tfjs takes padding by a number to mean a square window and stride. */
const padOf = (g: Geometry): "same" | "valid" | number =>
  typeof g.pad === "number" && (g.kh !== g.kw || g.sh !== g.sw) ? "same" : g.pad

/** Results of several geometries at once, which make one graph. */
async function forAll(f: (g: Geometry, seed: number) => Array<tf.Tensor>, numRuns = 3): Promise<void> {
  await fc.assert(
    fc.asyncProperty(several, async (list) => {
      expect(await differences(() => list.flatMap((g, seed) => f(g, seed * 10)))).toEqual([])
    }),
    { numRuns, seed: 11 },
  )
}

/** The value of an operation of x (and w), and its gradients for a random gradient of the value. */
function withGradients(
  f: (...inputs: Array<tf.Tensor>) => tf.Tensor,
  inputs: Array<tf.Tensor>,
  seed: number,
): Array<tf.Tensor> {
  const y = f(...inputs)
  return [y, ...tf.grads(f)(inputs, tensor(y.shape, seed + 7))]
}

describe("convolutions", () => {
  it("forward, input gradient and filter gradient, any stride, window and padding", async () => {
    await forAll((g, seed) => {
      const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
        tf.conv2d(x.as4D(g.n, g.h, g.w, g.ci), w.as4D(g.kh, g.kw, g.ci, g.co), [g.sh, g.sw], padOf(g))
      return withGradients(
        f,
        [tensor([g.n, g.h, g.w, g.ci], seed), tensor([g.kh, g.kw, g.ci, g.co], seed + 1)],
        seed,
      )
    }, 5)
    expect(warnings).toEqual([])
  })
  it("equal strides, the shapes of residual nets", async () => {
    await forAll((g, seed) => {
      const k = g.kh === 2 ? 3 : g.kh
      const co = g.co * 3
      const f = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
        tf.conv2d(x.as4D(g.n, g.h, g.w, g.ci), w.as4D(k, k, g.ci, co), g.sh, "same")
      return withGradients(f, [tensor([g.n, g.h, g.w, g.ci], seed), tensor([k, k, g.ci, co], seed + 1)], seed)
    })
    expect(warnings).toEqual([])
  })
  it("dilated, and padded by hand", async () => {
    const run = (): Array<tf.Tensor> => {
      const x = tensor([2, 9, 8, 3], 1)
      const w = tensor([3, 2, 3, 4], 2)
      const conv = (...args: Array<tf.Tensor>): tf.Tensor =>
        tf.conv2d(args[0].as4D(2, 9, 8, 3), args[1].as4D(3, 2, 3, 4), 1, "same", "NHWC", [2, 3])
      const explicit: tf.backend_util.ExplicitPadding = [
        [0, 0],
        [2, 1],
        [0, 3],
        [0, 0],
      ]
      const padded = (...args: Array<tf.Tensor>): tf.Tensor =>
        tf.conv2d(args[0].as4D(2, 9, 8, 3), args[1].as4D(3, 2, 3, 4), [2, 1], explicit)
      return [conv(x, w), ...withGradients(padded, [x, w], 4)]
    }
    expect(await differences(run)).toEqual([])
    expect(warnings).toEqual([])
  })
  it("transposed (the gradient as an operation of its own)", async () => {
    const run = (): tf.Tensor =>
      tf.conv2dTranspose(
        tensor([2, 4, 5, 3], 1).as4D(2, 4, 5, 3),
        tensor([3, 3, 2, 3], 2).as4D(3, 3, 2, 3),
        [2, 8, 10, 2],
        2,
        "same",
      )
    expect(await differences(run)).toEqual([])
  })
  it("with bias and activation", async () => {
    const run = (): Array<tf.Tensor> =>
      (["relu", "sigmoid", "linear"] as const).map((activation) =>
        tf.fused.conv2d({
          x: tensor([1, 5, 5, 2], 1).as4D(1, 5, 5, 2),
          filter: tensor([3, 3, 2, 4], 2).as4D(3, 3, 2, 4),
          strides: 1,
          pad: "same",
          bias: tensor([4], 3),
          activation,
        }),
      )
    expect(await differences(run)).toEqual([])
    expect(warnings).toEqual([])
  })
  it("depthwise ones are left to tfjs cpu", async () => {
    const run = (): tf.Tensor =>
      tf.depthwiseConv2d(
        tensor([1, 5, 5, 2], 1).as4D(1, 5, 5, 2),
        tensor([3, 3, 2, 1], 2).as4D(3, 3, 2, 1),
        1,
        "same",
      )
    expect(await differences(run)).toEqual([])
  })
})

/** <f(x), d> and <x, fᵀ(d)>, which are equal for all x and d if the gradient is that of the (linear) map f. */
function adjoint(f: (x: tf.Tensor) => tf.Tensor, shape: Array<number>): Array<tf.Tensor> {
  const x = tensor(shape, 1)
  const y = f(x)
  const d = tensor(y.shape, 2)
  return [tf.sum(tf.mul(y, d)), tf.sum(tf.mul(x, tf.grad(f)(x, d)))]
}

describe("pools", () => {
  it("maxPool and its gradient, which goes to the first of several largest", async () => {
    await forAll((g, seed) => {
      const f = (x: tf.Tensor): tf.Tensor =>
        tf.maxPool(
          x.as4D(g.n, g.h, g.w, g.ci),
          [g.kh, g.kw],
          [g.sh, g.sw],
          g.pad === "same" ? "same" : "valid",
        )
      return withGradients(f, [tf.round(tf.mul(tensor([g.n, g.h, g.w, g.ci], seed), 4))], seed)
    }, 5)
    expect(warnings.filter((w) => w.includes("Pool"))).toEqual([])
  })
  it("avgPool; its gradient without padding", async () => {
    await forAll((g, seed) => {
      const pool =
        (pad: "same" | "valid") =>
        (x: tf.Tensor): tf.Tensor =>
          tf.avgPool(x.as4D(g.n, g.h, g.w, g.ci), [g.kh, g.kw], [g.sh, g.sw], pad)
      const x = tensor([g.n, g.h, g.w, g.ci], seed)
      return [pool("same")(x), ...withGradients(pool("valid"), [x], seed)]
    })
    expect(warnings.filter((w) => w.includes("Pool"))).toEqual([])
  })
  it("avgPool's gradient with padding is the transposed map (tfjs cpu counts the padding)", async () => {
    await fc.assert(
      fc.asyncProperty(several, async (list) => {
        const results = await on("onnx", () =>
          list.flatMap((g) =>
            adjoint(
              (x) => tf.avgPool(x.as4D(g.n, g.h, g.w, g.ci), [g.kh, g.kw], [g.sh, g.sw], "same"),
              [g.n, g.h, g.w, g.ci],
            ),
          ),
        )
        const values = results.map((r) => r.values[0])
        const left = values.filter((_, i) => i % 2 === 0)
        const right = values.filter((_, i) => i % 2 === 1)
        expect(deviation(left, right)).toBeLessThan(1e-5)
      }),
      { numRuns: 2, seed: 6 },
    )
  })
})

describe("batch normalization with given statistics", () => {
  it("and its gradients", async () => {
    const run = (): Array<tf.Tensor> => {
      const f = (
        x: tf.Tensor,
        mean: tf.Tensor,
        variance: tf.Tensor,
        offset: tf.Tensor,
        scale: tf.Tensor,
      ): tf.Tensor => tf.batchNorm(x, mean.as1D(), tf.abs(variance).as1D(), offset.as1D(), scale.as1D(), 0.01)
      const vectors = [1, 2, 3, 4].map((seed) => tensor([3], seed))
      return [
        ...withGradients(
          (...args) => f(args[0], args[1], args[2], args[3], args[4]),
          [tensor([2, 4, 5, 3], 9), ...vectors],
          5,
        ),
        tf.batchNorm(tensor([4, 3], 1), vectors[0].as1D(), tf.square(vectors[1]).as1D()),
      ]
    }
    expect(await differences(run)).toEqual([])
  })
})

describe("resizing", () => {
  const sizes = fc.array(
    fc.tuple(
      side,
      side,
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 12 }),
      fc.boolean(),
      fc.boolean(),
    ),
    {
      minLength: 8,
      maxLength: 8,
    },
  )
  it("bilinear and nearest, up and down, all conventions", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (list) => {
        const run = (): Array<tf.Tensor> =>
          list.flatMap(([h, w, newH, newW, align, half], seed) => {
            const x = tensor([2, h, w, 3], seed).as4D(2, h, w, 3)
            const flags = [align && !half, half] as const
            return [
              tf.image.resizeBilinear(x, [newH, newW], ...flags),
              tf.image.resizeNearestNeighbor(x, [newH, newW], ...flags),
            ]
          })
        expect(await differences(run)).toEqual([])
      }),
      { numRuns: 3, seed: 5 },
    )
  })
  it("bilinear gradients of square pictures are tfjs'", async () => {
    const run = (): Array<tf.Tensor> =>
      [3, 7, 10].flatMap((size) =>
        [true, false].flatMap((align) =>
          withGradients(
            (x) => tf.image.resizeBilinear(x.as4D(2, 6, 6, 3), [size, size], align),
            [tensor([2, 6, 6, 3], 1)],
            2,
          ),
        ),
      )
    expect(await differences(run)).toEqual([])
  })
  it("other gradients (oblong, half-pixel, nearest; tfjs cpu gets them wrong) are the transposed map", async () => {
    const resized = (x: tf.Tensor): tf.Tensor4D => x.as4D(2, 5, 7, 3)
    const results = await on("onnx", () => [
      ...adjoint((x) => tf.image.resizeBilinear(resized(x), [9, 4], false, true), [2, 5, 7, 3]),
      ...adjoint((x) => tf.image.resizeBilinear(resized(x), [3, 11], true), [2, 5, 7, 3]),
      ...adjoint((x) => tf.image.resizeNearestNeighbor(resized(x), [9, 4], false, true), [2, 5, 7, 3]),
      ...adjoint((x) => tf.image.resizeNearestNeighbor(resized(x), [2, 9], true), [2, 5, 7, 3]),
    ])
    const values = results.map((r) => r.values[0])
    for (let i = 0; i < values.length; i += 2) expect(values[i]).toBeCloseTo(values[i + 1], 4)
  })
})
