import * as tf from "@tensorflow/tfjs"
import fc from "fast-check"
import { anyOperand, type Call, type Dtype, type Law, make, operand, shapes, solidShapes } from "./law.ts"

const ALL: ReadonlyArray<Dtype> = ["float32", "int32", "bool"]
const dtypes = fc.constantFrom(...ALL)

/** Calls on one tensor x with attributes that depend on its shape. */
const on = (
  attrsOf: (shape: ReadonlyArray<number>) => fc.Arbitrary<Call["attrs"]>,
  options: {
    readonly input?: string
    readonly types?: ReadonlyArray<Dtype>
    readonly shape?: typeof shapes
  } = {},
): Law => ({
  tolerance: 0,
  calls: anyOperand(options.types ?? ALL, { special: true }, options.shape ?? solidShapes).chain((x) =>
    fc.record({ inputs: fc.constant({ [options.input ?? "x"]: x }), attrs: attrsOf(x.shape) }),
  ),
})

/** A factorization of the same number of elements. */
const reshaped = (shape: ReadonlyArray<number>): Array<Array<number>> => {
  const size = shape.reduce((n, d) => n * d, 1)
  const [first = 1, ...rest] = shape
  return [
    [size],
    [...shape, 1],
    [1, ...shape],
    [...rest, first],
    [first, size === 0 ? 0 : size / Math.max(1, first)],
    [...shape].reverse(),
  ].filter((s) => s.reduce((n, d) => n * d, 1) === size)
}

const axis = (shape: ReadonlyArray<number>): fc.Arbitrary<number> => fc.nat(Math.max(0, shape.length - 1))

/** Several tensors that differ along one axis. */
const parts = fc.tuple(solidShapes, fc.integer({ min: 1, max: 4 }), dtypes).chain(([shape, count, dtype]) =>
  fc
    .tuple(axis(shape), fc.array(fc.integer({ min: 1, max: 3 }), { minLength: count, maxLength: count }))
    .chain(([at, lengths]) =>
      fc.record({
        inputs: fc.tuple(
          ...lengths.map((length) =>
            operand(
              shape.map((d, i) => (i === at ? length : d)),
              { dtype },
            ),
          ),
        ),
        attrs: fc.constantFrom({ axis: at }, { axis: at - shape.length }),
      }),
    ),
)

const paddings = (
  shape: ReadonlyArray<number>,
  most: (d: number) => number,
): fc.Arbitrary<Array<[number, number]>> =>
  fc.tuple(...shape.map((d) => fc.tuple(fc.nat(Math.max(0, most(d))), fc.nat(Math.max(0, most(d))))))

/** Bounds of one dimension that take at least one element. */
const bounds = (d: number): fc.Arbitrary<{ begin: number; end: number; step: number }> =>
  fc
    .record({
      begin: fc.nat(Math.max(0, d - 1)),
      length: fc.integer({ min: 1, max: Math.max(1, d) }),
      step: fc.constantFrom(1, 1, 2, 3),
    })
    .map(({ begin, length, step }) => ({ begin, end: Math.min(d, begin + length), step }))

/** What a strided slice takes, element by element: tfjs' cpu kernel mixes dimensions up where one vanishes. */
function stridedSlice({ inputs, attrs }: Call): Array<tf.Tensor> {
  const [x] = Object.values(inputs)
  const [begin, end, strides] = ["begin", "end", "strides"].map((key) => numbersOf(attrs[key]))
  const bit = (key: string, i: number): boolean => ((Number(attrs[key]) >> i) & 1) === 1
  const taken = x.shape.map((d, i) => {
    if (bit("shrinkAxisMask", i)) return [begin[i]]
    const from = bit("beginMask", i) ? 0 : begin[i]
    const to = bit("endMask", i) ? d : end[i]
    return Array.from({ length: Math.ceil((to - from) / strides[i]) }, (_, k) => from + k * strides[i])
  })
  const values = make(x).dataSync()
  const offsets = taken.reduce<Array<number>>(
    (all, list, i) => all.flatMap((o) => list.map((v) => o * x.shape[i] + v)),
    [0],
  )
  const shape = taken.flatMap((list, i) => (bit("shrinkAxisMask", i) ? [] : [list.length]))
  return [
    tf.tensor(
      offsets.map((o) => values[o]),
      shape,
      x.dtype,
    ),
  ]
}

const numbersOf = (value: unknown): Array<number> => (Array.isArray(value) ? value.map(Number) : [])

/** A condition of rank 1 chooses rows; tfjs' cpu kernel repeats the first elements then. */
function select({ inputs }: Call): Array<tf.Tensor> {
  const [condition, t, e] = Object.values(inputs)
  const [c, a, b] = [condition, t, e].map((o) => make(o).dataSync())
  const row = c.length === 0 ? 1 : a.length / c.length
  return [
    tf.tensor(
      a.map((v, i) => (c[Math.floor(i / row)] === 1 ? v : b[i])),
      [...t.shape],
      t.dtype,
    ),
  ]
}

export const shapeLaws: { readonly [name: string]: Law } = {
  Reshape: on((s) => fc.constantFrom(...reshaped(s).map((shape) => ({ shape }))), { shape: shapes }),
  ExpandDims: on((s) => fc.integer({ min: -s.length - 1, max: s.length }).map((dim) => ({ dim })), {
    input: "input",
    shape: shapes.filter((s) => s.length < 6),
  }),
  Transpose: on((s) =>
    fc
      .shuffledSubarray([...s.keys()], { minLength: s.length, maxLength: s.length })
      .map((perm) => ({ perm })),
  ),
  Concat: { calls: parts, tolerance: 0 },
  Slice: on((s) =>
    fc
      .tuple(
        ...s.map((d) =>
          fc.nat(d).chain((b) => fc.tuple(fc.constant(b), fc.integer({ min: -1, max: d - b }))),
        ),
      )
      .map((list) => ({ begin: list.map(([b]) => b), size: list.map(([, n]) => n) })),
  ),
  StridedSlice: {
    ...on(
      (s) =>
        fc
          .record({
            list: fc.tuple(...s.map(bounds)),
            beginMask: fc.nat(3),
            endMask: fc.nat(3),
            shrink: fc.nat(3),
          })
          .map(({ list, beginMask, endMask, shrink }) => ({
            begin: list.map((b) => b.begin),
            end: list.map((b) => b.end),
            // a dimension that vanishes has the stride 1
            strides: list.map((b, i) => ((shrink >> i) & 1 ? 1 : b.step)),
            beginMask,
            endMask,
            ellipsisMask: 0,
            newAxisMask: 0,
            shrinkAxisMask: shrink & ~beginMask & ~endMask,
          })),
      { shape: solidShapes.filter((s) => !s.includes(0) && s.length < 5) },
    ),
    expected: stridedSlice,
  },
  SplitV: on((s) =>
    fc.tuple(axis(s), fc.nat(4), fc.boolean()).map(([at, cut, count]) => {
      const d = s[at]
      if (count && d > 0) return { axis: at, numOrSizeSplits: Array<number>(d).fill(1) }
      const first = Math.min(cut, d)
      return { axis: at - s.length, numOrSizeSplits: [first, -1] }
    }),
  ),
  Unpack: on((s) => fc.integer({ min: -s.length, max: s.length - 1 }).map((at) => ({ axis: at })), {
    input: "value",
    shape: solidShapes.filter((s) => !s.includes(0)),
  }),
  Pack: {
    tolerance: 0,
    calls: fc
      .tuple(
        shapes.filter((s) => s.length < 6),
        fc.integer({ min: 1, max: 3 }),
        dtypes,
      )
      .chain(([shape, count, dtype]) =>
        fc.record({
          inputs: fc.array(operand(shape, { dtype }), { minLength: count, maxLength: count }),
          attrs: fc.integer({ min: 0, max: shape.length }).map((at) => ({ axis: at })),
        }),
      ),
  },
  PadV2: {
    ...on((s) => fc.record({ paddings: paddings(s, () => 2), constantValue: fc.constantFrom(0, 1, -2) }), {
      types: ["float32", "int32"],
    }),
  },
  MirrorPad: on(
    (s) =>
      fc.oneof(
        paddings(s, (d) => d - 1).map((p) => ({ paddings: p, mode: "reflect" })),
        paddings(s, (d) => d).map((p) => ({ paddings: p, mode: "symmetric" })),
      ),
    { types: ["float32", "int32"], shape: solidShapes.filter((s) => !s.includes(0)) },
  ),
  Tile: on((s) => fc.tuple(...s.map(() => fc.nat(3))).map((reps) => ({ reps }))),
  Reverse: on((s) => fc.subarray([...s.keys()]).map((dims) => ({ dims }))),
}

/** A shape with an axis that indices can point into. */
const indexed = fc
  .tuple(
    shapes.filter((s) => s.length > 0 && s.length < 5 && !s.includes(0)),
    fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
    fc.array(fc.nat(99), { minLength: 9, maxLength: 9 }),
    dtypes,
  )
  .chain(([shape, indexShape, seeds, dtype]) =>
    axis(shape).chain((at) =>
      fc.record({
        inputs: fc.record({
          x: operand(shape, { dtype, special: true }),
          indices: operand(indexShape, {
            dtype: "int32",
            values: seeds
              .slice(
                0,
                indexShape.reduce((n, d) => n * d, 1),
              )
              .map((v) => v % shape[at]),
          }),
        }),
        attrs: fc.constant({ axis: at, batchDims: 0 }),
      }),
    ),
  )

export const selectLaws: { readonly [name: string]: Law } = {
  Select: {
    tolerance: 0,
    expected: select,
    calls: fc
      .tuple(shapes, fc.constantFrom<Dtype>("float32", "int32"), fc.boolean())
      .chain(([shape, dtype, rows]) =>
        fc.record({
          inputs: fc.record({
            condition: operand(rows ? shape.slice(0, 1) : shape, { dtype: "bool" }),
            t: operand(shape, { dtype, special: true }),
            e: operand(shape, { dtype, special: true }),
          }),
          attrs: fc.constant({}),
        }),
      ),
  },
  OneHot: {
    tolerance: 0,
    calls: fc
      .tuple(
        shapes.filter((s) => s.length < 4),
        fc.integer({ min: 1, max: 5 }),
      )
      .chain(([shape, depth]) =>
        fc.record({
          inputs: fc.record({ indices: operand(shape, { dtype: "int32" }) }),
          attrs: fc.record({
            depth: fc.constant(depth),
            onValue: fc.constantFrom(1, 7),
            offValue: fc.constantFrom(0, -1),
            dtype: fc.constantFrom("float32", "int32"),
          }),
        }),
      ),
  },
  GatherV2: { calls: indexed, tolerance: 0 },
  UnsortedSegmentSum: {
    calls: fc
      .tuple(
        solidShapes.filter((s) => s.length < 5 && !s.includes(0)),
        fc.integer({ min: 1, max: 4 }),
      )
      .chain(([shape, numSegments]) =>
        fc.record({
          inputs: fc.record({
            x: operand(shape),
            segmentIds: operand(shape.slice(0, 1), { dtype: "int32" }),
          }),
          attrs: fc.constant({ numSegments }),
        }),
      ),
  },
  Prelu: {
    each: true,
    calls: shapes.chain((shape) =>
      fc.nat(6).chain((bits) =>
        fc.record({
          inputs: fc.record({
            x: operand(shape, { special: true }),
            alpha: operand(
              shape.map((d, i) => ((bits >> i) & 1 && d > 0 ? 1 : d)).slice(bits % (shape.length + 1)),
            ),
          }),
          attrs: fc.constant({}),
        }),
      ),
    ),
  },
  EluGrad: {
    each: true,
    calls: shapes.chain((shape) =>
      fc.record({
        inputs: fc.record({ dy: operand(shape), y: operand(shape, { domain: "unit" }) }),
        attrs: fc.constant({}),
      }),
    ),
  },
}

const x = fc.record({ x: anyOperand(ALL, { special: true }) })

export const creationLaws: { readonly [name: string]: Law } = {
  Identity: { calls: fc.record({ inputs: x, attrs: fc.constant({}) }), tolerance: 0 },
  ZerosLike: { calls: fc.record({ inputs: x, attrs: fc.constant({}) }), tolerance: 0 },
  OnesLike: { calls: fc.record({ inputs: x, attrs: fc.constant({}) }), tolerance: 0 },
  Cast: {
    tolerance: 0,
    calls: fc.record({
      inputs: fc.record({ x: anyOperand(ALL) }),
      attrs: fc.record({ dtype: dtypes }),
    }),
  },
  Fill: {
    tolerance: 0,
    calls: fc.record({
      inputs: fc.constant({}),
      attrs: fc.oneof(
        fc.record({
          shape: shapes,
          value: fc.constantFrom(2.5, -1, 0, Number.NaN, 1e9),
          dtype: fc.constant("float32"),
        }),
        fc.record({ shape: shapes, value: fc.constantFrom(3, -1), dtype: fc.constant("int32") }),
        fc.record({ shape: shapes, value: fc.constantFrom(0, 1), dtype: fc.constant("bool") }),
        fc.record({ shape: shapes, value: fc.constantFrom(1.5, 2) }),
      ),
    }),
  },
  Range: {
    calls: fc.record({
      inputs: fc.constant({}),
      attrs: fc.record({
        start: fc.integer({ min: -5, max: 5 }),
        stop: fc.integer({ min: -5, max: 9 }),
        step: fc.constantFrom(1, 2, -1, -3),
        dtype: fc.constantFrom("float32", "int32"),
      }),
    }),
  },
}
