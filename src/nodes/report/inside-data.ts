import type { MapPoint, Neighbour } from "../model/inside-types.ts"
import type { Thumb } from "./data.ts"

/** A judged picture beside the training pictures most alike to it. */
export interface ShownNeighbours extends Pick<
  Neighbour,
  "model" | "sample" | "set" | "label" | "predicted" | "probability"
> {
  readonly thumb: Thumb
  /** Best first. */
  readonly near: ReadonlyArray<{
    readonly thumb: Thumb
    readonly id: string
    readonly label: string
    readonly similarity: number
  }>
}

/** Many small pictures in one, rows of `columns`. */
export interface Sheet {
  /** data: address */
  readonly src: string
  /** Side of one picture, pixels. */
  readonly side: number
  readonly columns: number
  readonly rows: number
}

export interface ShownPoint extends Pick<
  MapPoint,
  "x" | "y" | "set" | "split" | "label" | "predicted" | "probability"
> {
  /** Its place on the sheet. */
  readonly picture?: number
}

/** The map of one model. */
export interface ShownMap {
  readonly model: string
  readonly points: ReadonlyArray<ShownPoint>
}

export interface ShownMaps {
  readonly sheet?: Sheet
  readonly maps: ReadonlyArray<ShownMap>
}
