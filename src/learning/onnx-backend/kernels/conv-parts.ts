import type { GraphBuilder } from "../graph-builder.ts"
import type { Lowered } from "../lowering.ts"
import type { Geometry } from "./conv-geometry.ts"

/** A feature map in CNHW. */
export const feature = (name: string): Lowered => ({ name, layout: "CNHW" })

/** [C, N, H, W] ↔ [N, C, H, W]. */
export const channelsFirst = (g: GraphBuilder, x: string): string => g.transpose(x, [1, 0, 2, 3])

/** The rows and columns of [C, N, H, W] that a 1×1 window of the given stride visits. */
export function strided(g: GraphBuilder, x: string, c: Geometry): string {
  if (c.sh === 1 && c.sw === 1) return x
  return g.slice(x, [0, 0], [c.h, c.w], [2, 3], [c.sh, c.sw])
}

/** The k×k matrix with ones on the other diagonal; a product with it reverses, much faster than a Slice of step −1. */
export const reversal = (g: GraphBuilder, k: number): string =>
  g.constant(`reversal${k}`, "float32", [k, k], () => {
    const m = new Float32Array(k * k)
    for (let i = 0; i < k; i++) m[i * k + k - 1 - i] = 1
    return m
  })

/** Filter [Co, Ci, kh, kw] → [Ci, Co, kh, kw] turned by 180°. */
export function flipped(g: GraphBuilder, w: string, c: Geometry): string {
  const k = c.kh * c.kw
  const swapped = g.transpose(g.reshape(w, [c.co, c.ci, k]), [1, 0, 2])
  const turned = k === 1 ? swapped : g.gemm(g.reshape(swapped, [c.ci * c.co, k]), reversal(g, k))
  return g.reshape(turned, [c.ci, c.co, c.kh, c.kw])
}
