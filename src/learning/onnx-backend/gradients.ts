import * as tf from "@tensorflow/tfjs"
import { sizeOf } from "./layout.ts"

/** The shape of `x` with the reduced dimensions as 1. */
function keptShape(shape: ReadonlyArray<number>, axis: unknown): Array<number> {
  const given = Array.isArray(axis)
    ? axis.map(Number)
    : typeof axis === "number"
      ? axis
      : shape.map((_, i) => i)
  const axes = tf.util.parseAxisParam(given, [...shape])
  return shape.map((d, i) => (axes.includes(i) ? 1 : d))
}

const single = (dy: tf.Tensor | Array<tf.Tensor>): tf.Tensor => (Array.isArray(dy) ? dy[0] : dy)

/**
 * Replaces the gradients of Sum and Mean. tfjs multiplies the result's gradient by an array of ones as large as the
 * operand, made on the host in each step; a broadcast says the same without moving any data.
 */
export function registerGradients(): void {
  tf.unregisterGradient("Sum")
  tf.registerGradient({
    kernelName: "Sum",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({
      x: () => tf.broadcastTo(tf.reshape(single(dy), keptShape(x.shape, attrs["axis"])), x.shape),
    }),
  })
  tf.unregisterGradient("Mean")
  tf.registerGradient({
    kernelName: "Mean",
    inputsToSave: ["x"],
    gradFunc: (dy, [x], attrs) => ({
      x: () => {
        const kept = keptShape(x.shape, attrs["axis"])
        const count = sizeOf(x.shape) / sizeOf(kept)
        return tf.broadcastTo(tf.reshape(tf.div(single(dy), count), kept), x.shape)
      },
    }),
  })
}
