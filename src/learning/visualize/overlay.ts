import { type Images, imageAt, ImagesError } from "../images.ts"
import { enlarge, type HeatMaps } from "./gradcam.ts"

/** Colours from cold to hot, evenly spaced; lightness rises all along, so that it reads in grey print too. */
const SCALE = [
  [13, 8, 66],
  [84, 15, 109],
  [160, 40, 100],
  [219, 78, 60],
  [249, 142, 9],
  [251, 220, 90],
  [252, 255, 200],
] as const

/** The colour of a heat in [0, 1], RGB 0 … 255. */
export const heatColour = (heat: number): readonly [number, number, number] => {
  const p = Math.min(Math.max(heat, 0), 1) * (SCALE.length - 1)
  const low = Math.min(Math.floor(p), SCALE.length - 2)
  const mix = (c: 0 | 1 | 2): number => SCALE[low][c] * (1 - (p - low)) + SCALE[low + 1][c] * (p - low)
  return [mix(0), mix(1), mix(2)]
}

/**
 * Lay heat maps over their pictures: the hotter a place, the more of its colour; cold places show the picture in
 * grey. The pictures may be larger than the maps (a sharper crop of the same view), which are then enlarged.
 * @param strength share of colour at heat 1.
 * @throws ImagesError for another number of maps.
 */
export const overlayHeat = (images: Images, heat: HeatMaps, strength = 0.75): Images => {
  const { count, height, width, channels } = images
  if (heat.count !== count) throw new ImagesError(`${count} pictures but ${heat.count} heat maps`)
  const data = new Uint8Array(count * height * width * 3)
  for (let i = 0; i < count; i++) {
    const pixels = imageAt(images, i)
    const size = heat.height * heat.width
    const map = enlarge(
      heat.values.subarray(i * size, (i + 1) * size),
      heat.height,
      heat.width,
      height,
      width,
    )
    for (let p = 0; p < height * width; p++) {
      const grey =
        channels === 1
          ? pixels[p]
          : 0.299 * pixels[p * 3] + 0.587 * pixels[p * 3 + 1] + 0.114 * pixels[p * 3 + 2]
      const share = strength * map[p]
      for (const [c, colour] of heatColour(map[p]).entries())
        data[(i * height * width + p) * 3 + c] = Math.round(grey * (1 - share) + colour * share)
    }
  }
  return { data, count, height, width, channels: 3 }
}
