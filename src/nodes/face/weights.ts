import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/**
 * Absolute path of the folder of the detector's weights that come with the program. Looked for from this module
 * upwards, since a bundle lies elsewhere than the source.
 */
export const builtinWeights = (): string => {
  const inside = join("src", "nodes", "face", "weights")
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, inside))) {
    const parent = dirname(folder)
    if (parent === folder) return inside
    folder = parent
  }
  return join(folder, inside)
}
