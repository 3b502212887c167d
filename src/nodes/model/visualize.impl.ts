import { useBackend } from "../../learning/backend.ts"
import { decodeModel } from "../../learning/model-file.ts"
import type { RunFunction } from "../../runtime/node.ts"
import { attentionOf } from "./attention.ts"
import { featuresOf, objectivesOf } from "./features.ts"
import type { AttentionPicture, FeaturePicture } from "./types.ts"
import type { inputs, outputs, VisualizeParams } from "./visualize.ts"

/** Makes the pictures of each model in turn. */
const visualize = (async ({ inputs, params, context }) => {
  await useBackend(params.backend === "auto" ? "onnx" : params.backend, { threads: params.threads })
  const tables = await Promise.all(inputs.samples.map(({ value }) => value.all()))
  const rows = tables.flat()
  const features: Array<FeaturePicture> = []
  const attention: Array<AttentionPicture> = []
  const total = params.steps * inputs.models.length
  for (const [m, { node, value }] of inputs.models.entries()) {
    const { model, meta } = await decodeModel(await context.blobs.get(value.weights))
    try {
      const objectives = objectivesOf(model, value.classes, {
        spec: meta.network,
        layers: params.layers,
        perLayer: params.perLayer,
        logits: params.logits,
      })
      const report = (step: number): void => context.progress(m * params.steps + step, total, node)
      features.push(...(await featuresOf(node, model, value, objectives, params.steps, context, report)))
      if (params.attention > 0)
        attention.push(
          ...(await attentionOf(
            node,
            model,
            value,
            rows,
            { right: params.attention, size: params.size },
            context,
          )),
        )
      context.log(`${node}: ${objectives.length} feature pictures of ${params.steps} steps`)
    } finally {
      model.dispose()
    }
  }
  return { pictures: { features, attention } }
}) satisfies RunFunction<typeof inputs, typeof outputs, VisualizeParams>

export default visualize
