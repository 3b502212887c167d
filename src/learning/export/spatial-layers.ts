import { activate } from "./activations.ts"
import type { LayerCall, Lower } from "./layer-call.ts"

type Pair = readonly [number, number]

/**
 * Padding [top, left, bottom, right]. "same" gives ceil(size / stride) and puts the odd pixel at the bottom and
 * right, as TensorFlow does.
 */
const padding = (call: LayerCall, kernel: Pair, strides: Pair, dilations: Pair = [1, 1]): Array<number> => {
  const kind = call.config["padding"]
  if (kind === "valid") return [0, 0, 0, 0]
  if (kind !== "same") throw call.refuse(`its padding is ${JSON.stringify(kind)}`)
  const total = [0, 1].map((k) => {
    const size = call.size(k + 1)
    const reach = (kernel[k] - 1) * dilations[k] + 1
    return Math.max(0, (Math.ceil(size / strides[k]) - 1) * strides[k] + reach - size)
  })
  const before = total.map((t) => Math.floor(t / 2))
  return [...before, ...total.map((t, k) => t - before[k])]
}

const channelsLast = (call: LayerCall): void => {
  const format = call.config["dataFormat"]
  if (format !== undefined && format !== null && format !== "channelsLast")
    throw call.refuse(`its data format is ${JSON.stringify(format)}, not channelsLast`)
}

const convolve = (call: LayerCall, weights: string, kernel: Pair, group: number): string => {
  channelsLast(call)
  const [strides, dilations] = [call.pair("strides"), call.pair("dilationRate")]
  const bias = call.weightConstant("bias")
  const y = call.graph.node(
    "Conv",
    [call.inputs[0], weights, ...(bias === undefined ? [] : [bias])],
    {
      kernel_shape: kernel,
      strides,
      dilations,
      pads: padding(call, kernel, strides, dilations),
      ...(group === 1 ? {} : { group }),
    },
    { label: call.layer.name },
  )
  return activate(call, y)
}

const conv2d: Lower = (call) => {
  const kernel = call.weight("kernel")
  const weights = call.weightConstant("kernel", [3, 2, 0, 1])
  if (kernel === undefined || weights === undefined) throw call.refuse("it has no kernel")
  const [height, width, channels] = kernel.shape
  const group = call.size(3) / channels
  return convolve(call, weights, [height, width], group)
}

const depthwise: Lower = (call) => {
  const kernel = call.weight("depthwise_kernel")
  if (kernel === undefined) throw call.refuse("it has no depthwise kernel")
  const [height, width, channels, multiplier] = kernel.shape
  // Outputs are in the order channel, multiple: as [channels · multiplier, 1, height, width] has them.
  const dims = [channels * multiplier, 1, height, width]
  const weights = call.weightConstant("depthwise_kernel", [2, 3, 0, 1], dims)
  if (weights === undefined) throw call.refuse("it has no depthwise kernel")
  return convolve(call, weights, [height, width], channels)
}

const pool =
  (op: "MaxPool" | "AveragePool"): Lower =>
  (call) => {
    channelsLast(call)
    const [kernel, strides] = [call.pair("poolSize"), call.pair("strides")]
    return call.graph.node(
      op,
      [call.inputs[0]],
      { kernel_shape: kernel, strides, pads: padding(call, kernel, strides) },
      { label: call.layer.name },
    )
  }

const globalPool =
  (op: "ReduceMean" | "ReduceMax"): Lower =>
  (call) => {
    channelsLast(call)
    return call.graph.node(op, [call.inputs[0]], { axes: [2, 3], keepdims: 0 }, { label: call.layer.name })
  }

const zeroPadding: Lower = (call) => {
  channelsLast(call)
  const given: unknown = call.config["padding"]
  const sides = Array.isArray(given) ? given.flat() : []
  const [top, bottom, left, right] = sides
  const known = [top, bottom, left, right].every((side) => typeof side === "number")
  if (!known || sides.length !== 4) throw call.refuse(`its padding is ${JSON.stringify(given)}`)
  const pads = call.graph.initializer("int64", [8], [0, 0, top, left, 0, 0, bottom, right])
  return call.graph.node("Pad", [call.inputs[0], pads], {}, { label: call.layer.name })
}

/** Layers of feature maps. */
export const SPATIAL_LAYERS: Readonly<Record<string, Lower>> = {
  Conv2D: conv2d,
  DepthwiseConv2D: depthwise,
  MaxPooling2D: pool("MaxPool"),
  AveragePooling2D: pool("AveragePool"),
  GlobalAveragePooling2D: globalPool("ReduceMean"),
  GlobalMaxPooling2D: globalPool("ReduceMax"),
  ZeroPadding2D: zeroPadding,
}
