import * as tf from "@tensorflow/tfjs"

export interface SgdOptions {
  readonly momentum: number
  readonly nesterov: boolean
  /** L2 factor, added to the gradient of kernels only: not of biases, normalisation scales and shifts, slopes. */
  readonly l2: number
  /**
   * Where the norm of all gradients together (L2 apart) is larger, all are scaled down to it (Pascanu et al. 2013).
   * None when left out.
   */
  readonly clipNorm?: number | undefined
}

/** Stochastic gradient descent over a model's trainable variables, as plain tensor operations. */
export interface Sgd {
  readonly variables: ReadonlyArray<tf.Variable>
  /** Gradients of `loss` and one update: `v ← μ·v + g`, `w ← w − lr·v` (Nesterov: `w ← w − lr·(g + μ·v)`). */
  readonly step: (loss: () => tf.Scalar, learningRate: number) => void
  readonly dispose: () => void
}

/** Its state between steps is the velocities alone, in the order of `variables`. */
export interface MomentumSgd extends Sgd {
  /** The rate as a tensor may change between the calls of a compiled step. */
  readonly step: (loss: () => tf.Scalar, learningRate: number | tf.Scalar) => void
  readonly velocities: ReadonlyArray<tf.Variable>
}

/** The variables behind a model's trainable weights. */
export const trainableVariables = (model: tf.LayersModel): Array<tf.Variable> =>
  model.trainableWeights.map((weight) => {
    const variable = weight.read()
    if (variable instanceof tf.Variable) return variable
    throw new TypeError(`weight ${weight.originalName} is not a variable`)
  })

/** What gradients are multiplied by so that their common norm is `most` at most. */
const clipScale = (gradients: ReadonlyArray<tf.Tensor>, most: number): tf.Tensor => {
  const norm = tf.sqrt(tf.addN(gradients.map((g) => tf.sum(tf.square(g)))))
  return tf.minimum(1, tf.div(most, tf.add(norm, 1e-6)))
}

/** SGD whose every step stays inside tensor operations: a lazy backend makes one graph of it. */
export const sgd = (model: tf.LayersModel, options: SgdOptions): MomentumSgd => {
  const variables = trainableVariables(model)
  const velocities = variables.map((w) => tf.tidy(() => tf.variable(tf.zeros(w.shape), false)))
  const { momentum, nesterov, l2, clipNorm } = options
  const update = (index: number, gradient: tf.Tensor, rate: tf.Tensor): void => {
    const w = variables[index]
    const g = l2 > 0 && w.rank > 1 ? tf.add(gradient, tf.mul(w, l2)) : gradient
    if (momentum === 0) {
      w.assign(tf.sub(w, tf.mul(g, rate)))
      return
    }
    const v = tf.add(tf.mul(velocities[index], momentum), g)
    velocities[index].assign(v)
    w.assign(tf.sub(w, tf.mul(nesterov ? tf.add(g, tf.mul(v, momentum)) : v, rate)))
  }
  return {
    variables,
    velocities,
    step: (loss, learningRate) =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(loss, variables)
        const rate = typeof learningRate === "number" ? tf.scalar(learningRate) : learningRate
        const scale = clipNorm === undefined ? undefined : clipScale(Object.values(grads), clipNorm)
        for (const [index, w] of variables.entries())
          update(index, scale === undefined ? grads[w.name] : tf.mul(grads[w.name], scale), rate)
      }),
    dispose: () => tf.dispose(velocities),
  }
}
