import type { GraphBuilder } from "../graph-builder.ts"
import type { Geometry } from "./conv-geometry.ts"

/**
 * The picture of a strided window operation, padding included, falls into stride × stride sub-grids: the elements of
 * one phase (row mod stride, column mod stride). This is the size of each: as many elements as windows reach.
 */
export function gridOf(c: Geometry): { readonly height: number; readonly width: number } {
  return {
    height: c.oh + Math.ceil(c.kh / c.sh) - 1,
    width: c.ow + Math.ceil(c.kw / c.sw) - 1,
  }
}

/**
 * Puts a picture [C, N, h, w] together from its sub-grids [C, N, grid height, grid width] and cuts the padding off;
 * `cell` may leave out a phase that no window touches, which is then 0.
 */
export function interleave(
  g: GraphBuilder,
  c: Geometry,
  cell: (a: number, b: number) => string | undefined,
): string {
  const grid = gridOf(c)
  const count = c.ci * c.n * grid.height
  const rows = Array.from({ length: c.sh }, (_, a) => {
    const cells = Array.from({ length: c.sw }, (_, b) => {
      const value = cell(a, b)
      const dims = [count, grid.width, 1]
      return value === undefined ? g.emit("Expand", [g.scalar(0), g.ints(dims)]) : g.reshape(value, dims)
    })
    const row = c.sw > 1 ? g.emit("Concat", cells, { axis: 2 }) : cells[0]
    return g.reshape(row, [count, 1, grid.width * c.sw])
  })
  const height = grid.height * c.sh
  const width = grid.width * c.sw
  let picture = g.reshape(c.sh > 1 ? g.emit("Concat", rows, { axis: 1 }) : rows[0], [
    c.ci,
    c.n,
    height,
    width,
  ])
  // where the stride leaves rest rows over, no window reaches the picture's end
  const missing = [Math.max(0, c.top + c.h - height), Math.max(0, c.left + c.w - width)]
  if (missing[0] + missing[1] > 0) picture = g.emit("Pad", [picture, g.ints([0, 0, 0, 0, 0, 0, ...missing])])
  if (c.top === 0 && c.left === 0 && height + missing[0] === c.h && width + missing[1] === c.w) return picture
  return g.slice(picture, [c.top, c.left], [c.top + c.h, c.left + c.w], [2, 3])
}
