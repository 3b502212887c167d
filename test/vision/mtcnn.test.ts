import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createSession, onnxTensor } from "../../src/learning/onnx/session.ts"
import { writeSafetensors } from "../../src/learning/safetensors.ts"
import { decodeImage } from "../../src/vision/decode.ts"
import { createDetector, type Detector, type Face } from "../../src/vision/mtcnn/detect.ts"
import { buildNet } from "../../src/vision/mtcnn/graphs.ts"
import { integralOf, poolRegion } from "../../src/vision/mtcnn/integral.ts"
import { nets, tensorShapes, type NetName } from "../../src/vision/mtcnn/layers.ts"
import { byScore, suppress, type Overlap } from "../../src/vision/mtcnn/nms.ts"
import { probability, pyramidScales } from "../../src/vision/mtcnn/propose.ts"
import { readDetectorWeights, readNetWeights, type DetectorWeights } from "../../src/vision/mtcnn/weights.ts"
import { raster } from "../../src/vision/raster.ts"
import { expectedPhotos, hasData, losslessPath, random, readData, waves } from "./data.ts"

const names: ReadonlyArray<NetName> = ["pnet", "rnet", "onet"]

function iou(a: readonly number[], b: readonly number[]): number {
  const w = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]))
  const h = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]))
  const area = (r: readonly number[]) => (r[2] - r[0]) * (r[3] - r[1])
  return (w * h) / (area(a) + area(b) - w * h)
}

/** A file of made weights for one net; `change` may spoil it. */
function weightFile(
  net: NetName,
  change: (
    tensors: Map<string, { shape: ReadonlyArray<number>; data: Float32Array<ArrayBuffer> }>,
  ) => void = () => {},
) {
  const next = random(net.length + net.charCodeAt(0))
  const tensors = new Map<string, { shape: ReadonlyArray<number>; data: Float32Array<ArrayBuffer> }>()
  for (const [name, shape] of tensorShapes(nets[net])) {
    const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => (next() - 0.5) * 0.3)
    tensors.set(`${net}.${name}`, { shape, data })
  }
  change(tensors)
  return writeSafetensors(
    new Map([...tensors].map(([name, { shape, data }]) => [name, { dtype: "F32" as const, shape, data }])),
  )
}

const madeWeights = (): DetectorWeights =>
  readDetectorWeights({ pnet: weightFile("pnet"), rnet: weightFile("rnet"), onet: weightFile("onet") })

describe("weight files", () => {
  it("hold the published numbers of parameters", () => {
    const count = (net: NetName) =>
      tensorShapes(nets[net]).reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0)
    expect(names.map(count)).toEqual([6632, 100178, 389040])
  })

  it("are refused with the tensor's name when anything is wrong", () => {
    const spoilt = (change: Parameters<typeof weightFile>[1]) => () =>
      readNetWeights("rnet", weightFile("rnet", change))
    expect(readNetWeights("rnet", weightFile("rnet")).size).toBe(16)
    expect(spoilt((t) => t.delete("rnet.conv2.bias"))).toThrow("tensor rnet.conv2.bias is missing")
    expect(spoilt((t) => t.set("rnet.conv1.bias", { shape: [4, 7], data: new Float32Array(28) }))).toThrow(
      "rnet.conv1.bias has the shape 4 × 7, not 28",
    )
    expect(spoilt((t) => (t.get("rnet.dense4.bias")!.data[3] = Number.NaN))).toThrow("not finite")
    expect(spoilt((t) => t.set("rnet.conv9.bias", { shape: [1], data: new Float32Array(1) }))).toThrow(
      "no layer of rnet",
    )
    expect(() => readNetWeights("pnet", weightFile("rnet"))).toThrow("pnet.conv1.weight is missing")
    expect(() => readNetWeights("pnet", new TextEncoder().encode("<html>"))).toThrow("Weights of pnet")
  })
})

const box = fc
  .tuple(
    fc.integer({ min: 0, max: 60 }),
    fc.integer({ min: 0, max: 60 }),
    fc.integer({ min: 1, max: 30 }),
    fc.integer({ min: 1, max: 30 }),
  )
  .map(([x, y, w, h]) => [x, y, x + w, y + h])
const boxes = fc.array(fc.tuple(box, fc.integer({ min: 1, max: 12 })), { maxLength: 40 }).map((list) => ({
  xyxy: Float32Array.from(list.flatMap(([b]) => b)),
  scores: Float32Array.from(list, ([, s]) => s / 12),
}))
const overlaps = fc.constantFrom<Overlap>("union", "minimum")
const thresholds = fc.constantFrom(0.3, 0.5, 0.7)

/** The same, from its definition. */
function plainSuppress(
  xyxy: Float32Array,
  scores: Float32Array,
  threshold: number,
  overlap: Overlap,
): Array<number> {
  const ratio = (i: number, j: number) => {
    const extra = overlap === "minimum" ? 1 : 0
    const [a, b] = [xyxy.subarray(4 * i, 4 * i + 4), xyxy.subarray(4 * j, 4 * j + 4)]
    const w = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]) + extra)
    const h = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]) + extra)
    const area = (r: Float32Array) => (r[2] - r[0] + extra) * (r[3] - r[1] + extra)
    return Math.fround(
      (w * h) / (overlap === "minimum" ? Math.min(area(a), area(b)) : area(a) + area(b) - w * h),
    )
  }
  const kept: Array<number> = []
  for (const i of byScore(scores)) if (kept.every((k) => ratio(k, i) <= threshold)) kept.push(i)
  return kept
}

describe("non-maximum suppression", () => {
  it("keeps what its definition keeps, best first", () => {
    fc.assert(
      fc.property(boxes, thresholds, overlaps, ({ xyxy, scores }, threshold, overlap) => {
        expect([...suppress(xyxy, scores, threshold, overlap)]).toEqual(
          plainSuppress(xyxy, scores, threshold, overlap),
        )
      }),
      { numRuns: 400 },
    )
  })

  it("changes nothing when done again", () => {
    fc.assert(
      fc.property(boxes, thresholds, overlaps, ({ xyxy, scores }, threshold, overlap) => {
        const kept = suppress(xyxy, scores, threshold, overlap)
        const again = suppress(
          Float32Array.from([...kept].flatMap((k) => [...xyxy.subarray(4 * k, 4 * k + 4)])),
          Float32Array.from(kept, (k) => scores[k]),
          threshold,
          overlap,
        )
        expect([...again]).toEqual([...kept.keys()])
      }),
    )
  })
})

describe("summed areas", () => {
  it("give the mean of every window that adaptive pooling names, in all of a region or some rows of it", () => {
    const side = fc.integer({ min: 1, max: 30 })
    fc.assert(
      fc.property(
        side,
        side,
        fc.constantFrom<1 | 3>(1, 3),
        side,
        side,
        fc.nat(),
        (width, height, channels, w, h, seed) => {
          const image = waves(width, height, channels, seed)
          const next = random(seed)
          const x = Math.floor(next() * width)
          const y = Math.floor(next() * height)
          const region = {
            x,
            y,
            width: 1 + Math.floor(next() * (width - x)),
            height: 1 + Math.floor(next() * (height - y)),
          }
          const out = new Float32Array(3 * w * h + 2)
          poolRegion(integralOf(image), region, w, h, out, 2)
          let worst = 0
          for (let c = 0; c < 3; c++) {
            for (let v = 0; v < h; v++) {
              for (let u = 0; u < w; u++) {
                let sum = 0
                let count = 0
                for (
                  let j = Math.floor((v * region.height) / h);
                  j < Math.ceil(((v + 1) * region.height) / h);
                  j++
                ) {
                  for (
                    let i = Math.floor((u * region.width) / w);
                    i < Math.ceil(((u + 1) * region.width) / w);
                    i++
                  ) {
                    sum += image.data[((y + j) * width + x + i) * channels + (channels === 3 ? c : 0)]
                    count++
                  }
                }
                const wanted = (sum / count - 127.5) / 128
                worst = Math.max(worst, Math.abs(out[2 + (c * h + v) * w + u] - wanted))
              }
            }
          }
          expect(worst).toBeLessThan(1e-6)
          const top = Math.floor(next() * h)
          const part = new Float32Array(3 * w * (h - top))
          poolRegion(integralOf(image, new Int32Array(99_999).fill(7)), region, w, h, part, 0, top, h)
          const rows = [0, 1, 2].flatMap((c) => [...out.subarray(2 + (c * h + top) * w, 2 + (c + 1) * h * w)])
          expect([...part]).toEqual(rows)
        },
      ),
    )
  })
})

describe("the cascade's numbers", () => {
  it("scales run from the smallest face to the window that fills the picture", () => {
    expect(pyramidScales(19, 400, 20, 0.709)).toEqual([])
    expect(pyramidScales(20, 400, 20, 0.709)).toEqual([0.6])
    const scales = pyramidScales(640, 480, 20, 0.709)
    expect(scales).toHaveLength(10)
    expect(scales.every((s) => 480 * s >= 12 - 1e-9)).toBe(true)
  })

  it("probability is the logistic function", () => {
    for (const d of [-30, -2, -0.5, 0, 0.4, 3, 12, 40]) {
      expect(probability(d)).toBeCloseTo(1 / (1 + Math.exp(-d)), 6)
    }
    expect(probability(-Infinity)).toBe(0)
  })
})

describe("a detector of any weights", () => {
  let detector: Detector
  beforeAll(async () => {
    detector = await createDetector(madeWeights())
  })
  afterAll(() => detector.close())

  it("finds nothing in a picture smaller than the smallest face, and takes odd sizes and grey", async () => {
    expect(await detector.detect(waves(19, 200, 3, 1))).toEqual([])
    for (const [w, h] of [
      [20, 20],
      [21, 333],
      [400, 23],
      [61, 67],
    ]) {
      await expect(
        detector.detect(waves(w, h, 3, 2), { thresholds: [0.2, 0.2, 0.2] }),
      ).resolves.toBeInstanceOf(Array)
    }
    const gray = waves(80, 90, 1, 3)
    const low = { thresholds: [0.3, 0.3, 0.3] } as const
    const rgb = raster(
      80,
      90,
      3,
      Uint8Array.from({ length: 80 * 90 * 3 }, (_, i) => gray.data[Math.floor(i / 3)]),
    )
    expect(await detector.detect(gray, low)).toEqual(await detector.detect(rgb, low))
  })

  it("refuses options out of range", async () => {
    const image = waves(40, 40, 3, 1)
    await expect(detector.detect(image, { minFaceSize: 0 })).rejects.toThrow("minFaceSize")
    await expect(detector.detect(image, { factor: 1 })).rejects.toThrow("factor")
    await expect(detector.detect(image, { thresholds: [0.5, 1.2, 0.5] })).rejects.toThrow("thresholds")
  })
})

describe.skipIf(!hasData)("with the published weights", () => {
  let weights: DetectorWeights
  let detector: Detector
  beforeAll(async () => {
    weights = readDetectorWeights({
      pnet: readData("mtcnn/pnet.safetensors"),
      rnet: readData("mtcnn/rnet.safetensors"),
      onet: readData("mtcnn/onet.safetensors"),
    })
    detector = await createDetector(weights)
  })
  afterAll(() => detector.close())

  it("each net gives the reference's outputs for a made input", () => {
    const { cases } = JSON.parse(readData("mtcnn/mtcnn.json").toString()).check
    for (const [name, sample] of Object.entries<{
      input_shape: ReadonlyArray<number>
      box_regression: { values: ReadonlyArray<number> }
      class_probability: { values: ReadonlyArray<number> }
      landmarks?: { values: ReadonlyArray<number> }
    }>(cases)) {
      const net = names.find((n) => name.startsWith(n))!
      const [channels, height, width] = sample.input_shape
      const input = Float32Array.from({ length: channels * height * width }, (_, i) => {
        const [c, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width]
        return (((c * 29 + y * 7 + x * 13) % 256) - 127.5) / 128
      })
      const session = createSession(buildNet(net, weights[net]), { optimization: "all" })
      const y = session.run({ x: onnxTensor("float32", input, [1, channels, height, width]) }).y.data
      session.dispose()
      if (!(y instanceof Float32Array)) throw new Error("not float32")
      const cells = sample.class_probability.values.length / 2
      const wanted = [
        ...sample.class_probability.values.slice(cells),
        ...sample.box_regression.values,
        ...(sample.landmarks?.values ?? []),
      ]
      expect(y.length).toBe(wanted.length)
      for (let i = 0; i < wanted.length; i++) {
        const got = i < cells ? probability(y[i]) : y[i]
        expect(Math.abs(got - wanted[i])).toBeLessThan(1e-5)
      }
    }
  })

  it("finds the reference's faces in the lossless photos, and the same boxes at every stage", async () => {
    let sure = 0
    let found = 0
    let close = 0
    const extra: Array<Face> = []
    for (const photo of expectedPhotos()) {
      const path = losslessPath(photo)
      if (path === undefined) continue
      const { faces, stages } = await detector.detectStages(await decodeImage(readData(path)))
      expect([photo.file, ...stages]).toEqual([photo.file, ...Object.values(photo.stage_boxes)])
      expect(faces.map((f) => f.score)).toEqual(faces.map((f) => f.score).sort((a, b) => b - a))
      for (const face of photo.faces) {
        if (face.score < 0.9) continue
        sure++
        const best = faces.reduce<Face | undefined>(
          (m, f) => (m === undefined || iou(f.box, face.box) > iou(m.box, face.box) ? f : m),
          undefined,
        )
        if (best === undefined || iou(best.box, face.box) < 0.9) continue
        found++
        const distance = Math.max(
          ...best.box.map((v, i) => Math.abs(v - face.box[i])),
          ...best.landmarks.flatMap((p, i) => [
            Math.abs(p[0] - face.landmarks[i][0]),
            Math.abs(p[1] - face.landmarks[i][1]),
          ]),
        )
        if (distance < 0.5 && Math.abs(best.score - face.score) < 2e-6) close++
      }
      extra.push(...faces.filter((f) => f.score > 0.95 && photo.faces.every((e) => iou(e.box, f.box) < 0.9)))
    }
    expect(sure).toBeGreaterThan(20)
    expect(found / sure).toBeGreaterThanOrEqual(0.98)
    expect(close / sure).toBeGreaterThanOrEqual(0.98)
    expect(extra).toEqual([])
  })

  it("gives the same boxes bit for bit, whatever was looked at before, and from a new detector", async () => {
    const group = await decodeImage(readData("detect/photo_30.jpg"))
    const first = await detector.detect(group)
    expect(first.length).toBeGreaterThan(10)
    await detector.detect(waves(300, 200, 3, 4))
    expect(await detector.detect(group)).toEqual(first)
    const other = await createDetector(weights)
    expect(await other.detect(group)).toEqual(first)
    await other.close()
  })

  it("reports smaller and fewer things by its options", async () => {
    const group = await decodeImage(readData("detect/photo_30.jpg"))
    const all = await detector.detectStages(group)
    const large = await detector.detectStages(group, { minFaceSize: 60 })
    expect(large.stages[0]).toBeLessThan(all.stages[0] / 2)
    const strict = await detector.detect(group, { thresholds: [0.6, 0.7, 0.999] })
    expect(strict.length).toBeLessThan(all.faces.length)
    expect(strict.every((f) => f.score > 0.999)).toBe(true)
  })
})
