import * as tf from "@tensorflow/tfjs"
import { compiled } from "./backend.ts"
import { classificationLoss } from "./loss.ts"
import { tensorOf } from "./predict.ts"
import type { MomentumSgd } from "./sgd.ts"

/**
 * One step of a classifier's training, recorded once on a backend that can: from pictures [N, h, w, c] (normalised),
 * targets [N, classes] (see {@link classificationLoss}) and the learning rate (a scalar) to the logits [N, classes] of
 * before the step, which are the caller's to dispose of. The weights have moved then.
 */
export const trainingStep = (model: tf.LayersModel, optimizer: MomentumSgd, focalGamma = 0) => {
  const step = compiled((pictures, targets, rate) => {
    let output: tf.Tensor | undefined
    optimizer.step(() => {
      const logits = tensorOf(model.apply(pictures, { training: true }))
      output = tf.keep(logits.clone())
      return classificationLoss(logits, targets, focalGamma)
    }, rate.asScalar())
    return output === undefined ? [] : [output]
  })
  return (pictures: tf.Tensor, targets: tf.Tensor, rate: tf.Scalar): tf.Tensor =>
    step(pictures, targets, rate)[0]
}
