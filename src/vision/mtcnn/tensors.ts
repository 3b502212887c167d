import type { OnnxTensor } from "../../learning/onnx/session.ts"

/** The values of a net's output, which is float32 by construction. */
export function float32Data(tensor: OnnxTensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data
  throw new TypeError(`a network gave ${tensor.type} instead of float32`)
}
