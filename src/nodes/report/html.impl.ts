import type { RunFunction } from "../../runtime/node.ts"
import type { Generated, ReportData, ShownAttention, ShownFeature } from "./data.ts"
import { countSets, gatherCounts } from "./gather/classes.ts"
import { gatherCredits } from "./gather/credits.ts"
import { gatherDuplicates } from "./gather/duplicates.ts"
import { gatherMaps, gatherNeighbours } from "./gather/inside.ts"
import { gatherMistakes } from "./gather/mistakes.ts"
import { nameModels } from "./gather/models.ts"
import { gatherOrigins } from "./gather/origins.ts"
import { gatherRejects } from "./gather/rejects.ts"
import { gatherSamples } from "./gather/shown.ts"
import { type MakeThumb, thumbMaker } from "./gather/thumbs.ts"
import type { inputs, outputs, ReportParams } from "./html.ts"
import { page } from "./page.ts"
import type { VisualizationValue } from "../model/types.ts"

const together = (parts: ReadonlyArray<Generated>): Generated => {
  const distinct = new Set(parts)
  const [only] = distinct
  return distinct.size === 0 ? false : distinct.size === 1 && only !== undefined ? only : "partly"
}

/** Feature pictures are few and worth a closer look. */
const FEATURE_SIDE = 160

const showPictures = async (
  pictures: VisualizationValue | undefined,
  thumb: MakeThumb,
  large: MakeThumb,
): Promise<{ features: ReadonlyArray<ShownFeature>; attention: ReadonlyArray<ShownAttention> }> => {
  const features: Array<ShownFeature> = []
  for (const { image, examples, ...rest } of pictures?.features ?? []) {
    const small = await large(image)
    const natural: Array<ShownFeature["examples"][number]> = []
    for (const { image: ref, label, value } of examples) {
      const one = await thumb(ref)
      if (one !== undefined) natural.push({ thumb: one, label, value })
    }
    if (small !== undefined) features.push({ ...rest, thumb: small, examples: natural })
  }
  const attention: Array<ShownAttention> = []
  for (const { input, overlays, ...rest } of pictures?.attention ?? []) {
    const plain = await thumb(input)
    const warm: Array<ShownAttention["overlays"][number]> = []
    for (const { method, image } of overlays) {
      const one = await thumb(image)
      if (one !== undefined) warm.push({ method, thumb: one })
    }
    if (plain !== undefined) attention.push({ ...rest, input: plain, overlays: warm })
  }
  return { features, attention }
}

/** Gathers what the page says and writes it. */
const report = (async ({ inputs, params, context }) => {
  const thumb = thumbMaker(context.blobs, params.thumbnail)
  const models = nameModels(inputs.models)
  const { results } = inputs.evaluation
  const classes = params.classes ?? models[0]?.value.classes ?? results[0]?.classes ?? []
  const { found, before, after } = inputs
  const kept = before ?? after
  const PARTS = 8
  let part = 0
  const step = <A>(value: A): A => {
    context.progress(++part, PARTS)
    return value
  }
  const origins = step(found === undefined ? undefined : await gatherOrigins(found, kept))
  const counts = step({
    before: before === undefined ? undefined : await gatherCounts(before),
    after: after === undefined ? undefined : await gatherCounts(after),
  })
  const samples = step(await gatherSamples(kept, classes, params.samplesPerClass, thumb))
  const rejects = step(await gatherRejects(inputs.rejected, thumb))
  const duplicates = step(
    inputs.duplicates === undefined
      ? undefined
      : await gatherDuplicates(
          inputs.duplicates,
          inputs.clusters,
          { pictures: found, faces: kept },
          params.clusters,
          thumb,
        ),
  )
  const tested = await countSets(inputs.tested)
  const { mistakes, wrong } = step(await gatherMistakes(inputs.predictions, models, params.mistakes, thumb))
  const { features, attention } = step(
    await showPictures(inputs.pictures, thumb, thumbMaker(context.blobs, FEATURE_SIDE)),
  )
  const { neighbours, maps } = step({
    neighbours: await gatherNeighbours(inputs.neighbours, params.neighbours, thumb),
    maps: await gatherMaps(inputs.map, context.blobs, params.mapPictures),
  })
  const shownIds = [
    ...samples.flatMap((group) => group.shown.map(({ id }) => id)),
    ...rejects.flatMap((stage) => stage.examples.map(({ id }) => id)),
    ...(duplicates?.shown ?? []).flatMap((cluster) =>
      [...(cluster.kept === undefined ? [] : [cluster.kept]), ...cluster.dropped].map(({ id }) => id),
    ),
    ...mistakes.map(({ id }) => id),
    ...attention.map(({ sample }) => sample),
    ...neighbours.flatMap(({ sample, near }) => [sample, ...near.map(({ id }) => id)]),
  ]
  const data: ReportData = {
    title: params.title,
    classes,
    generated: together([
      ...results.map((r) => r.generated),
      ...models.map((m) => m.value.generated),
      ...(origins === undefined ? [] : [origins.generated]),
    ]),
    results,
    tested,
    models,
    ...(origins === undefined ? {} : { origins }),
    ...(counts.before === undefined ? {} : { before: counts.before }),
    ...(counts.after === undefined ? {} : { after: counts.after }),
    samples,
    rejects,
    ...(duplicates === undefined ? {} : { duplicates }),
    mistakes,
    wrong,
    features,
    attention,
    neighbours,
    maps,
    comparisons: inputs.comparisons.map(({ node, value }) => ({ node, ...value })),
    credits: await gatherCredits(shownIds, [found ?? kept, inputs.tested]),
  }
  const bytes = new TextEncoder().encode(page(data))
  context.log(`report.html: ${bytes.length} bytes`)
  return { page: { "report.html": bytes } }
}) satisfies RunFunction<typeof inputs, typeof outputs, ReportParams>

export default report
