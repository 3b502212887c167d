import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { FoundFace } from "../../learning/mtcnn/detection-score.ts"
import type { NodeContext, RunFunction } from "../../runtime/node.ts"
import { decodeImage } from "../../vision/decode.ts"
import { createDetector, type Face } from "../../vision/mtcnn/detect.ts"
import { readDetectorWeights } from "../../vision/mtcnn/weights.ts"
import type { inputs, outputs, Params } from "./evaluate.ts"
import { detectorFigures, type Judged } from "./figures.ts"
import { weightFiles } from "./networks.ts"
import type { DetectorFigures, Scene, Stage } from "./types.ts"

/** The detector takes (0, 0) for the centre of the first pixel, scenes for its corner. */
const toScene = ({ box, score, landmarks }: Face): FoundFace => ({
  box: [box[0] + 0.5, box[1] + 0.5, box[2] + 0.5, box[3] + 0.5],
  score,
  landmarks: landmarks.map(([x, y]) => [x + 0.5, y + 0.5] as const),
})

const judge = async (
  name: string,
  files: Readonly<Record<Stage, Uint8Array>>,
  scenes: AsyncIterable<Scene>,
  params: Params,
  context: NodeContext,
): Promise<Array<DetectorFigures>> => {
  const { minFaceSize, thresholds, factor, overlap } = params
  const detector = await createDetector(readDetectorWeights(files))
  const judged: Array<Judged> = []
  try {
    for await (const scene of scenes) {
      context.signal.throwIfAborted()
      const image = await decodeImage(await context.blobs.get(scene.image))
      const found = await detector.detect(image, { minFaceSize, thresholds, factor })
      judged.push({ scene, found: found.map(toScene) })
    }
  } finally {
    await detector.close()
  }
  return params.minScores.map((minScore) => {
    const figures = detectorFigures(name, judged, { minScore, overlap, minFaceSize })
    context.log(
      `${name} at ${minScore}: ${figures.found} of ${figures.faces} faces found, ${figures.wrong} wrong, ` +
        `${figures.emptyWithFace} of ${figures.emptyScenes} empty scenes with a face, ` +
        `landmarks off by ${figures.landmarkError?.toFixed(2) ?? "-"} % of the eyes' distance`,
    )
    return figures
  })
}

const run = (async ({ inputs, params, context }) => {
  const { compare } = context.files
  const trained = await weightFiles(inputs.networks, context)
  const detectors = await judge("trained", trained, inputs.scenes.stream(), params, context)
  if (compare !== undefined) {
    const read = (stage: Stage): Promise<Uint8Array> => readFile(join(compare, `${stage}.safetensors`))
    const files = { pnet: await read("pnet"), rnet: await read("rnet"), onet: await read("onet") }
    detectors.push(...(await judge("compared", files, inputs.scenes.stream(), params, context)))
  }
  return { evaluation: { overlap: params.overlap, minFaceSize: params.minFaceSize, detectors } }
}) satisfies RunFunction<typeof inputs, typeof outputs, Params>

export default run
