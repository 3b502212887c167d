import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { writeSafetensors, type SafetensorsTensor } from "../../../src/learning/safetensors.ts"
import align from "../../../src/nodes/face/align.ts"
import detect from "../../../src/nodes/face/detect.ts"
import { facesOf, passedOver, type Detected } from "../../../src/nodes/face/faces.ts"
import { builtinWeights } from "../../../src/nodes/face/weights.ts"
import { digestOf } from "../../../src/schema/digest.ts"
import type { Face, Sample } from "../../../src/schema/sample.ts"
import { decodeImage } from "../../../src/vision/decode.ts"
import { encodePng } from "../../../src/vision/encode.ts"
import { nets, tensorShapes, type NetName } from "../../../src/vision/mtcnn/layers.ts"
import { crop, raster, type Raster } from "../../../src/vision/raster.ts"
import { resizeArea } from "../../../src/vision/resize.ts"
import { nodeRig, type Rig } from "../../kit/node-rig.ts"
import { dataFolder, expectedPhotos, hasData, readData } from "../../vision/data.ts"
import { nastyServer } from "../crawl/nasty-server.ts"

const detected = fc.array(
  fc
    .record({
      x: fc.integer({ min: -20, max: 200 }),
      y: fc.integer({ min: -20, max: 200 }),
      side: fc.integer({ min: 0, max: 90 }),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
    })
    .map(({ x, y, side, score }): Detected => ({
      box: [x, y, x + side, y + side],
      score,
      landmarks: [[x, y]],
    })),
  { maxLength: 8 },
)

describe("facesOf", () => {
  it("keeps the best, in order, each knowing how many there are", () => {
    fc.assert(
      fc.property(
        detected,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 5 }),
        (all, minScore, maxFaces) => {
          const faces = facesOf(all, { minScore, maxFaces })
          const good = all.filter(({ score, box }) => score >= minScore && box[2] > box[0])
          expect(faces).toHaveLength(Math.min(maxFaces, good.length))
          faces.forEach((face, i) => {
            expect([face.index, face.count]).toEqual([i, faces.length])
            expect(face.score).toBeLessThanOrEqual(i === 0 ? 1 : faces[i - 1].score)
            expect(face.dominance === undefined).toBe(faces.length === 1)
          })
        },
      ),
    )
  })
  it("has exactly one largest face, and it is one of the largest", () => {
    fc.assert(
      fc.property(detected, (all) => {
        const faces = facesOf(all, { minScore: 0 })
        const largest = faces.filter((face) => passedOver(face, "largest", 2) === undefined)
        expect(largest).toHaveLength(Math.min(1, faces.length))
        const width = ({ box }: Face) => box[2] - box[0]
        for (const face of largest) expect(width(face)).toBe(Math.max(...faces.map(width)))
      }),
    )
  })
  it("single, dominant and all", () => {
    const of = (sides: ReadonlyArray<number>) =>
      facesOf(
        sides.map((side, i) => ({ box: [0, 0, side, side], score: 1 - i / 10, landmarks: [] })),
        { minScore: 0 },
      )
    const kept = (sides: ReadonlyArray<number>, keep: "single" | "dominant" | "all") =>
      of(sides).flatMap((face) => (passedOver(face, keep, 2) === undefined ? [face.index] : []))
    expect(kept([10], "single")).toEqual([0])
    expect(kept([10, 3], "single")).toEqual([])
    expect(kept([10, 20], "dominant")).toEqual([1])
    expect(kept([10, 12], "dominant")).toEqual([])
    expect(kept([10, 12, 3], "all")).toEqual([0, 1, 2])
  })
})

const rowOf = (rig: Rig, id: string, bytes: Uint8Array, more: Partial<Sample> = {}): Sample => ({
  id,
  image: rig.blob(bytes),
  set: "s",
  source: { kind: "file", url: id },
  label: "anger",
  ...more,
})

/** Points of a face that looks straight at us, in a picture of side 100. */
const frontal: Face["landmarks"] = [
  [35, 40],
  [65, 40],
  [50, 58],
  [38, 74],
  [62, 74],
]
const faceOf = (more: Partial<Face> = {}): Face => ({
  box: [20, 15, 80, 90],
  score: 0.99,
  landmarks: frontal,
  index: 0,
  count: 1,
  ...more,
})

describe("face.align", () => {
  const picture = (): Raster => {
    const image = raster(100, 100, 3)
    image.data.fill(200)
    for (const [x, y] of frontal)
      for (let dy = -3; dy <= 3; dy++)
        for (let dx = -3; dx <= 3; dx++)
          image.data.fill(10, ((y + dy) * 100 + x + dx) * 3, ((y + dy) * 100 + x + dx) * 3 + 3)
    return image
  }

  it("cuts the face out so that its points come to their places; the row is then about the crop", async () => {
    const rig = nodeRig()
    const row = rowOf(rig, "a", await encodePng(picture()), { face: faceOf(), phash: "0".repeat(16) })
    const { rows } = await rig.map(align, { size: 112, margin: 0, grey: true }, [row])
    expect(rows).toHaveLength(1)
    const { image, face, width, quality, phash, ...rest } = rows[0]
    expect(rest).toEqual({ id: "a", set: "s", source: row.source, label: "anger", height: 112 })
    expect([width, phash, face]).toEqual([112, undefined, { ...faceOf(), crop: true }])
    expect(quality).toHaveProperty("sharpness")
    const cut = await decodeImage(rig.bytes(image))
    // The eyes of the customary template.
    for (const [x, y] of [
      [38, 52],
      [74, 52],
    ])
      expect(cut.data[(y * 112 + x) * 3]).toBeLessThan(60)
    expect((await rig.map(align, { size: 112, margin: 0, grey: true }, [row])).rows).toEqual(rows)
  })

  it("says why faces are left out", async () => {
    const rig = nodeRig()
    const png = await encodePng(picture())
    const rows = [
      rowOf(rig, "small", png, { face: faceOf({ box: [10, 10, 25, 40] }) }),
      rowOf(rig, "second", png, { face: faceOf({ count: 2, index: 1, dominance: 0.4 }) }),
      rowOf(rig, "pointless", png, { face: faceOf({ landmarks: frontal.slice(0, 3) }) }),
      rowOf(rig, "again", png, { face: faceOf({ crop: true }) }),
      rowOf(rig, "broken", png.slice(0, 200), { face: faceOf() }),
    ]
    const { rejected } = await rig.map(align, {}, rows)
    expect(Object.fromEntries(rejected.map(({ id, reason }) => [id, reason]))).toEqual({
      small: "face-too-small",
      second: "not-the-main-face",
      pointless: "no-landmarks",
      again: "cropped-already",
      broken: "truncated",
    })
  })
})

const folders: Array<string> = []
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

describe("weights of face.detect", () => {
  /** Networks that see no face anywhere. */
  const blind = (net: NetName): Map<string, SafetensorsTensor> =>
    new Map(
      [...tensorShapes(nets[net])].map(([name, shape]) => [
        `${net}.${name}`,
        { dtype: "F32", shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) },
      ]),
    )
  const all = writeSafetensors(new Map([...blind("pnet"), ...blind("rnet"), ...blind("onet")]))
  const look = async (
    params: Readonly<Record<string, unknown>>,
    files: Readonly<Record<string, string>> = {},
  ) => {
    const rig = nodeRig({ files })
    const row = rowOf(rig, "a", await encodePng(raster(40, 40, 3)))
    return (await rig.map(detect, params, [row])).rejected.map(({ reason }) => reason)
  }

  it("come with the program", async () => {
    const files = builtinWeights()
    expect(Object.values(files).every((path) => existsSync(path))).toBe(true)
    expect(await look({}, files)).toEqual(["no-face"])
  })

  it("come in a folder, in one file, or by an address with their digest", async () => {
    const folder = await mkdtemp(join(tmpdir(), "facet-weights-"))
    folders.push(folder)
    for (const net of ["pnet", "rnet", "onet"] as const)
      await writeFile(join(folder, `${net}.safetensors`), writeSafetensors(blind(net)))
    await writeFile(join(folder, "all.safetensors"), all)
    expect(await look({}, { weights: folder })).toEqual(["no-face"])
    expect(await look({}, { weights: join(folder, "all.safetensors") })).toEqual(["no-face"])
    const server = await nastyServer({ "/w": (_, response) => response.end(all) })
    try {
      const url = `${server.url}/w`
      expect(await look({ download: { url, sha256: digestOf(all) } })).toEqual(["no-face"])
      await expect(look({ download: { url, sha256: "0".repeat(64) } })).rejects.toThrow(/has the sha256/)
    } finally {
      await server.close()
      await rm(join(tmpdir(), "facet-weights", `${digestOf(all)}.safetensors`), { force: true })
    }
    await writeFile(join(folder, "onet.safetensors"), "nonsense")
    const copy = join(folder, ".")
    await rm(join(folder, "rnet.safetensors"))
    await expect(look({}, { weights: `${copy}/` })).rejects.toThrow(/rnet\.safetensors/)
  })
})

describe.skipIf(!hasData)("face.detect on photographs", () => {
  const rigOf = () => nodeRig({ files: { weights: `${dataFolder}mtcnn` } })

  it("one row per face, the picture unchanged; none is a reject", async () => {
    const rig = rigOf()
    const photos = expectedPhotos().filter(({ file }) => ["photo_01.jpg", "photo_02.jpg"].includes(file))
    const rows = [
      ...photos.map(({ file }) => rowOf(rig, file, readData(`detect/${file}`))),
      rowOf(rig, "grey", await encodePng({ ...raster(200, 160, 3), data: new Uint8Array(96_000).fill(120) })),
      rowOf(rig, "broken", Buffer.from("no picture")),
    ]
    const got = await rig.map(detect, {}, rows)
    expect(got.rejected.map(({ id, reason }) => [id, reason])).toEqual([
      ["broken", "not-an-image"],
      ["grey", "no-face"],
    ])
    for (const { file, faces } of photos) {
      const found = got.rows.filter(({ id, parent }) => (parent ?? id) === file)
      expect(found).toHaveLength(faces.filter(({ score }) => score >= 0.9).length)
      for (const [i, { face, image }] of found.entries()) {
        expect(image).toEqual(rows.find(({ id }) => id === file)!.image)
        // A JPEG decoder's rounding moves boxes by a pixel or two.
        for (const side of [0, 1, 2, 3])
          expect(Math.abs(face!.box[side] - faces[i].box[side])).toBeLessThan(12)
      }
    }
  })

  it("looks again at a small picture that the face fills, and gives places in the picture's own pixels", async () => {
    const rig = rigOf()
    const photo = await decodeImage(readData("detect/photo_01.jpg"))
    const [face] = expectedPhotos().find(({ file }) => file === "photo_01.jpg")!.faces
    const [x1, y1, x2, y2] = face.box.map(Math.round)
    const side = 64
    const cut = 60
    const [width, height] = [x2 - x1 - 2 * cut, y2 - y1 - 2 * cut]
    const tight = resizeArea(crop(photo, x1 + cut, y1 + cut, width, height), side, side)
    const row = rowOf(rig, "tight", await encodePng(tight))
    expect((await rig.map(detect, { retryBelow: 0 }, [row])).rejected).toHaveLength(1)
    const { rows } = await rig.map(detect, {}, [row])
    expect(rows).toHaveLength(1)
    rows[0].face!.landmarks.forEach(([x, y], i) => {
      expect(Math.abs(x - ((face.landmarks[i][0] - x1 - cut) * side) / width)).toBeLessThan(8)
      expect(Math.abs(y - ((face.landmarks[i][1] - y1 - cut) * side) / height)).toBeLessThan(8)
    })
  })
})
