import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parse } from "csv-parse/sync"
import sharp from "sharp"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { buildCorpus, identityOf, persons } from "../../src/gallery/corpus.ts"
import { ckPlusIds, writeCkPlus } from "../../src/gallery/heldout-ckplus.ts"
import { writeFer2013 } from "../../src/gallery/heldout-fer2013.ts"
import { mmiIds, writeMmi } from "../../src/gallery/heldout-mmi.ts"
import { fer2013Ids, heldOutIdentity } from "../../src/gallery/heldout.ts"

const rowsOf = (csv: string): Record<string, string>[] =>
  parse<Record<string, string>>(csv, { columns: true })

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "heldout-"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("FER2013", () => {
  it("is a csv of 48 × 48 grey pictures with its label ids and parts", async () => {
    const { path, rows } = await writeFer2013(join(folder, "fer"), { perClass: 6, seed: 2 })
    const table = rowsOf(await readFile(path, "utf8"))
    expect(rows).toBe(42)
    expect(Object.keys(table[0])).toEqual(["emotion", "pixels", "Usage"])
    expect(fer2013Ids).toEqual(["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"])
    const perLabel = new Map<string, number>()
    for (const row of table) {
      perLabel.set(row.emotion, (perLabel.get(row.emotion) ?? 0) + 1)
      const pixels = row.pixels.split(" ").map(Number)
      expect(pixels.length).toBe(2304)
      expect(pixels.every((v) => Number.isInteger(v) && v >= 0 && v <= 255)).toBe(true)
      expect(Math.max(...pixels) - Math.min(...pixels)).toBeGreaterThan(40)
    }
    expect([...perLabel.keys()].sort()).toEqual(["0", "1", "2", "3", "4", "5", "6"])
    expect([...perLabel.values()].every((n) => n === 6)).toBe(true)
    expect(new Set(table.map((row) => row.Usage))).toEqual(new Set(["Training", "PublicTest", "PrivateTest"]))
    expect(new Set(table.map((row) => row.pixels)).size).toBe(42)
  })

  it("is the same for the same seed, byte for byte", async () => {
    const make = async (name: string, seed: number): Promise<string> =>
      readFile((await writeFer2013(join(folder, name), { perClass: 1, seed })).path, "utf8")
    const first = await make("a", 5)
    expect(await make("b", 5)).toBe(first)
    expect(await make("c", 6)).not.toBe(first)
  })
})

describe("CK+", () => {
  it("is a tree of sequences with labels for some at the last frame", async () => {
    const root = join(folder, "ck")
    const { sequences, labelled } = await writeCkPlus(root, { subjects: 3, frames: 4, seed: 2 })
    const images = (await readdir(join(root, "cohn-kanade-images"), { recursive: true }))
      .filter((name) => name.endsWith(".png"))
      .sort()
    expect(images.length).toBe(sequences * 4)
    for (const name of images) expect(name).toMatch(/^(S\d{3})\/(\d{3})\/\1_\2_\d{8}\.png$/u)
    const meta = await sharp(join(root, "cohn-kanade-images", images[0])).metadata()
    expect([meta.width, meta.height, meta.channels]).toEqual([640, 490, 1])
    const labels = (await readdir(join(root, "Emotion"), { recursive: true })).filter((name) =>
      name.endsWith(".txt"),
    )
    expect(labels.length).toBe(labelled)
    expect(labelled).toBeLessThanOrEqual(sequences)
    const allowed = new Set(ckPlusIds.map(([, id]) => id))
    expect(ckPlusIds.map(([expression, id]) => `${id} ${expression}`)).toEqual([
      "1 anger",
      "2 contempt",
      "3 disgust",
      "4 fear",
      "5 happiness",
      "6 sadness",
      "7 surprise",
    ])
    for (const name of labels) {
      const text = await readFile(join(root, "Emotion", name), "utf8")
      expect(text).toMatch(/^ {3}\d\.\d{7}e\+00\n$/u)
      expect(allowed.has(Number(text))).toBe(true)
      expect(name).toMatch(/_00000004_emotion\.txt$/u)
      expect(images).toContain(name.replace("_emotion.txt", ".png"))
    }
  })

  it("moves from neutral to the peak within a sequence", async () => {
    const root = join(folder, "ck", "cohn-kanade-images", "S005", "001")
    const read = async (frame: number): Promise<Buffer> =>
      sharp(join(root, `S005_001_0000000${frame}.png`))
        .resize(160, 122)
        .raw()
        .toBuffer()
    const [one, two, four] = await Promise.all([read(1), read(2), read(4)])
    const distance = (a: Buffer, b: Buffer): number => a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0)
    expect(distance(one, four)).toBeGreaterThan(distance(one, two))
  })
})

describe("MMI", () => {
  it("has sessions, clips with codes 1 to 6 and a manifest of existing frames", async () => {
    const root = join(folder, "mmi")
    const { sessions, frames } = await writeMmi(root, { subjects: 2, seed: 2 })
    expect(sessions).toBe(12)
    const rows = rowsOf(await readFile(join(root, "manifest.csv"), "utf8"))
    expect(rows.length).toBe(frames)
    expect(Object.keys(rows[0])).toEqual(["session", "frame", "view", "emotion", "subject"])
    expect(new Set(rows.map((row) => row.emotion))).toEqual(new Set(["1", "2", "3", "4", "5", "6"]))
    expect(mmiIds).toEqual(["anger", "disgust", "fear", "happiness", "sadness", "surprise"])
    for (const row of rows.slice(0, 6)) {
      const meta = await sharp(join(root, row.frame)).metadata()
      expect([meta.width, meta.height, meta.format]).toEqual([360, 288, "jpeg"])
      const folderOf = join(root, "Sessions", row.session)
      expect(await readFile(join(folderOf, "session.xml"), "utf8")).toContain('view="0"')
      const clip = (await readdir(folderOf)).find((name) => name.endsWith(".xml") && name !== "session.xml")!
      expect(await readFile(join(folderOf, clip), "utf8")).toContain(
        `<Metatag Name="Emotion" Value="${row.emotion}" />`,
      )
    }
  })
})

describe("persons", () => {
  it("of the held-out sets never occur in the web corpus of the same seed, nor in one another", () => {
    const seed = 1
    const web = new Set(Array.from({ length: persons }, (_, i) => identityOf(`gallery/${seed}`, i)))
    const used = new Set(
      buildCorpus(`gallery/${seed}`).pages.flatMap((page) =>
        page.scene.identity === undefined ? [] : [page.scene.identity],
      ),
    )
    for (const id of used) expect(web.has(id)).toBe(true)
    const seen = new Set<string>()
    for (const set of ["fer2013", "ckplus", "mmi"] as const) {
      for (let i = 0; i < 1000; i++) {
        const id = heldOutIdentity(seed, set, i)
        expect(web.has(id)).toBe(false)
        expect(seen.has(id)).toBe(false)
        seen.add(id)
      }
    }
  })
})
