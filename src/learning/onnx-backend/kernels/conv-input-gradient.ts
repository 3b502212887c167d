import type { GraphBuilder } from "../graph-builder.ts"
import type { LazyNode } from "../lazy-node.ts"
import type { Lowered, Lowering } from "../lowering.ts"
import { geometryKey, type Geometry } from "./conv-geometry.ts"
import { channelsFirst, feature, flipped } from "./conv-parts.ts"
import { gridOf, interleave } from "./interleave.ts"

/** Largest matrix side for which scattering by a product beats ONNX Runtime's ConvTranspose. */
const SCATTER_LIMIT = 100

/**
 * The columns-to-picture step as a constant 0/1 matrix [kh·kw·oh·ow, h·w]: entry 1 where window place (i, j) at
 * output (a, b) touches picture element (y, x).
 */
function scatterMatrix(g: GraphBuilder, c: Geometry): string {
  const rows = c.kh * c.kw * c.oh * c.ow
  const columns = c.h * c.w
  return g.constant(`scatter${geometryKey(c)}`, "float32", [rows, columns], () => {
    const m = new Float32Array(rows * columns)
    let row = 0
    for (let i = 0; i < c.kh; i++) {
      for (let j = 0; j < c.kw; j++) {
        for (let a = 0; a < c.oh; a++) {
          for (let b = 0; b < c.ow; b++, row++) {
            const y = a * c.sh + i * c.dh - c.top
            const x = b * c.sw + j * c.dw - c.left
            if (y >= 0 && y < c.h && x >= 0 && x < c.w) m[row * columns + y * c.w + x] = 1
          }
        }
      }
    }
    return m
  })
}

/**
 * The gradient of a strided convolution as one unstrided convolution of dy per phase of the picture, each with the
 * window places that fall on that phase (`turned` is the filter turned by 180°, [Ci, Co, kh, kw]).
 */
function lowerByPhases(g: GraphBuilder, c: Geometry, dy: string, turned: string): string {
  const grid = gridOf(c)
  const places = (k: number, s: number, phase: number): number => Math.ceil((k - phase) / s)
  const x = g.reshape(dy, [1, c.co, c.n, c.oh, c.ow])
  return interleave(g, c, (a, b) => {
    const th = places(c.kh, c.sh, a)
    const tw = places(c.kw, c.sw, b)
    if (th <= 0 || tw <= 0) return undefined
    const first = [c.kh - 1 - a - c.sh * (th - 1), c.kw - 1 - b - c.sw * (tw - 1)]
    const filter = g.slice(turned, first, [c.kh - a, c.kw - b], [2, 3], [c.sh, c.sw])
    const right = grid.width - c.ow
    if (th === 1 && tw === 1 && grid.height === c.oh && right === 0) {
      const rows = g.reshape(dy, [c.co, c.n * c.oh * c.ow])
      return g.reshape(g.gemm(g.reshape(filter, [c.ci, c.co]), rows), [c.ci, c.n, c.oh, c.ow])
    }
    const y = g.emit("Conv", [x, g.reshape(filter, [c.ci, c.co, 1, th, tw])], {
      pads: [0, th - 1, tw - 1, 0, grid.height - c.oh, right],
      kernel_shape: [1, th, tw],
    })
    return g.reshape(y, [c.ci, c.n, grid.height, grid.width])
  })
}

/** Gradient of a convolution with respect to its input; inputs dy and filter. */
export function lowerInputGradient(l: Lowering, node: LazyNode, c: Geometry): Lowered {
  const g = l.graph
  const dy = l.as(node.inputs[0], "CNHW")
  const w = l.as(node.inputs[1], "OIHW")
  const shape = [c.ci, c.n, c.h, c.w]
  const k = c.kh * c.kw
  const outputs = c.oh * c.ow
  const unit = c.sh === 1 && c.sw === 1
  const unpadded = c.top + c.left + c.bottom + c.right === 0
  if (k === 1 && unit && unpadded) {
    const rows = g.reshape(dy, [c.co, c.n * outputs])
    return feature(g.reshape(g.gemm(g.reshape(w, [c.co, c.ci]), rows, true), shape))
  }
  const pads = [
    (c.kh - 1) * c.dh - c.top,
    (c.kw - 1) * c.dw - c.left,
    (c.kh - 1) * c.dh - c.bottom,
    (c.kw - 1) * c.dw - c.right,
  ]
  if (unit && Math.min(...pads) >= 0) {
    // a convolution of dy with the turned filter
    const x = g.reshape(dy, [1, c.co, c.n, c.oh, c.ow])
    const f = g.reshape(flipped(g, w, c), [c.ci, c.co, 1, c.kh, c.kw])
    const y = g.emit("Conv", [x, f], {
      pads: [0, pads[0], pads[1], 0, pads[2], pads[3]],
      dilations: [1, c.dh, c.dw],
      kernel_shape: [1, c.kh, c.kw],
    })
    return feature(g.reshape(y, shape))
  }
  if (k * outputs <= SCATTER_LIMIT) {
    const columns = g.gemm(g.reshape(w, [c.co, c.ci * k]), g.reshape(dy, [c.co, c.n * outputs]), true)
    const split = g.reshape(columns, [c.ci, k, c.n, outputs])
    const ordered = k === 1 ? split : g.transpose(split, [0, 2, 1, 3])
    const picture = g.gemm(g.reshape(ordered, [c.ci * c.n, k * outputs]), scatterMatrix(g, c))
    return feature(g.reshape(picture, shape))
  }
  if (c.dh === 1 && c.dw === 1) return feature(lowerByPhases(g, c, dy, flipped(g, w, c)))
  // ConvTranspose yields (o−1)·s + (k−1)·d + 1 − pads; what the stride left over is added, what is too much is cut
  const restH = c.h - ((c.oh - 1) * c.sh + (c.kh - 1) * c.dh + 1 - c.top - c.bottom)
  const restW = c.w - ((c.ow - 1) * c.sw + (c.kw - 1) * c.dw + 1 - c.left - c.right)
  const y = g.emit("ConvTranspose", [channelsFirst(g, dy), w], {
    pads: [c.top, c.left, c.bottom - Math.min(restH, 0), c.right - Math.min(restW, 0)],
    strides: [c.sh, c.sw],
    dilations: [c.dh, c.dw],
    output_padding: [Math.max(restH, 0), Math.max(restW, 0)],
  })
  return feature(channelsFirst(g, y))
}
