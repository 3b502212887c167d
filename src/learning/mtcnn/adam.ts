import * as tf from "@tensorflow/tfjs"
import { type Sgd, trainableVariables } from "../sgd.ts"

export interface AdamOptions {
  /** Share of the old mean of gradients, and of squared gradients, that is kept. Defaults 0.9 and 0.999. */
  readonly beta1?: number
  readonly beta2?: number
  /** Decoupled weight decay of kernels: `w ← w − lr · decay · w` (Loshchilov & Hutter 2019). */
  readonly decay: number
}

const EPSILON = 1e-8

/**
 * Adam (Kingma & Ba 2015, algorithm 1) whose every step stays inside tensor operations. The corrections of the means'
 * start enter as two scalars, so that every step is the same graph.
 */
export const adam = (model: tf.LayersModel, options: AdamOptions): Sgd => {
  const { beta1 = 0.9, beta2 = 0.999, decay } = options
  const variables = trainableVariables(model)
  const zeros = (): Array<tf.Variable> =>
    variables.map((w) => tf.tidy(() => tf.variable(tf.zeros(w.shape), false)))
  const means = zeros()
  const squares = zeros()
  let steps = 0
  return {
    variables,
    step: (loss, learningRate) =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(loss, variables)
        steps++
        const scale = tf.scalar(Math.sqrt(1 - beta2 ** steps))
        const rate = tf.scalar(learningRate / (1 - beta1 ** steps))
        const shrink = tf.scalar(1 - learningRate * decay)
        for (const [index, w] of variables.entries()) {
          const g = grads[w.name]
          const m = tf.add(tf.mul(means[index], beta1), tf.mul(g, 1 - beta1))
          const v = tf.add(tf.mul(squares[index], beta2), tf.mul(tf.square(g), 1 - beta2))
          means[index].assign(m)
          squares[index].assign(v)
          const move = tf.div(tf.mul(tf.mul(m, rate), scale), tf.add(tf.sqrt(v), EPSILON))
          w.assign(tf.sub(w.rank > 1 ? tf.mul(w, shrink) : w, move))
        }
      }),
    dispose: () => tf.dispose([...means, ...squares]),
  }
}
