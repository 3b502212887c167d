import type { LazyNode } from "../lazy-node.ts"
import type { Lowered, Lowering } from "../lowering.ts"
import type { Geometry } from "./conv-geometry.ts"
import { reversal, strided } from "./conv-parts.ts"

const filter = (name: string): Lowered => ({ name, layout: "OIHW" })

/**
 * Gradient of a convolution with respect to its filter; inputs x and dy. It is itself a convolution, of x by dy: the
 * batch plays the channels, the input channels one more spatial dimension, and stride and dilation change places.
 */
export function lowerFilterGradient(l: Lowering, node: LazyNode, c: Geometry): Lowered {
  const g = l.graph
  const [xNode, dyNode] = node.inputs
  const k = c.kh * c.kw
  const unit = c.sh === 1 && c.sw === 1 && c.dh === 1 && c.dw === 1
  const unpadded = c.top + c.left + c.bottom + c.right === 0
  if (k === 1 && unpadded) {
    const m = c.n * c.oh * c.ow
    const x = g.reshape(strided(g, l.as(xNode, "CNHW"), c), [c.ci, m])
    const dy = g.reshape(l.as(dyNode, "CNHW"), [c.co, m])
    return filter(g.reshape(g.gemm(dy, x, false, true), [c.co, c.ci, 1, 1]))
  }
  const pads = [c.kh - 1 - c.top, c.kw - 1 - c.left, c.kh - 1 - c.bottom, c.kw - 1 - c.right]
  if (unit && c.co < c.ci && Math.min(...pads) >= 0) {
    // dy by x instead, which gives the turned gradient: the longer side becomes the rows of the matrix product
    const dy = g.reshape(l.plain(dyNode), [1, c.n, c.oh, c.ow, c.co])
    const x = g.reshape(l.as(xNode, "CNHW"), [c.ci, c.n, c.h, c.w, 1])
    const y = g.emit("Conv", [dy, x], {
      pads: [pads[0], pads[1], 0, pads[2], pads[3], 0],
      kernel_shape: [c.h, c.w, 1],
    })
    const rows = g.transpose(g.reshape(y, [c.ci * k, c.co]), [1, 0])
    return filter(
      g.reshape(g.gemm(g.reshape(rows, [c.co * c.ci, k]), reversal(g, k)), [c.co, c.ci, c.kh, c.kw]),
    )
  }
  const x = g.reshape(l.plain(xNode), [1, c.n, c.h, c.w, c.ci])
  const dy = g.reshape(l.as(dyNode, "CNHW"), [c.co, c.n, c.oh, c.ow, 1])
  const y = g.emit("Conv", [x, dy], {
    pads: [c.top, c.left, 0, c.bottom, c.right, 0],
    strides: [c.dh, c.dw, 1],
    dilations: [c.sh, c.sw, 1],
    kernel_shape: [c.oh, c.ow, 1],
  })
  // where the stride doesn't divide, rows that no window of the forward pass reached come out too
  const rows = Math.floor((c.h + c.top + c.bottom - (c.oh - 1) * c.sh - 1) / c.dh) + 1
  const columns = Math.floor((c.w + c.left + c.right - (c.ow - 1) * c.sw - 1) / c.dw) + 1
  const all = g.reshape(y, [c.co, rows, columns, c.ci])
  const cut = rows === c.kh && columns === c.kw ? all : g.slice(all, [0, 0], [c.kh, c.kw], [1, 2])
  const moved = g.transpose(g.reshape(cut, [c.co, k, c.ci]), [0, 2, 1])
  return filter(g.reshape(moved, [c.co, c.ci, c.kh, c.kw]))
}
