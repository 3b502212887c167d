import type { GraphBuilder } from "../graph-builder.ts"
import type { LazyNode } from "../lazy-node.ts"
import type { Lowered, Lowering } from "../lowering.ts"
import { geometryKey, poolGeometry, type Geometry } from "./conv-geometry.ts"
import { feature } from "./conv-parts.ts"
import { gridOf, interleave } from "./interleave.ts"
import type { Kernel, KernelTable } from "./kernel.ts"

const attributes = (c: Geometry): { [name: string]: Array<number> } => ({
  kernel_shape: [c.kh, c.kw],
  strides: [c.sh, c.sw],
  pads: [c.top, c.left, c.bottom, c.right],
})

const pool =
  (op: string): Kernel =>
  (call) => {
    const x = call.operand("x")
    const c = poolGeometry(call, x.shape)
    if (c === undefined || x.dtype !== "float32") return undefined
    return call.backend.record(
      call.name,
      [x],
      [c.n, c.oh, c.ow, c.co],
      "float32",
      geometryKey(c),
      (l, node) => feature(l.graph.emit(op, [l.as(node.inputs[0], "CNHW")], attributes(c))),
    )
  }

/**
 * Adds up what each window place (i, j) sends back to the picture: `part(i, j)` has the shape [C, N, oh, ow]. Places
 * of the same phase (i mod stride) fall on the same sub-grid of the picture and are summed there.
 */
function scatterWindows(g: GraphBuilder, c: Geometry, part: (i: number, j: number) => string): string {
  const { height, width } = gridOf(c)
  const phases = new Map<string, Array<string>>()
  for (let i = 0; i < c.kh; i++) {
    for (let j = 0; j < c.kw; j++) {
      const down = Math.floor(i / c.sh)
      const across = Math.floor(j / c.sw)
      const pads = [0, 0, down, across, 0, 0, height - c.oh - down, width - c.ow - across]
      const moved = pads.every((p) => p === 0) ? part(i, j) : g.emit("Pad", [part(i, j), g.ints(pads)])
      const key = `${i % c.sh},${j % c.sw}`
      const list = phases.get(key)
      if (list === undefined) phases.set(key, [moved])
      else list.push(moved)
    }
  }
  return interleave(g, c, (a, b) => {
    const list = phases.get(`${a},${b}`)
    return list === undefined || list.length === 1 ? list?.[0] : g.emit("Sum", list)
  })
}

/** dy goes to the first of the window's largest elements, as in tfjs. Inputs dy, x, y. */
function lowerMaxPoolGrad(l: Lowering, node: LazyNode, c: Geometry): Lowered {
  const g = l.graph
  const [dy, x, y] = node.inputs.map((input) => l.as(input, "CNHW"))
  const padded = g.emit("Pad", [
    x,
    g.ints([0, 0, c.top, c.left, 0, 0, c.bottom, c.right]),
    g.scalar(Number.NEGATIVE_INFINITY),
  ])
  let taken: string | undefined
  const picture = scatterWindows(g, c, (i, j) => {
    const end = [i + (c.oh - 1) * c.sh + 1, j + (c.ow - 1) * c.sw + 1]
    const equal = g.emit("Equal", [g.slice(padded, [i, j], end, [2, 3], [c.sh, c.sw]), y])
    const first = taken === undefined ? equal : g.emit("And", [equal, g.emit("Not", [taken])])
    taken = taken === undefined ? equal : g.emit("Or", [taken, equal])
    return g.emit("Where", [first, dy, g.scalar(0)])
  })
  return feature(picture)
}

/** dy is shared evenly by the elements of the window that are not padding. */
function lowerAvgPoolGrad(l: Lowering, node: LazyNode, c: Geometry): Lowered {
  const g = l.graph
  const dy = l.as(node.inputs[0], "CNHW")
  if (c.top + c.left + c.bottom + c.right > 0) {
    const inside = (o: number, s: number, k: number, before: number, size: number): Array<number> =>
      Array.from({ length: o }, (_, a) => Math.min(a * s - before + k, size) - Math.max(a * s - before, 0))
    const rows = inside(c.oh, c.sh, c.kh, c.top, c.h)
    const columns = inside(c.ow, c.sw, c.kw, c.left, c.w)
    const shares = g.constant(`shares${geometryKey(c)}`, "float32", [c.oh, c.ow], () =>
      Float32Array.from(rows.flatMap((r) => columns.map((q) => 1 / (r * q)))),
    )
    const part = g.emit("Mul", [dy, shares])
    return feature(scatterWindows(g, c, () => part))
  }
  if (c.kh === c.sh && c.kw === c.sw) return feature(spreadEvenly(g, c, dy))
  const rows = g.reshape(dy, [c.ci * c.n * c.oh * c.ow])
  const share = g.reshape(g.scalar(1 / (c.kh * c.kw)), [1])
  const part = g.reshape(g.emit("Mul", [rows, share]), [c.ci, c.n, c.oh, c.ow])
  return feature(scatterWindows(g, c, () => part))
}

/**
 * The gradient of windows that neither overlap nor leave gaps: columns are repeated by a product with a matrix that
 * also scales, rows by a concat (Expand and Resize are several times slower).
 */
function spreadEvenly(g: GraphBuilder, c: Geometry, dy: string): string {
  const repeat = g.constant(`repeat${c.ow},${c.kw},${c.kh},${c.w}`, "float32", [c.ow, c.w], () => {
    const m = new Float32Array(c.ow * c.w)
    for (let i = 0; i < c.ow; i++) m.fill(1 / (c.kh * c.kw), i * c.w + i * c.kw, i * c.w + (i + 1) * c.kw)
    return m
  })
  const rows = c.ci * c.n * c.oh
  const wide = g.reshape(g.gemm(g.reshape(dy, [rows, c.ow]), repeat), [rows, 1, c.w])
  const tall = c.kh === 1 ? wide : g.emit("Concat", Array<string>(c.kh).fill(wide), { axis: 1 })
  const picture = g.reshape(tall, [c.ci, c.n, c.oh * c.kh, c.w])
  if (c.oh * c.kh === c.h) return picture
  return g.emit("Pad", [picture, g.ints([0, 0, 0, 0, 0, 0, c.h - c.oh * c.kh, 0])])
}

const maxPoolGrad: Kernel = (call) => {
  const x = call.operand("input")
  const inputs = [call.operand("dy"), x, call.operand("output")]
  const c = poolGeometry(call, x.shape)
  if (c === undefined) return undefined
  return call.backend.record("MaxPoolGrad", inputs, x.shape, "float32", geometryKey(c), (l, node) =>
    lowerMaxPoolGrad(l, node, c),
  )
}

const avgPoolGrad: Kernel = (call) => {
  const x = call.operand("input")
  const c = poolGeometry(call, x.shape)
  if (c === undefined) return undefined
  return call.backend.record(
    "AvgPoolGrad",
    [call.operand("dy")],
    x.shape,
    "float32",
    geometryKey(c),
    (l, node) => lowerAvgPoolGrad(l, node, c),
  )
}

/** Two-dimensional pooling and its gradients. */
export const poolKernels: KernelTable = {
  MaxPool: pool("MaxPool"),
  AvgPool: pool("AveragePool"),
  MaxPoolGrad: maxPoolGrad,
  AvgPoolGrad: avgPoolGrad,
}
