import { activate } from "./activations.ts"
import type { LayerCall, Lower } from "./layer-call.ts"
import { SPATIAL_LAYERS } from "./spatial-layers.ts"

/** Layers that do nothing at inference. */
const passOn: Lower = ({ inputs }) => inputs[0]

const scalar = ({ graph }: LayerCall, value: number): string => graph.initializer("float32", [], [value])

const dense: Lower = (call) => {
  if (call.rank !== 2) throw call.refuse(`its input has rank ${call.rank}; put a Flatten before it`)
  const kernel = call.weightConstant("kernel")
  if (kernel === undefined) throw call.refuse("it has no kernel")
  const bias = call.weightConstant("bias")
  const inputs = [call.inputs[0], kernel, ...(bias === undefined ? [] : [bias])]
  return activate(call, call.graph.node("Gemm", inputs, {}, { label: call.layer.name }))
}

/** With the running averages, as at inference. */
const batchNormalization: Lower = (call) => {
  if (call.axis(call.config["axis"]) !== 1 || (call.rank !== 4 && call.rank !== 2))
    throw call.refuse("it normalises over another axis than the channels")
  const channels = call.size(call.rank - 1)
  const parts = [
    call.inputs[0],
    call.channelConstant("gamma", channels, 1),
    call.channelConstant("beta", channels, 0),
    call.channelConstant("moving_mean", channels, 0),
    call.channelConstant("moving_variance", channels, 1),
  ]
  const epsilon = { float: call.number("epsilon") }
  return call.graph.node("BatchNormalization", parts, { epsilon }, { label: call.layer.name })
}

const relu: Lower = (call) => {
  const { maxValue, negativeSlope, threshold } = call.config
  if ((negativeSlope ?? 0) !== 0 || (threshold ?? 0) !== 0)
    throw call.refuse("it has a slope or a threshold; LeakyReLU has a counterpart")
  if (typeof maxValue === "number")
    return call.graph.node("Clip", [call.inputs[0], scalar(call, 0), scalar(call, maxValue)])
  return call.graph.node("Relu", [call.inputs[0]], {}, { label: call.layer.name })
}

const leaky =
  (op: string, fallback: number): Lower =>
  (call) =>
    call.graph.node(op, [call.inputs[0]], { alpha: { float: call.number("alpha", fallback) } })

const merge =
  (op: string): Lower =>
  (call) => {
    if (call.shapes.some((shape) => shape.length !== call.rank))
      throw call.refuse("its inputs have different ranks")
    const [first, ...others] = call.inputs
    return others.reduce((sum, other) => call.graph.node(op, [sum, other]), first)
  }

const concatenate: Lower = (call) =>
  call.graph.node(
    "Concat",
    call.inputs,
    { axis: call.axis(call.config["axis"] ?? -1) },
    { label: call.layer.name },
  )

const flatten: Lower = (call) => {
  const [x] = call.inputs
  // In the order of tfjs: height, width, channels.
  const turned = call.rank === 4 ? call.graph.node("Transpose", [x], { perm: [0, 2, 3, 1] }) : x
  return call.graph.node("Flatten", [turned], { axis: 1 }, { label: call.layer.name })
}

const LAYERS_BY_CLASS: Readonly<Record<string, Lower>> = {
  ...SPATIAL_LAYERS,
  Dense: dense,
  BatchNormalization: batchNormalization,
  ReLU: relu,
  LeakyReLU: leaky("LeakyRelu", 0.3),
  ELU: leaky("Elu", 1),
  Softmax: (call) =>
    call.graph.node("Softmax", [call.inputs[0]], { axis: call.axis(call.number("axis", 1)) }),
  Activation: (call) => activate(call, call.inputs[0]),
  Add: merge("Add"),
  Multiply: merge("Mul"),
  Average: (call) => call.graph.node("Div", [merge("Add")(call), scalar(call, call.inputs.length)]),
  Maximum: merge("Max"),
  Minimum: merge("Min"),
  Concatenate: concatenate,
  Flatten: flatten,
  Dropout: passOn,
  SpatialDropout1D: passOn,
  GaussianNoise: passOn,
  GaussianDropout: passOn,
  AlphaDropout: passOn,
}

/** The classes of layers that can be written. */
export const ONNX_LAYERS: ReadonlyArray<string> = Object.keys(LAYERS_BY_CLASS).toSorted()

/**
 * Adds what a layer computes at inference, in standard operators.
 * @returns the name of its output.
 * @throws ModelExportError naming the layer, where it has no counterpart.
 */
export const lowerLayer: Lower = (call) => {
  const name = call.layer.getClassName()
  const lower = Object.hasOwn(LAYERS_BY_CLASS, name) ? LAYERS_BY_CLASS[name] : undefined
  if (lower === undefined)
    throw call.refuse(`layers of this class have no counterpart here (known: ${ONNX_LAYERS.join(", ")})`)
  return lower(call)
}
