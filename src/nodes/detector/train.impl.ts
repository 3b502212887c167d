import * as tf from "@tensorflow/tfjs"
import { useBackend } from "../../learning/backend.ts"
import { type MtcnnFigures, trainMtcnnNet } from "../../learning/mtcnn/train.ts"
import { exportMtcnnWeights } from "../../learning/mtcnn/weights.ts"
import { decodeWindows } from "../../learning/mtcnn/window-file.ts"
import { countParameters } from "../../learning/networks/index.ts"
import type { Schedule } from "../../learning/schedule.ts"
import type { RunFunction } from "../../runtime/node.ts"
import type { inputs, outputs, Params } from "./train.ts"
import type { TrainingPoint } from "./types.ts"

const scheduleOf = ({ schedule, stepsAt }: Params): Schedule =>
  schedule === "step" ? { kind: "step", at: stepsAt, factor: 0.1 } : { kind: schedule }

const toPoint = ({ step, lr, classLoss, boxLoss, landmarkLoss, accuracy }: MtcnnFigures): TrainingPoint => ({
  step,
  lr,
  classLoss,
  boxLoss,
  landmarkLoss,
  accuracy,
})

/** Trains one network; times go to the log only, so that equal inputs give equal weights. */
const run = (async ({ inputs, params, context }) => {
  const { stage, counts, scenes } = inputs.windows
  const seed = params.seed ?? context.seed
  const engine = await useBackend(params.backend === "auto" ? "onnx" : params.backend, {
    threads: params.threads,
  })
  context.log(engine.text)
  const pools = decodeWindows(stage, await context.blobs.get(inputs.windows.windows))
  context.progress(0, params.steps)
  const { steps, batch, optimizer, lr, schedule, momentum, l2, batchNorm, dropout, hardShare } = params
  const { lossWeights, augment, threads } = params
  const { model, history } = await trainMtcnnNet({
    net: stage,
    pools,
    steps,
    batchSize: batch,
    optimizer,
    learningRate: lr,
    schedule: scheduleOf(params),
    momentum,
    l2,
    normalised: batchNorm,
    dropout,
    hardShare,
    ...(lossWeights === undefined
      ? {}
      : { lossWeights: { classes: lossWeights[0], boxes: lossWeights[1], landmarks: lossWeights[2] } }),
    // A mirrored window would have other targets, as the cascade's boxes are not symmetric; scenes are.
    augmentation: { flip: 0, ...augment },
    allTargets: true,
    seed,
    reportEvery: Math.max(1, Math.round(steps / 40)),
    signal: context.signal,
    onReport: (f) => {
      context.log(
        `${stage} step ${f.step}/${steps}: class ${f.classLoss.toFixed(4)}, box ${f.boxLoss.toFixed(4)}, ` +
          `landmarks ${f.landmarkLoss.toFixed(4)}, accuracy ${f.accuracy.toFixed(4)}; ${(f.ms / 1000).toFixed(1)} s`,
      )
      context.progress(f.step, steps, `loss ${f.classLoss.toFixed(3)}`)
    },
  })
  try {
    const file = exportMtcnnWeights(stage, model, { net: stage })
    return {
      network: {
        stage,
        weights: await context.blobs.put(file, "application/x-safetensors"),
        parameters: countParameters(model),
        seed,
        trainedOn: counts,
        scenes,
        training: {
          steps,
          batch,
          optimizer,
          lr,
          schedule,
          momentum,
          l2,
          batchNorm,
          dropout,
          hardShare,
          ...(lossWeights === undefined ? {} : { lossWeights }),
          threads,
          backend: engine.backend,
          ...(engine.device === undefined ? {} : { device: engine.device }),
        },
        history: history.map(toPoint),
      },
    }
  } finally {
    model.dispose()
    tf.disposeVariables()
  }
}) satisfies RunFunction<typeof inputs, typeof outputs, Params>

export default run
