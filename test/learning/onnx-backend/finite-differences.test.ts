import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { batchNormalize } from "../../../src/learning/onnx-backend/batch-normalization.ts"
import { deviation, numbers, on } from "./kit.ts"

/*
 * Gradients beside central differences of the same function written in double precision (step 1e-5, so that the
 * difference itself is right to about 1e-9): a check that shares nothing with tfjs.
 */

type Values = ReadonlyArray<number>
/** [n, h, w, c] */
type Shape = readonly [number, number, number, number]

interface Subject {
  readonly inputs: ReadonlyArray<{ readonly shape: ReadonlyArray<number>; readonly values: Values }>
  readonly tensors: (...inputs: ReadonlyArray<tf.Tensor>) => tf.Tensor
  readonly double: (...inputs: ReadonlyArray<Values>) => Values
}

const STEP = 1e-5
const sizeOf = (shape: ReadonlyArray<number>): number => shape.reduce((n, d) => n * d, 1)
const values = (shape: ReadonlyArray<number>, seed: number, offset = 0): Values =>
  Array.from(numbers(sizeOf(shape), seed), (v) => Math.fround(v + offset))

/** Gradients of Σ d · f for fixed random d by differences. */
function differences({ inputs, double }: Subject, d: Values): Array<Values> {
  const all = inputs.map((input) => input.values)
  const loss = (changed: ReadonlyArray<Values>): number =>
    double(...changed).reduce((sum, v, i) => sum + v * d[i], 0)
  return inputs.map((input, k) =>
    input.values.map((_, i) => {
      const moved = (by: number): number =>
        loss(all.map((list, j) => (j === k ? list.map((v, at) => (at === i ? v + by : v)) : list)))
      return (moved(STEP) - moved(-STEP)) / (2 * STEP)
    }),
  )
}

/** How far the value or a gradient is off, relative to its largest element (0.1 at least). */
async function furthest(subject: Subject): Promise<number> {
  const { inputs, tensors, double } = subject
  const value = double(...inputs.map((input) => input.values))
  const d = values([value.length], 77)
  const [result, ...gradients] = await on("onnx", () => {
    const given = inputs.map((input) => tf.tensor([...input.values], [...input.shape]))
    const y = tensors(...given)
    return [
      y,
      ...tf.grads((...args: Array<tf.Tensor>) => tensors(...args))(given, tf.tensor([...d], y.shape)),
    ]
  })
  const errors = differences(subject, d).map((expected, k) => deviation(gradients[k].values, expected, 0.1))
  return Math.max(deviation(result.values, value, 0.1), ...errors)
}

const dim = fc.integer({ min: 1, max: 4 })
const shapes: fc.Arbitrary<Shape> = fc.tuple(
  fc.integer({ min: 1, max: 2 }),
  fc.integer({ min: 2, max: 5 }),
  fc.integer({ min: 2, max: 4 }),
  fc.integer({ min: 1, max: 3 }),
)
const subjects = <T>(arbitrary: fc.Arbitrary<T>, subject: (t: T) => Subject): fc.Arbitrary<Subject> =>
  arbitrary.map(subject)

const rank4 = (x: tf.Tensor, s: Shape): tf.Tensor4D => x.as4D(s[0], s[1], s[2], s[3])

function normalized(x: Values, scale: Values, offset: Values, epsilon: number): Array<number> {
  const c = scale.length
  const m = x.length / c
  const out = [...x]
  for (let k = 0; k < c; k++) {
    let [sum, squares] = [0, 0]
    for (let i = k; i < x.length; i += c) sum += x[i] / m
    for (let i = k; i < x.length; i += c) squares += (x[i] - sum) ** 2 / m
    for (let i = k; i < x.length; i += c)
      out[i] = ((x[i] - sum) / Math.sqrt(squares + epsilon)) * scale[k] + offset[k]
  }
  return out
}

/** Windows of [n, h, w, c] as in tfjs; `each` gets the places of one window's elements inside of the picture. */
function windows(
  s: Shape,
  info: tf.backend_util.Conv2DInfo,
  each: (at: { n: number; places: Array<{ y: number; x: number; i: number; j: number }> }) => void,
): void {
  for (let n = 0; n < s[0]; n++)
    for (let a = 0; a < info.outHeight; a++)
      for (let b = 0; b < info.outWidth; b++) {
        const places = []
        for (let i = 0; i < info.filterHeight; i++)
          for (let j = 0; j < info.filterWidth; j++) {
            const y = a * info.strideHeight + i - info.padInfo.top
            const x = b * info.strideWidth + j - info.padInfo.left
            if (y >= 0 && y < s[1] && x >= 0 && x < s[2]) places.push({ y, x, i, j })
          }
        each({ n, places })
      }
}
const place = (s: Shape, n: number, y: number, x: number, c: number): number =>
  ((n * s[1] + y) * s[2] + x) * s[3] + c

const axes = fc.record({
  shape: fc.array(dim, { minLength: 1, maxLength: 4 }),
  bits: fc.nat(15),
  keepDims: fc.boolean(),
  mean: fc.boolean(),
})

const window = fc
  .record({
    s: shapes,
    k: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
    pad: fc.constantFrom<"same" | "valid">("same", "valid"),
    co: fc.integer({ min: 1, max: 3 }),
  })
  .filter(({ s, k }) => k[0] <= s[1] && k[1] <= s[2])

const SUBJECTS: { readonly [name: string]: fc.Arbitrary<Subject> } = {
  "batchNormalize, in x, scale and offset": subjects(shapes, (s) => ({
    inputs: [
      { shape: s, values: values(s, 1) },
      { shape: [s[3]], values: values([s[3]], 2, 1) },
      { shape: [s[3]], values: values([s[3]], 3) },
    ],
    tensors: (x, scale, offset) => batchNormalize(x, scale, offset, 0.01).y,
    double: (x, scale, offset) => normalized(x, scale, offset, 0.01),
  })),
  "batchNormalize, then a sum with its input, a relu, and another": subjects(shapes, (s) => ({
    inputs: [
      { shape: s, values: values(s, 4) },
      { shape: [s[3]], values: values([s[3]], 5, 1) },
      { shape: [s[3]], values: values([s[3]], 6, 0.3) },
    ],
    tensors: (x, scale, offset) => {
      const y = tf.relu(tf.add(batchNormalize(x, scale, offset, 0.05).y, x))
      return tf.add(batchNormalize(y, scale, offset, 0.05).y, y)
    },
    double: (x, scale, offset) => {
      const y = normalized(x, scale, offset, 0.05).map((v, i) => Math.max(0, v + x[i]))
      return normalized(y, scale, offset, 0.05).map((v, i) => v + y[i])
    },
  })),
  "sum and mean, along any axes, of a square": subjects(axes, ({ shape, bits, keepDims, mean }) => {
    const reduced = shape.flatMap((_, i) => ((bits >> i) & 1 ? [i] : []))
    return {
      inputs: [{ shape, values: values(shape, 7) }],
      tensors: (x) => (mean ? tf.mean : tf.sum)(tf.square(x), reduced, keepDims),
      double: (x) => {
        const kept = shape.map((d, i) => (reduced.includes(i) ? 1 : d))
        const out = Array.from({ length: sizeOf(kept) }, () => 0)
        x.forEach((v, index) => {
          let [rest, place, stride] = [index, 0, 1]
          for (let i = shape.length - 1; i >= 0; i--) {
            const at = rest % shape[i]
            rest = Math.floor(rest / shape[i])
            if (kept[i] > 1) place += at * stride
            stride *= kept[i]
          }
          out[place] += v * v
        })
        return mean ? out.map((v) => (v * out.length) / x.length) : out
      },
    }
  }),
  "conv2d, in x and filter": subjects(window, ({ s, k, strides, pad, co }) => {
    const filter: [number, number, number, number] = [k[0], k[1], s[3], co]
    const info = tf.backend_util.computeConv2DInfo([...s], filter, strides, 1, pad)
    return {
      inputs: [
        { shape: s, values: values(s, 8) },
        { shape: filter, values: values(filter, 9) },
      ],
      tensors: (x, w) => tf.conv2d(rank4(x, s), rank4(w, filter), strides, pad),
      double: (x, w) => {
        const out: Array<number> = []
        windows(s, info, ({ n, places }) => {
          for (let o = 0; o < co; o++)
            out.push(
              places.reduce((sum, p) => {
                for (let c = 0; c < s[3]; c++)
                  sum += x[place(s, n, p.y, p.x, c)] * w[place(filter, p.i, p.j, c, o)]
                return sum
              }, 0),
            )
        })
        return out
      },
    }
  }),
  "maxPool and avgPool": subjects(fc.tuple(window, fc.boolean()), ([{ s, k, strides, pad }, max]) => {
    const info = tf.backend_util.computePool2DInfo([...s], k, strides, 1, pad)
    return {
      inputs: [{ shape: s, values: values(s, 10) }],
      tensors: (x) => (max ? tf.maxPool : tf.avgPool)(rank4(x, s), k, strides, pad),
      double: (x) => {
        const out: Array<number> = []
        windows(s, info, ({ n, places }) => {
          for (let c = 0; c < s[3]; c++) {
            const list = places.map((p) => x[place(s, n, p.y, p.x, c)])
            out.push(max ? Math.max(...list) : list.reduce((a, b) => a + b, 0) / list.length)
          }
        })
        return out
      },
    }
  }),
  "resizeBilinear by half pixels": subjects(fc.tuple(shapes, dim, dim), ([s, height, width]) => {
    const weigh = (target: number, source: number): Array<[number, number, number]> =>
      Array.from({ length: target }, (_, i) => {
        const place = Math.min(source - 1, Math.max(0, ((i + 0.5) * source) / target - 0.5))
        const low = Math.floor(place)
        return [low, Math.min(low + 1, source - 1), place - low]
      })
    return {
      inputs: [{ shape: s, values: values(s, 11) }],
      tensors: (x) => tf.image.resizeBilinear(rank4(x, s), [height, width], false, true),
      double: (x) => {
        const out: Array<number> = []
        for (let n = 0; n < s[0]; n++)
          for (const [top, bottom, down] of weigh(height, s[1]))
            for (const [left, right, across] of weigh(width, s[2]))
              for (let c = 0; c < s[3]; c++) {
                const row = (y: number): number =>
                  x[place(s, n, y, left, c)] * (1 - across) + x[place(s, n, y, right, c)] * across
                out.push(row(top) * (1 - down) + row(bottom) * down)
              }
        return out
      },
    }
  }),
}

describe("gradients by finite differences in double precision", () => {
  it.each(Object.entries(SUBJECTS))("%s", async (_, subject) => {
    await fc.assert(
      fc.asyncProperty(subject, async (s) => {
        expect(await furthest(s)).toBeLessThan(2e-5)
      }),
      { numRuns: process.env["FACET_LONG"] === "1" ? 60 : 5, seed: 2, endOnFailure: true },
    )
  })
})
