import type { Kernel, KernelTable } from "./kernel.ts"

/** (x − mean) / √(variance + ε) · scale + offset, with one value per channel for each of the four. */
const fusedBatchNorm: Kernel = (call) => {
  const x = call.operand("x")
  const mean = call.operand("mean")
  const variance = call.operand("variance")
  const offset = call.optional("offset")
  const scale = call.optional("scale")
  const epsilon = call.has("varianceEpsilon") ? call.number("varianceEpsilon") : 0.001
  const inputs = [
    x,
    mean,
    variance,
    ...(offset === undefined ? [] : [offset]),
    ...(scale === undefined ? [] : [scale]),
  ]
  const channels = x.shape[x.shape.length - 1]
  if (x.shape.length !== 4 || inputs.slice(1).some((t) => t.shape.length !== 1 || t.shape[0] !== channels)) {
    return undefined
  }
  const key = `${epsilon},${offset !== undefined},${scale !== undefined}`
  return call.backend.record("FusedBatchNorm", inputs, x.shape, "float32", key, (l, node) => {
    const g = l.graph
    const perChannel = node.inputs.slice(1).map((input) => g.reshape(l.plain(input), [channels, 1]))
    const [m, v] = perChannel
    let a = g.emit("Reciprocal", [g.emit("Sqrt", [g.emit("Add", [v, g.scalar(epsilon)])])])
    if (scale !== undefined) a = g.emit("Mul", [a, perChannel[offset === undefined ? 2 : 3]])
    const shift = g.emit("Mul", [m, a])
    const b = offset === undefined ? g.emit("Neg", [shift]) : g.emit("Sub", [perChannel[2], shift])
    const y = g.emit("Add", [g.emit("Mul", [l.channelRows(node.inputs[0]), a]), b])
    return { name: g.reshape(y, [channels, ...x.shape.slice(0, 3)]), layout: "CNHW" }
  })
}

/** Batch normalization with given statistics. */
export const batchNormKernels: KernelTable = { FusedBatchNorm: fusedBatchNorm }
