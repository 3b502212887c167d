import * as tf from "@tensorflow/tfjs"
import type { OnnxBackend } from "../backend.ts"
import { physicalAxis, physicalShape, permutationOf, sameShape, sizeOf } from "../layout.ts"
import { plain } from "../lowering.ts"
import { commonLayout } from "./binary.ts"
import type { Kernel, KernelCall, KernelTable, Operand } from "./kernel.ts"

/** The same elements in another shape. */
export function reshape(backend: OnnxBackend, x: Operand, shape: ReadonlyArray<number>): tf.TensorInfo {
  if (sameShape(x.shape, shape)) return backend.alias(x)
  const known = backend.reshapeKnown(x, shape)
  if (known !== undefined) return known
  return backend.record("Reshape", [x], shape, x.dtype, "", (l, node) =>
    plain(l.graph.reshape(l.plain(node.inputs[0]), shape)),
  )
}

const reshapeKernel: Kernel = (call) => {
  const x = call.operand("x")
  const shape = tf.util.inferFromImplicitShape(call.numbers("shape"), sizeOf(x.shape))
  return reshape(call.backend, x, shape)
}

const expandDims: Kernel = (call) => {
  const x = call.operand("input")
  const dim = call.number("dim")
  const shape = [...x.shape]
  shape.splice(dim < 0 ? dim + shape.length + 1 : dim, 0, 1)
  return reshape(call.backend, x, shape)
}

const transpose: Kernel = (call) => {
  const x = call.operand("x")
  const perm = call.numbers("perm")
  const shape = perm.map((p) => x.shape[p])
  return call.backend.record("Transpose", [x], shape, x.dtype, perm.join(), (l, node) =>
    plain(l.graph.transpose(l.plain(node.inputs[0]), perm)),
  )
}

/** Joins along an axis, in the layout of the largest part. */
export function concat(backend: OnnxBackend, parts: ReadonlyArray<Operand>, axis: number): tf.TensorInfo {
  const [first] = parts
  const shape = [...first.shape]
  shape[axis] = parts.reduce((n, p) => n + p.shape[axis], 0)
  const info = backend.record("Concat", parts, shape, first.dtype, String(axis), (l, node) => {
    const layout = commonLayout(l, node)
    const names = node.inputs.map((input) => l.as(input, layout))
    const physical = physicalAxis(axis, layout)
    return { name: l.graph.emit("Concat", names, { axis: physical }), layout }
  })
  backend.node(info).axis = axis
  return info
}

const concatKernel: Kernel = (call) => {
  const parts = call.operands()
  const [axis] = tf.util.parseAxisParam(call.number("axis"), [...parts[0].shape])
  if (parts.some((p) => p.dtype !== parts[0].dtype)) return undefined
  return parts.length === 1 ? call.backend.alias(parts[0]) : concat(call.backend, parts, axis)
}

/** x[begin : begin + size]. */
export function slice(
  backend: OnnxBackend,
  x: Operand,
  begin: ReadonlyArray<number>,
  size: ReadonlyArray<number>,
): tf.TensorInfo {
  if (sameShape(size, x.shape)) return backend.alias(x)
  return backend.record("Slice", [x], size, x.dtype, `${begin.join()}+${size.join()}`, (l, node) => {
    const { name, layout } = l.of(node.inputs[0])
    const cut = x.shape.flatMap((d, i) => (size[i] === d ? [] : [i]))
    const starts = cut.map((i) => begin[i])
    const ends = cut.map((i) => begin[i] + size[i])
    return {
      name: l.graph.slice(
        name,
        starts,
        ends,
        cut.map((i) => physicalAxis(i, layout)),
      ),
      layout,
    }
  })
}

const sliceKernel: Kernel = (call) => {
  const x = call.operand("x")
  const [begin, size] = sliceBounds(call, x)
  return slice(call.backend, x, begin, size)
}

/** Negative sizes reach to the end; missing ones too. */
function sliceBounds(call: KernelCall, x: Operand): [Array<number>, Array<number>] {
  const begins = call.numbers("begin")
  const sizes = call.has("size") ? call.numbers("size") : []
  const begin = x.shape.map((_, i) => begins[i] ?? 0)
  const size = x.shape.map((d, i) => (sizes[i] === undefined || sizes[i] < 0 ? d - begin[i] : sizes[i]))
  // ONNX cuts a slice that reaches too far short without a word
  begin.forEach((b, i) => {
    tf.util.assert(
      b >= 0 && b + size[i] <= x.shape[i],
      () => `slice: [${begin.join()}] and size [${size.join()}] reach out of shape [${x.shape.join()}]`,
    )
  })
  return [begin, size]
}

const stridedSlice: Kernel = (call) => {
  const x = call.operand("x")
  const info = tf.slice_util.sliceInfo(
    [...x.shape],
    call.numbers("begin"),
    call.numbers("end"),
    call.numbers("strides"),
    call.number("beginMask"),
    call.number("endMask"),
    call.number("ellipsisMask"),
    call.number("newAxisMask"),
    call.number("shrinkAxisMask"),
  )
  if (info.isIdentity) return reshape(call.backend, x, info.finalShape)
  const { begin, end, strides, finalShape } = info
  if (sizeOf(finalShape) === 0 || strides.some((s) => s < 0)) return undefined
  const key = [begin, end, strides].map((v) => v.join()).join("/")
  return call.backend.record("StridedSlice", [x], finalShape, x.dtype, key, (l, node) => {
    const axes = begin.map((_, i) => i)
    return plain(
      l.graph.reshape(l.graph.slice(l.plain(node.inputs[0]), begin, end, axes, strides), finalShape),
    )
  })
}

/** Lengths of the parts: a count of equal ones, or a list in which one -1 takes what is left. */
function splitSizes(wanted: unknown, list: ReadonlyArray<number>, total: number): ReadonlyArray<number> {
  if (typeof wanted === "number") return Array<number>(wanted).fill(total / wanted)
  const rest = total - list.reduce((n, s) => (s < 0 ? n : n + s), 0)
  return list.map((s) => (s < 0 ? rest : s))
}

const splitV: Kernel = (call) => {
  const x = call.operand("x")
  const [axis] = tf.util.parseAxisParam(call.number("axis"), [...x.shape])
  const sizes = splitSizes(call.raw("numOrSizeSplits"), call.numbers("numOrSizeSplits"), x.shape[axis])
  let offset = 0
  return sizes.map((length) => {
    const begin = x.shape.map((_, i) => (i === axis ? offset : 0))
    const size = x.shape.map((d, i) => (i === axis ? length : d))
    offset += length
    return slice(call.backend, x, begin, size)
  })
}

const unpack: Kernel = (call) => {
  const x = call.operand("value")
  const axis = (call.number("axis") + x.shape.length) % x.shape.length
  const rest = x.shape.filter((_, i) => i !== axis)
  return Array.from({ length: x.shape[axis] }, (_, k) => {
    const begin = x.shape.map((_, i) => (i === axis ? k : 0))
    const size = x.shape.map((d, i) => (i === axis ? 1 : d))
    const part = slice(call.backend, x, begin, size)
    const result = reshape(call.backend, { ...part, dtype: x.dtype }, rest)
    call.backend.disposeData(part.dataId)
    return result
  })
}

const pack: Kernel = (call) => {
  const parts = call.operands()
  if (parts.some((p) => p.dtype !== parts[0].dtype)) return undefined
  const axis = (call.number("axis") + parts[0].shape.length + 1) % (parts[0].shape.length + 1)
  const expanded = parts.map((p): Operand => {
    const shape = [...p.shape]
    shape.splice(axis, 0, 1)
    return { ...reshape(call.backend, p, shape), dtype: p.dtype }
  })
  const result =
    expanded.length === 1 ? call.backend.alias(expanded[0]) : concat(call.backend, expanded, axis)
  for (const e of expanded) call.backend.disposeData(e.dataId)
  return result
}

const padV2: Kernel = (call) => {
  const x = call.operand("x")
  const paddings = call.pairs("paddings")
  const value = call.number("constantValue")
  if (x.dtype === "bool") return undefined
  const shape = x.shape.map((d, i) => d + paddings[i][0] + paddings[i][1])
  return call.backend.record("PadV2", [x], shape, x.dtype, `${paddings.join()}/${value}`, (l, node) => {
    const g = l.graph
    const { name, layout } = l.of(node.inputs[0])
    const physical = permutationOf(layout, x.shape.length).map((d) => paddings[d])
    const pads = g.ints([...physical.map((p) => p[0]), ...physical.map((p) => p[1])])
    return { name: g.emit("Pad", [name, pads, g.scalar(value, x.dtype)]), layout }
  })
}

/** reflect: …2 1 [0 1 2] 1 0…; symmetric: …1 0 [0 1 2] 2 1… */
const mirrorPad: Kernel = (call) => {
  const x = call.operand("x")
  const paddings = call.pairs("paddings")
  const edge = call.text("mode") === "reflect" ? 0 : 1
  const shape = x.shape.map((d, i) => d + paddings[i][0] + paddings[i][1])
  return call.backend.record("MirrorPad", [x], shape, x.dtype, `${paddings.join()}/${edge}`, (l, node) => {
    const g = l.graph
    const { name, layout } = l.of(node.inputs[0])
    let out = name
    paddings.forEach(([before, after], axis) => {
      if (before + after === 0) return
      const d = x.shape[axis]
      const source = Array.from({ length: d + before + after }, (_, i) => {
        const j = i - before
        return j < 0 ? -j - edge : j >= d ? 2 * d - 2 - j + edge : j
      })
      out = g.emit("Gather", [out, g.ints(source)], { axis: physicalAxis(axis, layout) })
    })
    return { name: out, layout }
  })
}

const tile: Kernel = (call) => {
  const x = call.operand("x")
  const reps = call.numbers("reps")
  const shape = x.shape.map((d, i) => d * reps[i])
  if (sameShape(shape, x.shape)) return call.backend.alias(x)
  return call.backend.record("Tile", [x], shape, x.dtype, reps.join(), (l, node) => {
    const g = l.graph
    const { name, layout } = l.of(node.inputs[0])
    // repeating only dimensions of 1 is a broadcast
    if (x.shape.every((d, i) => d === 1 || reps[i] === 1)) {
      return { name: g.emit("Expand", [name, g.ints(physicalShape(shape, layout))]), layout }
    }
    const physical = permutationOf(layout, x.shape.length).map((d) => reps[d])
    return { name: g.emit("Tile", [name, g.ints(physical)]), layout }
  })
}

const reverse: Kernel = (call) => {
  const x = call.operand("x")
  if (x.shape.length === 0) return call.backend.alias(x)
  const given = call.has("dims") ? call.numbers("dims") : [...x.shape.keys()]
  const axes = tf.util.parseAxisParam(given, [...x.shape])
  return call.backend.record("Reverse", [x], x.shape, x.dtype, axes.join(), (l, node) => {
    const g = l.graph
    const { name, layout } = l.of(node.inputs[0])
    return {
      name: axes.reduce((v, axis) => {
        const d = x.shape[axis]
        const backward = g.ints(Array.from({ length: d }, (_, i) => d - 1 - i))
        return g.emit("Gather", [v, backward], { axis: physicalAxis(axis, layout) })
      }, name),
      layout,
    }
  })
}

/** Operations that only move elements. */
export const shapeKernels: KernelTable = {
  Reshape: reshapeKernel,
  ExpandDims: expandDims,
  Transpose: transpose,
  Concat: concatKernel,
  Slice: sliceKernel,
  StridedSlice: stridedSlice,
  SplitV: splitV,
  Unpack: unpack,
  Pack: pack,
  PadV2: padV2,
  MirrorPad: mirrorPad,
  Tile: tile,
  Reverse: reverse,
}
