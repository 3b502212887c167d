import type { Face } from "../../schema/sample.ts"
import { crop, type Raster } from "../../vision/raster.ts"

/**
 * The part of a picture that its row is about: all of it, or, where the row is a face that was not cut out yet, the
 * box of the face, clipped to the picture.
 */
export const lookOf = (image: Raster, face: Face | undefined): Raster => {
  if (face === undefined || face.crop === true) return image
  const [x1, y1, x2, y2] = face.box
  const left = Math.min(Math.max(Math.floor(x1), 0), image.width - 1)
  const top = Math.min(Math.max(Math.floor(y1), 0), image.height - 1)
  const right = Math.min(Math.max(Math.ceil(x2), left + 1), image.width)
  const bottom = Math.min(Math.max(Math.ceil(y2), top + 1), image.height)
  return crop(image, left, top, right - left, bottom - top)
}

/** What makes two rows the same picture byte for byte: the bytes, and which face of them. */
export const sameness = (digest: string, face: Face | undefined): string =>
  face === undefined || face.crop === true ? digest : `${digest} ${face.box.map(Math.round).join(" ")}`
