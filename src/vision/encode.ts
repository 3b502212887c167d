import type { Raster } from "./raster.ts"
import { loadSharp } from "./sharp.ts"

async function open(image: Raster) {
  const sharp = await loadSharp()
  const { width, height, channels, data } = image
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
}

/** Lossless PNG, one or three channels as the raster; settings fixed, no metadata: same pixels, same bytes. */
export async function encodePng(image: Raster): Promise<Uint8Array> {
  const pipeline = (await open(image)).toColourspace(image.channels === 1 ? "b-w" : "srgb")
  return pipeline.png({ compressionLevel: 6, adaptiveFiltering: true, palette: false }).toBuffer()
}

/**
 * Baseline JPEG; settings fixed, no metadata: same pixels and quality, same bytes.
 * @param quality 1 to 100; from 90 on colours are kept at full resolution
 */
export async function encodeJpeg(image: Raster, quality = 90): Promise<Uint8Array> {
  const pipeline = (await open(image)).toColourspace(image.channels === 1 ? "b-w" : "srgb")
  return pipeline
    .jpeg({
      quality,
      chromaSubsampling: quality >= 90 ? "4:4:4" : "4:2:0",
      progressive: false,
      mozjpeg: false,
      optimiseCoding: true,
    })
    .toBuffer()
}
