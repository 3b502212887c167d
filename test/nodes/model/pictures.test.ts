import { afterEach, describe, expect, it } from "vitest"
import { imageAt } from "../../../src/learning/images.ts"
import { centreSquare, loadPictures, PictureError } from "../../../src/nodes/model/pictures.ts"
import { encodePng } from "../../../src/vision/encode.ts"
import { nodeRig } from "../../kit/node-rig.ts"

const rig = nodeRig()
afterEach(() => rig.close())

const png = (
  width: number,
  height: number,
  at: (x: number, y: number) => readonly [number, number, number],
) => {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set(at(x, y), (y * width + x) * 3)
  return encodePng({ width, height, channels: 3, data })
}

describe("loadPictures", () => {
  it("cuts the middle square, makes grey by BT.601 and keeps the order of rows", async () => {
    // Red outside the middle square, a grey of 100 or 200 inside it.
    const wide = rig.blob(await png(12, 8, (x) => (x < 2 || x >= 10 ? [255, 0, 0] : [100, 100, 100])))
    const tall = rig.blob(await png(8, 14, (_, y) => (y < 3 || y >= 11 ? [255, 0, 0] : [200, 200, 200])))
    const rows = [tall, wide, tall].map((image, i) => ({ id: String(i), image }))
    const images = await loadPictures(rows, { size: 8, channels: 1 }, rig.context)
    expect([images.count, images.height, images.width, images.channels]).toEqual([3, 8, 8, 1])
    expect([0, 1, 2].map((i) => [...new Set(imageAt(images, i))])).toEqual([[200], [100], [200]])
  })
  it("keeps colours for three channels", async () => {
    const image = rig.blob(await png(8, 8, () => [10, 150, 60]))
    const images = await loadPictures([{ id: "x", image }], { size: 4, channels: 3 }, rig.context)
    expect([...images.data.subarray(0, 3)]).toEqual([10, 150, 60])
  })
  it("names the sample whose picture is broken", async () => {
    const image = rig.blob(new TextEncoder().encode("<html>not found</html>"))
    const load = loadPictures([{ id: "crawl/9", image }], { size: 4, channels: 1 }, rig.context)
    await expect(load).rejects.toThrow(PictureError)
    await expect(
      loadPictures([{ id: "crawl/9", image }], { size: 4, channels: 1 }, rig.context),
    ).rejects.toThrow(/sample crawl\/9/)
  })
  it("of several that are broken names the first, and decodes copies once", async () => {
    const good = rig.blob(await png(8, 8, () => [9, 9, 9]))
    const broken = ["one", "two"].map((text) => rig.blob(new TextEncoder().encode(`<html>${text}</html>`)))
    let reads = 0
    const blobs = { ...rig.context.blobs, get: (ref: typeof good) => (reads++, rig.context.blobs.get(ref)) }
    const rows = [good, good, ...broken, good].map((image, i) => ({ id: `r${i}`, image }))
    const load = loadPictures(rows, { size: 4, channels: 1 }, { ...rig.context, blobs })
    await expect(load).rejects.toThrow(/sample r2/)
    expect(reads).toBe(3)
    const copies = [good, good, good].map((image, i) => ({ id: `r${i}`, image }))
    const images = await loadPictures(copies, { size: 4, channels: 1, shared: true }, rig.context)
    expect([...new Set(images.data)]).toEqual([9])
    expect(images.data.buffer).toBeInstanceOf(SharedArrayBuffer)
  })
  it("says how much memory is wanted where there is not so much, before it reads any picture", async () => {
    const image = rig.blob(new Uint8Array())
    const rows = Array.from({ length: 2e5 }, (_, i) => ({ id: String(i), image }))
    await expect(loadPictures(rows, { size: 10_000, channels: 3 }, rig.context)).rejects.toThrow(
      /200000 pictures of 10000 × 10000 × 3 take 60000\.0 GB, and this machine has/,
    )
  })
  it("stops when the run is stopped", async () => {
    const image = rig.blob(await png(8, 8, () => [1, 2, 3]))
    const signal = AbortSignal.abort(new Error("stopped"))
    await expect(
      loadPictures([{ id: "x", image }], { size: 4, channels: 1 }, { ...rig.context, signal }),
    ).rejects.toThrow("stopped")
  })
})

describe("centreSquare", () => {
  it("returns a square picture as it is", () => {
    const square = { width: 2, height: 2, channels: 1 as const, data: new Uint8Array(4) }
    expect(centreSquare(square)).toBe(square)
  })
})
