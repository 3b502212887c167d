import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Catalogue, CatalogueEntry } from "../runtime/catalogue.ts"
import { fingerprintModule, implementationFile, type Fingerprint } from "../runtime/fingerprint.ts"
import { packageRoot } from "../runtime/package-root.ts"
import { builtin } from "./catalogue.ts"

/**
 * The node types that come with the program, with the fingerprints made when it was built. Types that the build does
 * not know (it was never made, or the sources went on) are fingerprinted now.
 */
export const builtinCatalogue = async (): Promise<Catalogue> => {
  const path = join(packageRoot, "dist", "fingerprints.json")
  const built = existsSync(path)
    ? (JSON.parse(readFileSync(path, "utf8")) as Readonly<Record<string, Fingerprint>>)
    : {}
  const entries = await Promise.all(
    builtin.map(async ({ definition, file }): Promise<CatalogueEntry> => {
      const print =
        built[definition.type] ??
        (await fingerprintModule(implementationFile(join(packageRoot, "src", file)), packageRoot))
      return { definition, ...print, origin: { kind: "builtin" } }
    }),
  )
  return new Map(entries.map((entry) => [entry.definition.type, entry]))
}
