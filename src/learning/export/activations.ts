import type { LayerCall } from "./layer-call.ts"

type Activate = (call: LayerCall, x: string) => string

const plain =
  (op: string): Activate =>
  ({ graph }, x) =>
    graph.node(op, [x])

/** x · gate. */
const gated =
  (gate: Activate): Activate =>
  (call, x) =>
    call.graph.node("Mul", [x, gate(call, x)])

const scalar = ({ graph }: LayerCall, value: number): string => graph.initializer("float32", [], [value])

/** Softmax runs over the last axis of tfjs: the channels of a feature map. */
const overChannels =
  (op: string): Activate =>
  (call, x) =>
    call.graph.node(op, [x], { axis: call.axis(-1) })

const ACTIVATIONS: Readonly<Record<string, Activate>> = {
  linear: (_, x) => x,
  relu: plain("Relu"),
  relu6: (call, x) => call.graph.node("Clip", [x, scalar(call, 0), scalar(call, 6)]),
  elu: plain("Elu"),
  selu: plain("Selu"),
  sigmoid: plain("Sigmoid"),
  hardSigmoid: ({ graph }, x) =>
    graph.node("HardSigmoid", [x], { alpha: { float: 0.2 }, beta: { float: 0.5 } }),
  tanh: plain("Tanh"),
  softplus: plain("Softplus"),
  softsign: plain("Softsign"),
  softmax: overChannels("Softmax"),
  logSoftmax: overChannels("LogSoftmax"),
  swish: gated(plain("Sigmoid")),
  mish: gated((call, x) => call.graph.node("Tanh", [call.graph.node("Softplus", [x])])),
}

/**
 * Applies an activation by the name tfjs saves it under.
 * @throws ModelExportError for one without a counterpart, naming the layer.
 */
export const activate = (call: LayerCall, x: string, name: unknown = call.config["activation"]): string => {
  const key = name === undefined || name === null ? "linear" : name
  const found = typeof key === "string" && Object.hasOwn(ACTIVATIONS, key) ? ACTIVATIONS[key] : undefined
  if (found !== undefined) return found(call, x)
  throw call.refuse(
    `its activation ${JSON.stringify(key)} has no counterpart here (known: ${Object.keys(ACTIVATIONS).join(", ")})`,
  )
}
