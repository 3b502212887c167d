import { MICROSOFT, type GraphBuilder } from "../graph-builder.ts"

/** One multiplier and one offset per channel for a feature map, all as names of values. */
export interface Affine {
  /** [C, M] */
  readonly rows: string
  /** [C] */
  readonly scale: string
  readonly offset: string
  readonly channels: number
  readonly columns: number
}

/**
 * activation(scale · x + offset + addend) in one pass over the data: a depthwise convolution with 1×1 filters, which
 * ONNX Runtime runs at the speed of memory. Result [C, M].
 */
export function applyAffine(g: GraphBuilder, x: Affine, activation?: "Relu", addend?: string): string {
  const { channels: c, columns: m } = x
  const inputs = [g.reshape(x.rows, [1, c, 1, m]), g.reshape(x.scale, [c, 1, 1, 1]), x.offset]
  const attributes = { group: c, kernel_shape: [1, 1] }
  if (activation === undefined && addend === undefined) return g.emit("Conv", inputs, attributes)
  if (addend !== undefined) inputs.push(g.reshape(addend, [1, c, 1, m]))
  return g.emit("FusedConv", inputs, { ...attributes, activation }, { domain: MICROSOFT })
}
