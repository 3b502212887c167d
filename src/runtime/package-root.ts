import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const find = (folder: string): string => {
  if (existsSync(join(folder, "package.json")) && existsSync(join(folder, "bin", "dag"))) return folder
  const above = dirname(folder)
  if (above === folder) throw new Error("the folder of the program could not be found")
  return find(above)
}

/** The folder Facet itself lives in, whether it runs from its sources or from what was built of them. */
export const packageRoot: string = find(dirname(fileURLToPath(import.meta.url)))
