import { drawBackground, drawConfusing, drawNear, isInside } from "../../learning/mtcnn/draw-windows.ts"
import { encodeWindows } from "../../learning/mtcnn/window-file.ts"
import { kindOf, nearestFace, type TrueFace, type Window, windowBox } from "../../learning/mtcnn/windows.ts"
import { randomOf } from "../../learning/random.ts"
import type { NodeContext, RunFunction } from "../../runtime/node.ts"
import { decodeImage } from "../../vision/decode.ts"
import { type Integral, integralOf } from "../../vision/mtcnn/integral.ts"
import { readNetWeights } from "../../vision/mtcnn/weights.ts"
import { type Candidates, openCandidates } from "./cascade.ts"
import { WindowCollector } from "./collect.ts"
import type { inputs, outputs, Params } from "./samples.ts"
import type { NetworkValue, Scene } from "./types.ts"

/** Windows cannot be cut from what was given; the message says what is missing. */
export class WindowsError extends Error {
  readonly _tag = "WindowsError"
  override readonly name = "WindowsError"
}

const longerSide = ({ box: [x1, y1, x2, y2] }: TrueFace): number => Math.max(x2 - x1, y2 - y1)

const open = async (
  { stage, minFaceSize, thresholds }: Params,
  nets: { readonly pnet: NetworkValue | undefined; readonly rnet: NetworkValue | undefined },
  context: NodeContext,
): Promise<Candidates | undefined> => {
  if (stage === "pnet") {
    if (nets.pnet !== undefined || nets.rnet !== undefined)
      throw new WindowsError(
        "windows for pnet come from no earlier network: leave out `in.pnet` and `in.rnet`",
      )
    return undefined
  }
  const load = async (name: "pnet" | "rnet") => {
    const net = nets[name]
    if (net === undefined)
      throw new WindowsError(`windows for ${stage} are proposed by earlier networks: connect \`in.${name}\``)
    if (net.stage !== name) throw new WindowsError(`\`in.${name}\` was given a ${net.stage}`)
    return readNetWeights(name, await context.blobs.get(net.weights))
  }
  const pnet = await load("pnet")
  if (stage === "rnet") {
    if (nets.rnet !== undefined)
      throw new WindowsError("windows for rnet come from pnet alone: leave out `in.rnet`")
    return openCandidates({ pnet }, { minFaceSize, thresholds })
  }
  return openCandidates({ pnet, rnet: await load("rnet") }, { minFaceSize, thresholds })
}

/** Offers all windows of one scene: those drawn at random, then those the earlier stages propose. */
const offerScene = (
  collector: WindowCollector,
  photo: Integral,
  scene: Scene,
  params: Params,
  seed: number,
  candidates: Candidates | undefined,
): void => {
  const random = randomOf("detector-windows", seed, params.stage, scene.id)
  const offer = (window: Window, mined: boolean): void => {
    const { index, overlap } = nearestFace(windowBox(window), scene.faces)
    const kind = kindOf(overlap)
    if (kind === undefined) return
    const face = kind === "negative" ? undefined : scene.faces[index]
    if (face !== undefined && longerSide(face) < params.minFace) return
    collector.offer(kind, photo, window, face, mined)
    if (kind === "positive" && params.stage === "onet")
      collector.offer("landmark", photo, window, face, mined)
  }
  // P-Net sees nothing but whole windows; the others also get what is cut off at an edge.
  const allowed = (window: Window): boolean => params.stage !== "pnet" || isInside(window, photo)
  for (const window of drawBackground(random, photo, scene.faces, params.background, 12)) offer(window, false)
  for (const face of scene.faces)
    for (let i = 0; i < params.perFace; i++) {
      const drawn = [
        drawNear(random, face, [0.12, 0.25, 0.6][i % 3]),
        ...(i % 3 === 1 ? [drawConfusing(random, face)] : []),
      ]
      for (const window of drawn) if (allowed(window) && window.side >= 8) offer(window, false)
    }
  for (const window of candidates?.find(photo) ?? []) offer(window, true)
}

const run = (async ({ inputs, params, context }) => {
  const seed = params.seed ?? context.seed
  const { stage, perKind } = params
  const limits = {
    positive: perKind,
    part: perKind,
    landmark: stage === "onet" ? perKind : 0,
    negative: perKind * 3,
  }
  const collector = new WindowCollector(stage, limits, randomOf("detector-reservoir", seed, stage))
  const candidates = await open(params, { pnet: inputs.pnet, rnet: inputs.rnet }, context)
  let done = 0
  let faces = 0
  try {
    for await (const scene of inputs.scenes.stream()) {
      context.signal.throwIfAborted()
      const photo = integralOf(await decodeImage(await context.blobs.get(scene.image)))
      offerScene(collector, photo, scene, params, seed, candidates)
      faces += scene.faces.length
      context.progress(++done, inputs.scenes.rows)
    }
  } finally {
    candidates?.close()
  }
  const { counts, mined } = collector.counts()
  context.log(
    `${stage}: ${counts.positive} positive, ${counts.part} part, ${counts.negative} negative and ${counts.landmark} ` +
      `landmark windows of ${done} scenes; found by earlier networks: ${mined.positive}, ${mined.part}, ${mined.negative}`,
  )
  if (counts.positive === 0 || counts.part === 0 || counts.negative === 0)
    throw new WindowsError(
      `${done} scenes with ${faces} faces give ${counts.positive} positive, ${counts.part} part and ` +
        `${counts.negative} negative windows for ${stage}; at least one of each is needed: draw more scenes`,
    )
  const windows = await context.blobs.put(
    encodeWindows(stage, collector.pools()),
    "application/x-safetensors",
  )
  return { windows: { stage, windows, counts, mined, scenes: done, faces } }
}) satisfies RunFunction<typeof inputs, typeof outputs, Params>

export default run
