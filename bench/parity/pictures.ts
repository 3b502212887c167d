import { existsSync } from "node:fs"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { imagesOf } from "../../src/learning/images.ts"
import { type NetworkOptions, networkSpec } from "../../src/learning/networks/index.ts"
import { fitPreprocessing, normalise } from "../../src/learning/preprocess.ts"
import { decodeImage } from "../../src/vision/decode.ts"
import { toGray, toRgb } from "../../src/vision/raster.ts"
import { resize } from "../../src/vision/resize.ts"
import type { Data } from "./cases.ts"

const CLASSES = ["anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"]

/**
 * The first labelled faces of a folder with `train.tar` and `train.csv` (file,label), resized and normalised; undefined
 * where the folder has none.
 */
export const faces = async (
  folder: string,
  network: NetworkOptions,
  batches: number,
  batch: number,
): Promise<Data | undefined> => {
  if (!existsSync(join(folder, "train.tar"))) return undefined
  const { size, channels } = networkSpec(network)
  const rows = (await readFile(join(folder, "train.csv"), "utf8"))
    .trim()
    .split("\n")
    .slice(1, 1 + batches * batch)
  const files = rows.map((row) => row.split(",")[0])
  const unpacked = await mkdtemp(join(tmpdir(), "facet-faces-"))
  try {
    await promisify(execFile)("tar", ["xf", join(folder, "train.tar"), "-C", unpacked, ...files])
    const pixels = new Uint8Array(files.length * size * size * channels)
    for (const [i, file] of files.entries()) {
      const image = resize(await decodeImage(await readFile(join(unpacked, file))), size, size)
      pixels.set((channels === 1 ? toGray(image) : toRgb(image)).data, i * size * size * channels)
    }
    const images = imagesOf(pixels, { height: size, width: size, channels })
    return {
      x: normalise(images, fitPreprocessing(images)),
      labels: Int32Array.from(rows, (row) => CLASSES.indexOf(row.split(",")[1].trim())),
      batches,
      batch,
    }
  } finally {
    await rm(unpacked, { recursive: true })
  }
}
