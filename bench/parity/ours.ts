import * as tf from "@tensorflow/tfjs"
import { compiled } from "../../src/learning/backend.ts"
import { classificationLoss } from "../../src/learning/loss.ts"
import { buildNetwork } from "../../src/learning/networks/index.ts"
import { tensorOf } from "../../src/learning/predict.ts"
import { sgd } from "../../src/learning/sgd.ts"
import { batchOf, type Case, type Weights } from "./cases.ts"

/** What one side computed: tensors by name, in tfjs' layouts. `gradient/…` of the first step, `weight/…` after the last. */
export interface Outcome {
  readonly tensors: ReadonlyMap<string, ArrayLike<number>>
  readonly losses: ReadonlyArray<number>
}

const setWeights = (model: tf.LayersModel, weights: Weights): void => {
  for (const layer of model.layers) {
    if (layer.weights.length === 0) continue
    tf.tidy(() =>
      layer.setWeights(
        layer.weights.map((w) => {
          const found = weights.get(w.originalName)
          if (found === undefined) throw new Error(`no weight ${w.originalName}`)
          return tf.tensor(found.values, [...found.shape])
        }),
      ),
    )
  }
}

/** The values of all weights, copied. */
const readWeights = (model: tf.LayersModel, prefix: string, into: Map<string, ArrayLike<number>>): void => {
  for (const layer of model.layers) {
    const values = layer.getWeights()
    for (const [i, w] of layer.weights.entries())
      into.set(prefix + w.originalName, Float32Array.from(values[i].dataSync()))
  }
}

/** Logits in inference, logits and gradients in training, and the running statistics after that. */
const firstStep = (
  c: Case,
  model: tf.LayersModel,
  variables: ReadonlyArray<tf.Variable>,
  tensors: Map<string, ArrayLike<number>>,
): void => {
  tf.tidy(() => {
    tensors.set("inference", Float32Array.from(tensorOf(model.apply(batchOf(c, 0)[0])).dataSync()))
  })

  tf.tidy(() => {
    const [x, targets] = batchOf(c, 0)
    let logits: tf.Tensor | undefined
    const { grads } = tf.variableGrads(() => {
      logits = tf.keep(tensorOf(model.apply(x, { training: true })))
      return classificationLoss(logits, targets, 0)
    }, [...variables])
    const names = model.trainableWeights.map((w) => w.originalName)
    for (const [i, variable] of variables.entries())
      tensors.set(`gradient/${names[i]}`, Float32Array.from(grads[variable.name].dataSync()))
    if (logits === undefined) throw new Error("the loss was not computed")
    tensors.set("logits", Float32Array.from(logits.dataSync()))
    logits.dispose()
  })
  const afterOne = new Map<string, ArrayLike<number>>()
  readWeights(model, "after-one/", afterOne)
  for (const [name, values] of afterOne) if (name.includes("/moving_")) tensors.set(name, values)
}

/**
 * Runs a case on the current backend, by the functions that the trainer uses.
 * @param lossesOnly leaves out everything but the training.
 */
export const runOurs = (c: Case, weights: Weights, lossesOnly = false): Outcome => {
  const model = buildNetwork(c.network)
  setWeights(model, weights)
  const optimizer = sgd(model, { momentum: c.momentum, nesterov: c.nesterov, l2: c.l2 })
  const tensors = new Map<string, ArrayLike<number>>()

  if (!lossesOnly) firstStep(c, model, optimizer.variables, tensors)
  setWeights(model, weights)
  const losses: Array<number> = []
  const step = compiled((x, targets, rate) => {
    let loss: tf.Tensor | undefined
    optimizer.step(() => {
      const value = classificationLoss(tensorOf(model.apply(x, { training: true })), targets, 0)
      loss = tf.keep(value.clone())
      return value
    }, rate.asScalar())
    return loss === undefined ? [] : [loss]
  })
  for (const [i, rate] of c.rates.entries()) {
    const given = [...batchOf(c, i), tf.scalar(rate)]
    const results = step(...given)
    losses.push(results[0].dataSync()[0])
    tf.dispose([...given, ...results])
  }
  readWeights(model, "weight/", tensors)
  optimizer.dispose()
  model.dispose()
  return { tensors, losses }
}
