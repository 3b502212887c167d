import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/**
 * Absolute paths of the detector's weights that come with the program, by network. Looked for from this module
 * upwards, since a bundle lies elsewhere than the source.
 */
export const builtinWeights = (): Record<"pnet" | "rnet" | "onet", string> => {
  const inside = join("src", "nodes", "face", "weights")
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, inside)) && dirname(folder) !== folder) folder = dirname(folder)
  const file = (net: string): string => join(folder, inside, `${net}.safetensors`)
  return { pnet: file("pnet"), rnet: file("rnet"), onet: file("onet") }
}
