import type { TableHandle } from "../../../runtime/handles.ts"
import type { Blobs } from "../../../runtime/node.ts"
import type { BlobRef } from "../../../schema/blob.ts"
import { decodeImage } from "../../../vision/decode.ts"
import { encodeJpeg } from "../../../vision/encode.ts"
import { type Raster, toRgb } from "../../../vision/raster.ts"
import { resize } from "../../../vision/resize.ts"
import type { MapPoint, Neighbour } from "../../model/inside-types.ts"
import type { Sheet, ShownMap, ShownMaps, ShownNeighbours, ShownPoint } from "../inside-data.ts"
import { rowsOf } from "./rows.ts"
import type { MakeThumb } from "./thumbs.ts"

type Near = ShownNeighbours["near"][number]

/** Judged pictures with their neighbours: of each model the `limit` most confident mistakes. */
export const gatherNeighbours = async (
  table: TableHandle<Neighbour> | undefined,
  limit: number,
  thumb: MakeThumb,
): Promise<ReadonlyArray<ShownNeighbours>> => {
  const queries = new Map<string, Array<Neighbour>>()
  for await (const row of rowsOf(table)) {
    if (row.predicted === row.label) continue
    const key = `${row.model}|${row.set}|${row.sample}`
    const rows = queries.get(key)
    if (rows === undefined) queries.set(key, [row])
    else rows.push(row)
  }
  const taken = new Map<string, number>()
  const shown: Array<ShownNeighbours> = []
  const surest = [...queries].toSorted(
    ([a, [one]], [b, [two]]) => two.probability - one.probability || (a < b ? -1 : 1),
  )
  for (const [, rows] of surest) {
    const [{ model, sample, set, label, predicted, probability, image }] = rows
    if ((taken.get(model) ?? 0) >= limit) continue
    const own = await thumb(image)
    if (own === undefined) continue
    taken.set(model, (taken.get(model) ?? 0) + 1)
    const near: Array<Near> = []
    for (const row of rows.toSorted((a, b) => a.rank - b.rank)) {
      const other = await thumb(row.neighbourImage)
      if (other !== undefined)
        near.push({ thumb: other, id: row.neighbour, label: row.neighbourLabel, similarity: row.similarity })
    }
    shown.push({ model, sample, set, label, predicted, probability, thumb: own, near })
  }
  return shown
}

/** Puts pictures of one side into one JPEG. */
const sheetOf = async (pictures: ReadonlyArray<Raster>, side: number): Promise<Sheet | undefined> => {
  if (pictures.length === 0) return undefined
  const columns = Math.ceil(Math.sqrt(pictures.length))
  const rows = Math.ceil(pictures.length / columns)
  const channels = pictures.every((p) => p.channels === 1) ? 1 : 3
  const data = new Uint8Array(columns * rows * side * side * channels)
  const line = side * channels
  for (const [i, picture] of pictures.entries()) {
    const { data: own } = channels === 3 ? toRgb(picture) : picture
    const corner = (Math.floor(i / columns) * side * columns + (i % columns)) * line
    for (let y = 0; y < side; y++)
      data.set(own.subarray(y * line, (y + 1) * line), corner + y * columns * line)
  }
  const jpeg = await encodeJpeg({ width: columns * side, height: rows * side, channels, data }, 70)
  return { src: `data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}`, side, columns, rows }
}

/** The map of each model, and one sheet with the pictures of all test points; `side` 0 leaves it out. */
export const gatherMaps = async (
  table: TableHandle<MapPoint> | undefined,
  blobs: Pick<Blobs, "get">,
  side: number,
): Promise<ShownMaps> => {
  const models = new Map<string, Array<ShownPoint>>()
  const pictures: Array<Raster> = []
  const places = new Map<string, number | undefined>()
  const place = async ({ $blob, ...ref }: BlobRef): Promise<number | undefined> => {
    if (!places.has($blob)) {
      const picture = await decodeImage(await blobs.get({ $blob, ...ref })).catch(() => undefined)
      places.set($blob, picture === undefined ? undefined : pictures.push(resize(picture, side, side)) - 1)
    }
    return places.get($blob)
  }
  for await (const { image, model, x, y, set, split, label, predicted, probability } of rowsOf(table)) {
    const picture = side === 0 || split !== "test" ? undefined : await place(image)
    const point = { x, y, set, split, label, predicted, probability }
    const points = models.get(model) ?? []
    models.set(model, points)
    points.push({ ...point, ...(picture === undefined ? {} : { picture }) })
  }
  const maps = [...models].map(([model, points]): ShownMap => ({ model, points }))
  const sheet = await sheetOf(pictures, side)
  return { maps, ...(sheet === undefined ? {} : { sheet }) }
}
