import * as tf from "@tensorflow/tfjs"

export interface Adam {
  /** One step down `gradients`, in the order of the variables. */
  readonly step: (gradients: ReadonlyArray<tf.Tensor>, rate: number) => void
  readonly dispose: () => void
}

/** Adam (Kingma & Ba 2015, algorithm 1, its constants) with a rate given at each step. */
export const adam = (variables: ReadonlyArray<tf.Variable>): Adam => {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8]
  const zeros = (): Array<tf.Variable> =>
    variables.map((v) => tf.tidy(() => tf.variable(tf.zeros(v.shape), false)))
  const [means, squares] = [zeros(), zeros()]
  let steps = 0
  return {
    step: (gradients, rate) => {
      steps++
      const corrected = tf.scalar((rate * Math.sqrt(1 - beta2 ** steps)) / (1 - beta1 ** steps))
      for (const [i, variable] of variables.entries()) {
        const mean = tf.add(tf.mul(means[i], beta1), tf.mul(gradients[i], 1 - beta1))
        const square = tf.add(tf.mul(squares[i], beta2), tf.mul(tf.square(gradients[i]), 1 - beta2))
        means[i].assign(mean)
        squares[i].assign(square)
        variable.assign(tf.sub(variable, tf.div(tf.mul(mean, corrected), tf.add(tf.sqrt(square), epsilon))))
      }
    },
    dispose: () => tf.dispose([means, squares]),
  }
}
