import * as tf from "@tensorflow/tfjs"

/** The symbolic output of a layer that has one. */
export const outputOf = (model: tf.LayersModel, layer: string): tf.SymbolicTensor => {
  const { output } = model.getLayer(layer)
  return Array.isArray(output) ? output[0] : output
}

export interface Evaluation {
  /** Values of symbolic tensors that are given rather than computed: inputs, or activations in the middle. */
  readonly feeds: ReadonlyArray<readonly [tf.SymbolicTensor, tf.Tensor]>
  readonly fetch: ReadonlyArray<tf.SymbolicTensor>
  /** Applied to what the named layers give, before anything uses it. */
  readonly hooks?: Readonly<Record<string, (value: tf.Tensor) => tf.Tensor>>
  readonly training?: boolean
}

/**
 * Evaluate any symbolic tensors of a model from any others: unlike `model.apply` it can start in the middle (for
 * derivatives with respect to activations) and change values on their way. Each layer is applied once; only what
 * the fetched tensors need is computed. Differentiable like any tensor function.
 */
export const execute = ({ feeds, fetch, hooks = {}, training = false }: Evaluation): Array<tf.Tensor> => {
  const values = new Map<number, tf.Tensor>(feeds.map(([symbol, value]) => [symbol.id, value]))
  const compute = (symbol: tf.SymbolicTensor): tf.Tensor => {
    const known = values.get(symbol.id)
    if (known !== undefined) return known
    const inputs = symbol.inputs.map(compute)
    if (inputs.length === 0) throw new TypeError(`the model's input "${symbol.name}" was not fed`)
    const output = symbol.sourceLayer.apply(inputs.length === 1 ? inputs[0] : inputs, { training })
    const value = Array.isArray(output) ? output[0] : output
    if (!(value instanceof tf.Tensor)) throw new TypeError(`layer ${symbol.sourceLayer.name} gave no tensor`)
    const hook = hooks[symbol.sourceLayer.name]
    const final = hook === undefined ? value : hook(value)
    values.set(symbol.id, final)
    return final
  }
  return fetch.map(compute)
}
