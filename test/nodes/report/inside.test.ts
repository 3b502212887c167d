import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { MapPoint, Neighbour } from "../../../src/nodes/model/inside-types.ts"
import { mapChart } from "../../../src/nodes/report/charts/map.ts"
import { thumbMaker } from "../../../src/nodes/report/gather/thumbs.ts"
import { gatherMaps, gatherNeighbours } from "../../../src/nodes/report/gather/inside.ts"
import { decodeImage } from "../../../src/vision/decode.ts"
import { encodePng } from "../../../src/vision/encode.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"

const rig = nodeRig()
afterAll(() => rig.close())

let grey: ReadonlyArray<MapPoint["image"]> = []
beforeAll(async () => {
  grey = await Promise.all(
    [40, 120, 200].map(async (value) =>
      rig.blob(
        await encodePng({ width: 8, height: 8, channels: 1, data: new Uint8Array(64).fill(value) }),
        "image/png",
      ),
    ),
  )
})

const point = (id: string, rest: Partial<MapPoint>): MapPoint => ({
  id,
  sample: id,
  image: grey[0],
  model: "m",
  set: "s",
  split: "test",
  label: "a",
  predicted: "a",
  probability: 0.9,
  x: 0,
  y: 0,
  ...rest,
})

describe("the map of embeddings", () => {
  it("puts each test picture on the sheet once, and training pictures not at all", async () => {
    const rows = [
      point("1", { image: grey[1] }),
      point("2", { image: grey[2], model: "n" }),
      point("3", { image: grey[1], model: "n" }),
      point("4", { image: grey[0], split: "train" }),
    ]
    const { sheet, maps } = await gatherMaps(tableOf(rows), rig.blobs, 16)
    expect(maps.map(({ model, points }) => [model, points.map((p) => p.picture)])).toEqual([
      ["m", [0, undefined]],
      ["n", [1, 0]],
    ])
    expect(sheet).toMatchObject({ side: 16, columns: 2, rows: 1 })
    const drawn = await decodeImage(Buffer.from((sheet?.src ?? "").split(",")[1] ?? "", "base64"))
    const at = (x: number): number => drawn.data[(8 * drawn.width + x) * drawn.channels]
    expect([Math.abs(at(8) - 120) < 6, Math.abs(at(24) - 200) < 6]).toEqual([true, true])
    expect(await gatherMaps(tableOf(rows), rig.blobs, 0)).not.toHaveProperty("sheet")
    expect(await gatherMaps(undefined, rig.blobs, 16)).toEqual({ maps: [] })
  })

  it("keeps all points inside, both axes at one scale, up is up, and says wrong answers", () => {
    const points = [
      point("1", { x: -100, y: 0 }),
      point("2", { x: 100, y: 0 }),
      point("3", { x: 0, y: 50, label: "<b>", predicted: "a" }),
    ]
    const { text } = mapChart(points, {
      description: "d",
      classes: ["a", "<b>"],
      colour: () => "red",
      sheet: undefined,
      sheetId: "x",
    })
    const hits = [...text.slice(text.indexOf('class="hits"')).matchAll(/cx="([\d.]+)"\s+cy="([\d.]+)"/g)].map(
      (m) => [Number(m[1]), Number(m[2])],
    )
    expect(hits).toHaveLength(3)
    const [left, right, top] = hits
    expect(right[0] - left[0]).toBeCloseTo(4 * (left[1] - top[1]), 1)
    for (const v of hits.flat()) expect(v >= 0 && v <= 520).toBe(true)
    expect(text).toContain("<title>&lt;b&gt;, taken for a")
    expect(text).not.toContain("<b>")
  })
})

describe("neighbours", () => {
  it("shows of each model the surest mistakes, neighbours by rank", async () => {
    const row = (sample: string, rank: number, rest: Partial<Neighbour>): Neighbour => {
      const { x: _x, y: _y, ...judged } = point(sample, {})
      return {
        ...judged,
        predicted: "b",
        ...rest,
        id: `${rest.model ?? "m"}|${sample}|${rank}`,
        rank,
        neighbour: `t${rank}`,
        neighbourImage: grey[rank % 3],
        neighbourSet: "crawl",
        neighbourLabel: "b",
        similarity: 1 - rank / 10,
      }
    }
    const rows = [2, 1, 3].flatMap((rank) => [
      row("low", rank, { probability: 0.4 }),
      row("high", rank, { probability: 0.8 }),
      row("mid", rank, { probability: 0.6 }),
      row("right", rank, { probability: 1, predicted: "a" }),
      row("other", rank, { probability: 0.5, model: "n" }),
    ])
    const shown = await gatherNeighbours(tableOf(rows), 2, thumbMaker(rig.blobs, 32))
    expect(shown.map(({ model, sample }) => [model, sample])).toEqual([
      ["m", "high"],
      ["m", "mid"],
      ["n", "other"],
    ])
    expect(shown[0].near.map(({ id }) => id)).toEqual(["t1", "t2", "t3"])
  })
})
