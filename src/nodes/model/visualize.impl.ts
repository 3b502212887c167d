import { useBackend } from "../../learning/backend.ts"
import { decodeModel } from "../../learning/model-file.ts"
import type { CamMethod } from "../../learning/visualize/gradcam.ts"
import type { RunFunction } from "../../runtime/node.ts"
import { attentionOf, candidates } from "./attention.ts"
import { examplesOf, featuresOf, objectivesOf } from "./features.ts"
import { loadPictures } from "./pictures.ts"
import type { AttentionPicture, FeaturePicture } from "./types.ts"
import type { inputs, outputs, VisualizeParams } from "./visualize.ts"

/** Makes the pictures of each model in turn. */
const visualize = (async ({ inputs, params, context }) => {
  const engine = await useBackend(params.backend === "auto" ? "onnx" : params.backend, {
    threads: params.threads,
  })
  context.log(engine.text)
  const tables = await Promise.all(inputs.samples.map(({ value }) => value.all()))
  const rows = tables.flat()
  const features: Array<FeaturePicture> = []
  const attention: Array<AttentionPicture> = []
  const methods: ReadonlyArray<CamMethod> =
    params.gradcam === "both" ? ["gradcam", "gradcam++"] : [params.gradcam]
  for (const [m, { node, value }] of inputs.models.entries()) {
    const { model, meta } = await decodeModel(await context.blobs.get(value.weights))
    try {
      const objectives = objectivesOf(model, value.classes, { ...params, spec: meta.network })
      const judged = candidates(rows, value.classes)
      const images = await loadPictures(judged, value.preprocessing, context)
      const examples = examplesOf(model, value, objectives, judged, images, params.examples)
      const drawn = await featuresOf(
        node,
        model,
        value,
        objectives,
        params,
        context,
        ({ done, total, layer }) =>
          context.progress(m * total + done, total * inputs.models.length, `${node}, ${layer}`),
      )
      features.push(...drawn.pictures.map((picture) => ({ ...picture, examples: examples(picture) })))
      if (params.attention > 0)
        attention.push(
          ...(await attentionOf(
            node,
            model,
            value,
            judged,
            images,
            { right: params.attention, size: params.size, methods },
            context,
          )),
        )
      const { length } = drawn.pictures
      if (length > 0)
        context.log(
          `${node}: ${length} feature pictures of ${params.steps} steps, ${drawn.cpuSeconds.toFixed(1)} s of CPU time, ${(drawn.cpuSeconds / length).toFixed(2)} s a picture`,
        )
    } finally {
      model.dispose()
    }
  }
  return { pictures: { features, attention } }
}) satisfies RunFunction<typeof inputs, typeof outputs, VisualizeParams>

export default visualize
