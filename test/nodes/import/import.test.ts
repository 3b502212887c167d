import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Tar from "effect/encoding/Tar"
import * as fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import ckplus from "../../../src/nodes/import/ckplus.ts"
import fer2013 from "../../../src/nodes/import/fer2013.ts"
import folder from "../../../src/nodes/import/folder.ts"
import heldout from "../../../src/nodes/import/gallery-heldout.ts"
import { compareTotals, fer2013Totals } from "../../../src/nodes/import/labels.ts"
import mmi from "../../../src/nodes/import/mmi.ts"
import { framesAround, readSessionXml } from "../../../src/nodes/import/mmi.impl.ts"
import { plainPath } from "../../../src/nodes/import/source.ts"
import type { NodeDefinition } from "../../../src/runtime/node.ts"
import type { Reject, Sample } from "../../../src/schema/sample.ts"
import { decodeImage } from "../../../src/vision/decode.ts"
import { encodePng } from "../../../src/vision/encode.ts"
import { raster } from "../../../src/vision/raster.ts"
import { filesOf, nodeRig, type Rig } from "../../kit/node-rig.ts"

type Contents = Readonly<Record<string, Uint8Array | string>>
const folders: Array<string> = []
const rigs: Array<Rig> = []

const shades = await Promise.all(
  Array.from({ length: 40 }, (_, i) => encodePng(raster(8, 8, 1, new Uint8Array(64).fill(i * 6)))),
)
const png = (shade: number): Uint8Array => shades[shade]

afterAll(async () => {
  for (const rig of rigs) await rig.close()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

const disk = async (contents: Contents): Promise<string> => {
  const root = await mkdtemp(join(tmpdir(), "facet-import-"))
  folders.push(root)
  for (const [path, content] of Object.entries(contents)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  return root
}
const tar = async (contents: Contents): Promise<Uint8Array> =>
  Buffer.concat(
    await Effect.runPromise(
      Stream.fromIterable(Object.entries(contents).map(([path, content]) => Tar.file(path, content))).pipe(
        Stream.pipeThroughChannel(Tar.encode()),
        Stream.runCollect,
      ),
    ),
  )
interface Imported {
  readonly images: Array<Sample>
  readonly unlabelled: Array<Sample>
  readonly rejected: Array<Reject>
  readonly rig: Rig
}
const read = async (
  definition: NodeDefinition,
  params: Readonly<Record<string, unknown>>,
  from: { readonly files?: Readonly<Record<string, string>>; readonly artifact?: Contents },
): Promise<Imported> => {
  const rig = nodeRig(from.files === undefined ? {} : { files: from.files })
  rigs.push(rig)
  const inputs = from.artifact === undefined ? {} : { files: filesOf(from.artifact) }
  return { ...((await rig.run(definition, params, inputs)) as unknown as Omit<Imported, "rig">), rig }
}
const reasons = ({ rejected }: Imported) => Object.fromEntries(rejected.map(({ id, reason }) => [id, reason]))

describe("import.fer2013", () => {
  const face = Array.from({ length: 48 * 48 }, (_, i) => (i * 7) % 256)
  const csv = [
    "emotion,pixels,Usage",
    `3,${face.join(" ")},Training`,
    `0,${face.map((v) => 255 - v).join(" ")},PublicTest`,
    `6,1 2 3,PrivateTest`,
    `9,${face.join(" ")},Training`,
    `1,${face.map((v, i) => (i === 5 ? 256 : v)).join(" ")},Training`,
    `2,${face.join(" ")},Holiday`,
    `4`,
    `5,${face.join(" ")},PrivateTest`,
  ].join("\n")

  it("turns rows into pictures of exactly their pixels, and says what is wrong with the others", async () => {
    const got = await read(
      fer2013,
      {},
      { files: { data: join(await disk({ "fer2013.csv": csv }), "fer2013.csv") } },
    )
    expect(got.images.map(({ id, label, givenSplit }) => [id, label, givenSplit])).toEqual([
      ["fer2013-00000", "happiness", "Training"],
      ["fer2013-00001", "anger", "PublicTest"],
      ["fer2013-00007", "surprise", "PrivateTest"],
    ])
    const { data, width } = await decodeImage(got.rig.bytes(got.images[0].image))
    expect(width).toBe(48)
    expect(face.every((value, i) => data[3 * i] === value)).toBe(true)
    expect(reasons(got)).toEqual({
      "fer2013-00002": "malformed-pixels",
      "fer2013-00003": "unknown-label",
      "fer2013-00004": "malformed-pixels",
      "fer2013-00005": "malformed-usage",
      "fer2013-00006": "malformed-usage",
    })
    expect(got.rejected[0].detail).toContain("line 4")
  })

  it("is the same from a folder, a file of another name and an artifact; and keeps only the parts asked for", async () => {
    const root = await disk({ "a/fer2013.csv": csv, "b.csv": csv })
    const one = await read(fer2013, {}, { files: { data: root } })
    const two = await read(fer2013, {}, { files: { data: join(root, "b.csv") } })
    const three = await read(fer2013, {}, { artifact: { "fer2013.csv": csv } })
    expect(two.images).toEqual(one.images)
    expect(three.images).toEqual(one.images)
    const test = await read(
      fer2013,
      { usage: ["PrivateTest"], generated: true },
      { artifact: { "fer2013.csv": csv } },
    )
    expect(test.images.map(({ id }) => id)).toEqual(["fer2013-00007"])
    expect(test.images[0].source).toEqual({ kind: "file", url: "fer2013.csv#7", generated: true })
  })

  it("says what it misses", async () => {
    await expect(read(fer2013, {}, {})).rejects.toThrow(/`path` or the input port `files`/)
    await expect(read(fer2013, {}, { artifact: { "a.txt": "", "b.txt": "" } })).rejects.toThrow(
      /no file fer2013.csv/,
    )
    await expect(read(fer2013, {}, { artifact: { "fer2013.csv": "emotion,pix\n1,2" } })).rejects.toThrow(
      /no column "pixels", "Usage"; there are "emotion", "pix"/,
    )
    await expect(
      read(fer2013, {}, { artifact: { "fer2013.csv": `emotion,pixels,Usage\n1,"${"1 ".repeat(300_000)}` } }),
    ).rejects.toThrow(/fer2013.csv, line \d+/)
  })

  it("knows the published totals, and a wrong order of labels", () => {
    const published = new Map(Object.entries(fer2013Totals))
    expect([...published.values()].reduce((a, b) => a + b)).toBe(35_887)
    expect(compareTotals(published, fer2013Totals)).toBe("as published")
    const swapped = new Map(published).set("anger", 547).set("disgust", 4953)
    expect(compareTotals(swapped, fer2013Totals)).toMatch(/WARNING.*anger 4953 \(here 547\)/)
    expect(compareTotals(new Map([["anger", 3]]), fer2013Totals)).toBeUndefined()
  })
})

describe("import.ckplus", () => {
  const tree = (): Contents => ({
    ...Object.fromEntries(
      [1, 2, 3, 4, 11].map((n, i) => [
        `cohn-kanade-images/S005/001/S005_001_${String(n).padStart(8, "0")}.png`,
        png(i),
      ]),
    ),
    "Emotion/S005/001/S005_001_00000011_emotion.txt": "   3.0000000e+00\n",
    "cohn-kanade-images/S010/002/S010_002_00000001.png": png(10),
    "cohn-kanade-images/S010/002/S010_002_00000002.png": png(11),
    "Emotion/S010/002/S010_002_00000002_emotion.txt": "   2.0000000e+00\n",
    "cohn-kanade-images/S011/001/S011_001_00000001.png": png(12),
    "cohn-kanade-images/S012/001/S012_001_00000009.png": "no picture",
    "Emotion/S012/001/S012_001_00000009_emotion.txt": " 5.0e+00",
    "Emotion/S013/001/S013_001_00000009_emotion.txt": " 5.0e+00",
    "cohn-kanade-images/S014/001/S014_001_00000001.png": png(13),
    "Emotion/S014/001/S014_001_00000001_emotion.txt": "smile",
    "ReadMe.txt": "x",
  })
  const seen = ({ images }: Imported) => images.map(({ id, label, subject }) => [id, label, subject])

  it("takes the peak of labelled sequences", async () => {
    const got = await read(ckplus, {}, { files: { data: await disk(tree()) } })
    expect(seen(got)).toEqual([["ckplus-S005-001-00000011", "disgust", "S005"]])
    expect(reasons(got)).toEqual({
      "ckplus-S010-002": "contempt",
      "ckplus-S012-001-00000009": "not-an-image",
      "ckplus-S013-001": "no-frames",
      "ckplus-S014-001": "unknown-label",
    })
  })
  it("or the last three, the first as neutral, and contempt kept or called neutral", async () => {
    const got = await read(
      ckplus,
      { frames: "last3", neutral: "first-frame", contempt: "keep" },
      { artifact: tree() },
    )
    expect(seen(got)).toEqual([
      ["ckplus-S005-001-00000001", "neutral", "S005"],
      ["ckplus-S005-001-00000003", "disgust", "S005"],
      ["ckplus-S005-001-00000004", "disgust", "S005"],
      ["ckplus-S005-001-00000011", "disgust", "S005"],
      ["ckplus-S010-002-00000001", "contempt", "S010"],
      ["ckplus-S010-002-00000002", "contempt", "S010"],
    ])
    const neutral = await read(ckplus, { contempt: "as-neutral" }, { artifact: tree() })
    expect(seen(neutral)).toContainEqual(["ckplus-S010-002-00000002", "neutral", "S010"])
  })
  it("is the same from a tar", async () => {
    const root = await disk({ "ck.tar": await tar(tree()) })
    const got = await read(ckplus, {}, { files: { data: join(root, "ck.tar") } })
    expect(got.images).toEqual((await read(ckplus, {}, { artifact: tree() })).images)
  })
  it("says what it looks for", async () => {
    await expect(read(ckplus, {}, { artifact: { "a.png": png(1), "b.png": png(1) } })).rejects.toThrow(
      /Emotion\/S005/,
    )
  })
})

describe("import.mmi", () => {
  const manifest = [
    "session,frame,view,emotion,subject",
    ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => `100,f/${n}.png,0,1,S1`),
    "101,f/1.png,1,2,S1",
    "102,f/odd.png,0,9,S2",
    "103,f/gone.png,2,happiness,S3",
    ",,,,",
    "104,f/10.png,0,surprise,",
  ].join("\n")
  const frames = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`f/${i + 1}.png`, png(i)]))

  it("takes the frames around the apex, of the views asked for", async () => {
    const got = await read(mmi, { frames: 3 }, { artifact: { "manifest.csv": manifest, ...frames } })
    expect(got.images.map(({ source, label, subject }) => [source.url, label, subject])).toEqual([
      ["f/4.png", "anger", "S1"],
      ["f/5.png", "anger", "S1"],
      ["f/6.png", "anger", "S1"],
      ["f/10.png", "surprise", undefined],
    ])
    expect(Object.values(reasons(got)).sort()).toEqual(["malformed-row", "missing-file", "unknown-label"])
  })

  it("reads session folders where there is no manifest", async () => {
    const contents = {
      "Sessions/7/session.xml": `<session><subject id='S1'/><track view="0" filename="x.avi"/></session>`,
      "Sessions/7/S1-7.xml": `<a><Metatag Value='4' Name='Emotion'/></a>`,
      "Sessions/7/S1-7-0001.png": png(1),
      "Sessions/7/S1-7-0002.png": png(2),
      "Sessions/7/S1-7-0003.png": png(3),
      "Sessions/8/session.xml": `<session><subject id="S2"/><track view="1"/></session>`,
      "Sessions/8/S2-8.xml": `<a><Metatag Name="Emotion" Value="1"/></a>`,
      "Sessions/8/S2-8-0001.png": png(4),
    }
    const got = await read(mmi, { apex: 1, neutral: "first-frame" }, { artifact: contents })
    expect(got.images.map(({ source, label, subject }) => [source.url, label, subject])).toEqual([
      ["Sessions/7/S1-7-0001.png", "neutral", "S1"],
      ["Sessions/7/S1-7-0003.png", "happiness", "S1"],
    ])
    await expect(read(mmi, {}, { artifact: { "a.png": png(1), "b.png": png(1) } })).rejects.toThrow(
      /extracted/,
    )
  })

  it("framesAround gives that many places in order, the nearest ones", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 50 }),
        (length, apex, count) => {
          const places = framesAround(length, apex, count)
          const far = Math.max(...places.map((i) => Math.abs(i - apex * (length - 1))))
          expect(places).toHaveLength(Math.min(length, count))
          expect([...places].sort((a, b) => a - b)).toEqual(places)
          const others = Array.from({ length }, (_, i) => i).filter((i) => !places.includes(i))
          for (const i of others) expect(Math.abs(i - apex * (length - 1))).toBeGreaterThanOrEqual(far)
        },
      ),
    )
  })
  it("reads attributes in any order and quotes", () => {
    expect(readSessionXml(`<Subject id="12" sex="F"/><Track x='1' view='2'>`)).toEqual({
      subject: "12",
      view: "2",
      emotion: undefined,
    })
  })
})

describe("import.folder", () => {
  const pictures = (): Contents => ({
    "a.png": png(1),
    "sub/b.png": png(2),
    "c.jpg": "text",
    "notes.txt": "x",
  })
  const csv = "file,label,who\na.png,happy,P1\n./sub/b.png,\nmissing.png,sad\n../etc/passwd,sad\na.png,sad\n"

  it("joins pictures with the labels of a csv, by path", async () => {
    const root = await disk({ ...pictures(), ".hidden.png": png(3) })
    const list = await disk({ "labels.csv": `\ufeff${csv}` })
    const got = await read(
      folder,
      { set: "mine", labels: { happy: "happiness" }, subjectColumn: "who", licence: { name: "CC0" } },
      { files: { data: root, csv: join(list, "labels.csv") } },
    )
    expect(got.images).toEqual([
      {
        id: "mine-a.png",
        image: expect.objectContaining({ media: "image/png" }) as object,
        set: "mine",
        source: { kind: "file", url: "a.png" },
        licence: { name: "CC0" },
        subject: "P1",
        label: "happiness",
        claims: [{ label: "happiness", by: "mine" }],
      },
    ])
    expect(got.unlabelled.map(({ id }) => id)).toEqual(["mine-sub/b.png"])
    expect(reasons(got)).toEqual({
      "mine-c.jpg": "not-an-image",
      "mine-line-4": "missing-file",
      "mine-line-5": "malformed-row",
      "mine-line-6": "repeated-row",
    })
  })

  it("gives the same rows from a folder, a tar, a zipped tar and an artifact", async () => {
    const all = { ...pictures(), "labels.csv": csv }
    const params = { csvEntry: "labels.csv", set: "s" }
    const archive = await tar(all)
    const root = await disk({ "x.tar": archive, "x.tgz": gzipSync(archive) })
    const expected = await read(folder, params, { files: { data: await disk(all) } })
    expect(expected.images).toHaveLength(1)
    for (const from of [
      { files: { data: join(root, "x.tar") } },
      { files: { data: join(root, "x.tgz") } },
      { artifact: all },
      { artifact: { "x.tar": archive } },
    ]) {
      const { images, unlabelled, rejected } = await read(folder, params, from)
      expect({ images, unlabelled, rejected }).toEqual({
        images: expected.images,
        unlabelled: expected.unlabelled,
        rejected: expected.rejected,
      })
    }
  })

  it("takes the folders' names for labels, or none", async () => {
    const contents = { "anger/1.png": png(1), "joy/2.png": png(2), "3.png": png(3) }
    const got = await read(folder, { labels: { joy: "happiness" } }, { artifact: contents })
    expect(got.images.map(({ id, label }) => [id, label])).toEqual([
      ["folder-anger/1.png", "anger"],
      ["folder-joy/2.png", "happiness"],
    ])
    expect(got.unlabelled).toHaveLength(1)
    expect((await read(folder, { labelsFrom: "none" }, { artifact: contents })).unlabelled).toHaveLength(3)
  })

  it("refuses what is broken or leads out of an archive", async () => {
    const archive = await tar({ "a.png": png(1), "b.png": png(2) })
    const root = await disk({
      "cut.tar": archive.slice(0, 700),
      "evil.tar": await tar({ "../../a.png": png(1) }),
      "noise.tar": Buffer.alloc(2048, 7),
      "cut.tgz": gzipSync(archive).subarray(0, 60),
    })
    const from = (name: string) => read(folder, {}, { files: { data: join(root, name) } })
    await expect(from("cut.tar")).rejects.toThrow(/tar cannot be read/)
    await expect(from("evil.tar")).rejects.toThrow(/"\.\.\/\.\.\/a\.png"/)
    await expect(from("noise.tar")).rejects.toThrow(/tar cannot be read/)
    await expect(from("cut.tgz")).rejects.toThrow(/tar cannot be read/)
    await expect(
      read(folder, { labelsFrom: "csv" }, { artifact: { "a.png": png(1), b: "" } }),
    ).rejects.toThrow(/csvEntry/)
    expect(
      reasons(await read(folder, { maxBytes: 10 }, { artifact: { "x/a.png": png(1), "x/b.png": png(2) } })),
    ).toEqual({
      "folder-x/a.png": "too-large",
      "folder-x/b.png": "too-large",
    })
  })

  it("plainPath never gives a path that leaves its folder", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(".", "/", "\\", "a", ":", "\0", "C") }), (path) => {
        const plain = plainPath(path) ?? "refused"
        expect(plain.split("/")).not.toContain("..")
        expect(plain.startsWith("/")).toBe(false)
      }),
    )
  })
})

it("gallery.heldout is read by the importers of the sets it imitates", async () => {
  const rig = nodeRig({ seed: 5 })
  rigs.push(rig)
  const sets = (await rig.run(heldout, { perClass: 1, subjects: 1 })) as Record<string, string>
  const got = {
    fer2013: await read(fer2013, { generated: true }, { files: { data: sets["fer2013"] } }),
    ckplus: await read(ckplus, { generated: true }, { files: { data: sets["ckplus"] } }),
    mmi: await read(mmi, { generated: true }, { files: { data: sets["mmi"] } }),
  }
  expect(got.fer2013.images).toHaveLength(7)
  expect(got.mmi.images).toHaveLength(6)
  expect(got.ckplus.images.length).toBeGreaterThan(0)
  for (const { images, rejected } of Object.values(got)) {
    expect(images.every(({ source }) => source.generated === true)).toBe(true)
    expect(rejected.filter(({ reason }) => reason !== "contempt")).toEqual([])
  }
})
