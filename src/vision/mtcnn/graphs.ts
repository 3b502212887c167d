import { OnnxGraph } from "../../learning/onnx/graph.ts"
import { nets, type DenseLayer, type NetName } from "./layers.ts"
import type { NetWeights } from "./weights.ts"

/**
 * Builds one net as an ONNX model. Input `x`: float32, n × 3 × side × side (P-Net: 1 × 3 × any × any), values
 * (v − 127.5) / 128. Output `y`: the face logit minus the no-face logit (whose logistic function is the
 * probability that a softmax would give), four box offsets, and for O-Net ten landmark coordinates, five x
 * before five y: n × 5 × rows × columns for P-Net, n × 5 for R-Net, n × 15 for O-Net.
 */
export function buildNet(name: NetName, weights: NetWeights): Uint8Array {
  const net = nets[name]
  const graph = new OnnxGraph(name)
  const constant = (key: string, shape: ReadonlyArray<number>, data = weights.get(key)!) =>
    graph.initializer("float32", shape, data, key)

  let value =
    name === "pnet"
      ? graph.input("x", "float32", [1, 3, "height", "width"])
      : graph.input("x", "float32", ["n", 3, net.window, net.window])
  let features = 0
  let dense = false
  for (const layer of net.trunk) {
    if (layer.kind === "pool") {
      const kernel = [layer.kernel, layer.kernel]
      value = graph.node("MaxPool", [value], { kernel_shape: kernel, strides: [2, 2], ceil_mode: 1 })
      continue
    }
    const bias = constant(`${layer.name}.bias`, [layer.out])
    if (layer.kind === "conv") {
      const weight = constant(`${layer.name}.weight`, [layer.out, layer.in, layer.kernel, layer.kernel])
      value = graph.node("Conv", [value, weight, bias], { kernel_shape: [layer.kernel, layer.kernel] })
      value = graph.node("PRelu", [value, constant(`${layer.prelu}.weight`, [layer.out, 1, 1])])
    } else {
      const count = layer.side * layer.side * layer.channels
      const weight = constant(`${layer.name}.weight`, [layer.out, count], channelsFirst(layer, weights))
      value = graph.node("Flatten", [value])
      value = graph.node("Gemm", [value, weight, bias], { transB: 1 })
      value = graph.node("PRelu", [value, constant(`${layer.prelu}.weight`, [layer.out])])
      dense = true
    }
    features = layer.out
  }

  const { weight, bias } = joinHeads(name, weights, features)
  const outputs = bias.length
  const b = constant("heads.bias", [outputs], bias)
  if (dense) {
    const w = constant("heads.weight", [outputs, features], weight)
    graph.nodes("Gemm", [value, w, b], { transB: 1 }, { names: ["y"] })
    graph.output("y", "float32", ["n", outputs])
  } else {
    const w = constant("heads.weight", [outputs, features, 1, 1], weight)
    graph.nodes("Conv", [value, w, b], { kernel_shape: [1, 1] }, { names: ["y"] })
    graph.output("y", "float32", [1, outputs, "rows", "columns"])
  }
  return graph.toBytes()
}

/** Reorders a dense layer's columns from (x, y, channel) to (channel, y, x), the order of a flattened map. */
function channelsFirst(layer: DenseLayer, weights: NetWeights): Float32Array {
  const { side, channels, out } = layer
  const source = weights.get(`${layer.name}.weight`)!
  const count = side * side * channels
  const target = new Float32Array(source.length)
  for (let o = 0; o < out; o++) {
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < side; y++) {
        for (let x = 0; x < side; x++) {
          target[o * count + (c * side + y) * side + x] = source[o * count + (x * side + y) * channels + c]
        }
      }
    }
  }
  return target
}

/** All heads as one layer: the difference of the two logits, the box, the landmarks. */
function joinHeads(name: NetName, weights: NetWeights, features: number) {
  const { logits, box, landmarks } = nets[name].heads
  const weight: Array<number> = []
  const bias: Array<number> = []
  const w = weights.get(`${logits}.weight`)!
  const b = weights.get(`${logits}.bias`)!
  for (let i = 0; i < features; i++) weight.push(w[features + i] - w[i])
  bias.push(b[1] - b[0])
  for (const head of [box, landmarks]) {
    if (head === undefined) continue
    weight.push(...weights.get(`${head}.weight`)!)
    bias.push(...weights.get(`${head}.bias`)!)
  }
  return { weight: Float32Array.from(weight), bias: Float32Array.from(bias) }
}
