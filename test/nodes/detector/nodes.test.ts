import { existsSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { decodeWindows } from "../../../src/learning/mtcnn/window-file.ts"
import evaluate from "../../../src/nodes/detector/evaluate.ts"
import exportNode from "../../../src/nodes/detector/export.ts"
import { detectorFigures, sizeGroup } from "../../../src/nodes/detector/figures.ts"
import samples from "../../../src/nodes/detector/samples.ts"
import scenesNode, { sceneItems } from "../../../src/nodes/detector/scenes.ts"
import train from "../../../src/nodes/detector/train.ts"
import type {
  DetectionValue,
  NetworkValue,
  Scene,
  Stage,
  WindowsValue,
} from "../../../src/nodes/detector/types.ts"
import { builtinWeights } from "../../../src/nodes/face/weights.ts"
import { decodeImage } from "../../../src/vision/decode.ts"
import { readDetectorWeights } from "../../../src/vision/mtcnn/weights.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"

const kept = dirname(builtinWeights()["pnet"])
const shares = { portrait: 5, group: 2, small: 1.5, tight: 2, empty: 2.5 }
const rig = nodeRig({ seed: 3 })
let scenes: ReadonlyArray<Scene> = []

/** The kept networks as if just trained: blobs of the rig. */
const keptNetwork = (stage: Stage): NetworkValue => ({
  stage,
  weights: rig.blob(readFileSync(`${kept}/${stage}.safetensors`)),
  parameters: 0,
  seed: 0,
  trainedOn: { positive: 0, part: 0, negative: 0, landmark: 0 },
  scenes: 0,
  training: {},
  history: [],
})
const keptNetworks = () =>
  (["pnet", "rnet", "onet"] as const).map((stage) => ({ node: "", value: keptNetwork(stage) }))

beforeAll(async () => {
  const { rows } = await rig.map(scenesNode, { count: 26, name: "test" })
  scenes = rows as unknown as ReadonlyArray<Scene>
})
afterAll(() => rig.close())

describe("detector.scenes", () => {
  it("draws as many of each kind as the shares say, the count in all", () => {
    const items = sceneItems({ count: 26, name: "n", shares })
    expect(items).toHaveLength(26)
    const count = (kind: string) => items.filter((item) => item.kind === kind).length
    expect(["portrait", "group", "small", "tight", "empty"].map(count)).toEqual([10, 4, 3, 4, 5])
    expect(new Set(items.map(({ id }) => id)).size).toBe(26)
  })

  it("keeps the scenes there were when more are asked for", () => {
    const ids = new Set(sceneItems({ count: 260, name: "n", shares }).map(({ id }) => id))
    expect(sceneItems({ count: 26, name: "n", shares }).every(({ id }) => ids.has(id))).toBe(true)
  })

  it("gives pictures of the stated size with faces in place: eyes over mouth, inside of the box", async () => {
    expect(scenes).toHaveLength(26)
    for (const scene of scenes) {
      const { width, height } = await decodeImage(rig.bytes(scene.image))
      expect([width, height]).toEqual([scene.width, scene.height])
      expect(scene.faces.length > 0).toBe(scene.kind !== "empty")
      for (const { box, landmarks } of scene.faces) {
        expect(landmarks).toHaveLength(5)
        expect(landmarks[0][0]).toBeLessThan(landmarks[1][0])
        expect(landmarks[0][1]).toBeLessThan(landmarks[3][1])
        for (const [x, y] of landmarks) {
          expect(x > box[0] && x < box[2] && y > box[1] && y < box[3]).toBe(true)
        }
      }
    }
  })

  it("draws the same for the same seed, something else for another", async () => {
    const again = await nodeRig({ seed: 3 }).map(scenesNode, { count: 26, name: "test" })
    expect(again.rows).toEqual(scenes)
    const other = await nodeRig({ seed: 4 }).map(scenesNode, { count: 3, name: "test" })
    expect(other.rows[0].image.$blob).not.toBe(scenes[0].image.$blob)
  })
})

const cut = async (
  params: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Promise<WindowsValue> => {
  const { windows } = await rig.run(samples, params, { scenes: tableOf(scenes), ...more })
  return windows as WindowsValue
}

describe("detector.samples", () => {
  it("cuts windows for P-Net with targets, at most so many of each kind", async () => {
    const value = await cut({ stage: "pnet", perKind: 60 })
    expect(value.counts).toEqual({ positive: 60, part: 60, negative: 180, landmark: 0 })
    expect(value.mined).toEqual({ positive: 0, part: 0, negative: 0, landmark: 0 })
    const pools = decodeWindows("pnet", rig.bytes(value.windows))
    expect(pools.positive.images.count).toBe(60)
    // An overlap above 0.65 leaves no side far off.
    expect(Math.max(...pools.positive.boxes!.map(Math.abs))).toBeLessThan(0.6)
    expect(pools.negative.boxes).toBeUndefined()
    expect(pools.landmark).toBeUndefined()
    const again = await cut({ stage: "pnet", perKind: 60 })
    expect(again.windows.$blob).toBe(value.windows.$blob)
  })

  it("gives O-Net landmark windows, whose points lie in the window mostly", async () => {
    const nets = { pnet: keptNetwork("pnet"), rnet: keptNetwork("rnet") }
    const value = await cut({ stage: "onet", perKind: 40, perFace: 6 }, nets)
    const { landmark, positive } = decodeWindows("onet", rig.bytes(value.windows))
    expect(value.counts.landmark).toBe(40)
    const points = landmark!.landmarks!
    const inside = points.filter((v) => v > 0 && v < 1).length / points.length
    expect(inside).toBeGreaterThan(0.97)
    expect(positive.landmarks).toHaveLength(value.counts.positive * 10)
    // What the earlier stages pass on is mostly right by now.
    expect(value.mined.positive).toBeGreaterThan(0)
  })

  it("says which network is missing, or one too many", async () => {
    await expect(cut({ stage: "rnet" })).rejects.toThrow(/connect `in.pnet`/)
    await expect(cut({ stage: "onet" }, { pnet: keptNetwork("pnet") })).rejects.toThrow(/connect `in.rnet`/)
    await expect(cut({ stage: "pnet" }, { pnet: keptNetwork("pnet") })).rejects.toThrow(/no earlier network/)
    await expect(cut({ stage: "rnet" }, { pnet: keptNetwork("onet") })).rejects.toThrow(/given a onet/)
  })

  it("refuses scenes without a face", async () => {
    const empty = scenes.filter(({ kind }) => kind === "empty")
    await expect(rig.run(samples, { stage: "pnet" }, { scenes: tableOf(empty) })).rejects.toThrow(
      /0 faces give 0 positive/,
    )
  })
})

describe("detector.train", () => {
  it("lowers the loss, the same way each time, and gives a file the detector reads", async () => {
    const windows = await cut({ stage: "pnet", perKind: 200 })
    const params = { steps: 60, batch: 64, lr: 0.02, schedule: "cosine", threads: 1 }
    const network = async (): Promise<NetworkValue> =>
      (await rig.run(train, params, { windows }))["network"] as NetworkValue
    const { history, weights, stage, parameters } = await network()
    expect([stage, parameters]).toEqual(["pnet", 6632])
    const last = history[history.length - 1]
    expect(last.step).toBe(60)
    expect(last.classLoss).toBeLessThan(0.8 * history[0].classLoss)
    expect(last.boxLoss).toBeLessThan(0.5 * history[0].boxLoss)
    expect((await network()).weights.$blob).toBe(weights.$blob)
  })
})

describe("the kept weights", () => {
  it("are small, complete, and come with a card and its figures", () => {
    const bytes = ["pnet", "rnet", "onet"].map((name) => readFileSync(`${kept}/${name}.safetensors`).length)
    expect(bytes.reduce((a, b) => a + b)).toBeLessThan(2_500_000)
    expect(existsSync(`${kept}/README.md`)).toBe(true)
    const figures = JSON.parse(readFileSync(`${kept}/figures.json`, "utf8")) as DetectionValue
    expect(figures.detectors.find(({ minScore }) => minScore === 0.9)?.faces).toBeGreaterThan(100)
  })

  it("find the faces of scenes they never saw, and hardly anything else", async () => {
    const { evaluation } = await rig.run(
      evaluate,
      { minScores: [0.9] },
      { scenes: tableOf(scenes), networks: keptNetworks() },
    )
    const [figures] = (evaluation as DetectionValue).detectors
    const { portrait, tight } = figures.byKind
    expect(portrait.faces).toBe(10)
    expect(portrait.found).toBeGreaterThanOrEqual(9)
    expect(tight.found).toBeGreaterThanOrEqual(3)
    expect(figures.wrong).toBeLessThanOrEqual(1)
    expect(figures.landmarkError).toBeLessThan(12)
  })

  it("are exported byte for byte", async () => {
    const { weights } = await rig.run(exportNode, {}, { networks: keptNetworks() })
    const files = weights as Readonly<Record<string, Uint8Array>>
    expect(Object.keys(files).sort()).toEqual(["onet.safetensors", "pnet.safetensors", "rnet.safetensors"])
    const read = (name: string) => readFileSync(`${kept}/${name}.safetensors`)
    expect(Buffer.compare(files["rnet.safetensors"], read("rnet"))).toBe(0)
    readDetectorWeights({
      pnet: files["pnet.safetensors"],
      rnet: files["rnet.safetensors"],
      onet: files["onet.safetensors"],
    })
  })

  it("are only exported as a whole detector", async () => {
    const two = keptNetworks().slice(0, 2)
    await expect(rig.run(exportNode, {}, { networks: two })).rejects.toThrow(/connected are 0 of onet/)
    const double = [...keptNetworks(), ...keptNetworks().slice(0, 1)]
    await expect(rig.run(exportNode, {}, { networks: double })).rejects.toThrow(/connected are 2 of pnet/)
  })
})

describe("figures", () => {
  const landmarks = [
    [30, 40],
    [70, 40],
    [50, 60],
    [35, 80],
    [65, 80],
  ] as const
  const face = { box: [0, 0, 100, 100] as const, landmarks }
  const tiny = { box: [200, 0, 215, 18] as const, landmarks }
  const found = (score: number, x = 0) => ({
    box: [x, 0, x + 100, 100] as const,
    score,
    landmarks: landmarks.map(([px, py]) => [px + 4, py] as const),
  })
  const options = { minScore: 0.9, overlap: 0.5, minFaceSize: 20 }

  it("count finds, misses, wrong finds and empty scenes", () => {
    const value = detectorFigures(
      "d",
      [
        {
          scene: { kind: "portrait", faces: [face] },
          found: [found(0.95), found(0.99, 300), found(0.8, 500)],
        },
        { scene: { kind: "group", faces: [face, tiny] }, found: [] },
        { scene: { kind: "empty", faces: [] }, found: [found(0.91)] },
        { scene: { kind: "empty", faces: [] }, found: [found(0.5)] },
      ],
      options,
    )
    expect(value).toMatchObject({
      faces: 2,
      found: 1,
      recall: 0.5,
      wrong: 2,
      emptyScenes: 2,
      emptyWithFace: 1,
    })
    expect(value.precision).toBeCloseTo(1 / 3, 12)
    expect(value.landmarkError).toBeCloseTo(10, 9)
    expect(value.bySize["below 20"]).toMatchObject({ faces: 1, found: 0 })
    expect(value.byKind["group"]).toMatchObject({ faces: 1, found: 0, landmarkError: null })
  })

  it("group sizes by their bounds", () => {
    expect([10, 20, 39.9, 40, 160, 500].map(sizeGroup)).toEqual([
      "below 20",
      "20 to 28",
      "28 to 40",
      "40 to 80",
      "160 and more",
      "160 and more",
    ])
  })
})
