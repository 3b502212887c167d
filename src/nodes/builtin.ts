import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { Catalogue, CatalogueEntry } from "../runtime/catalogue.ts"
import { fingerprintDefinition, type Fingerprint, type Printed } from "../runtime/fingerprint.ts"
import type { NodeDefinition } from "../runtime/node.ts"
import { packageRoot } from "../runtime/package-root.ts"
import { builtin } from "./catalogue.ts"

/** The fingerprint of a built-in definition, made from the sources. */
export const fingerprintBuiltin = (definition: NodeDefinition, file: string): Promise<Printed> =>
  fingerprintDefinition({
    file: join(packageRoot, "src", file),
    exported: "default",
    impl: (definition.map ?? definition).impl?.toString(),
    root: packageRoot,
  })

const readJson = (name: string): unknown => {
  const path = join(packageRoot, "dist", name)
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined
}

/** The texts of the modules of all built-in types, as the build kept them. */
const builtTexts = (): Readonly<Record<string, string>> =>
  (readJson("texts.json") ?? {}) as Readonly<Record<string, string>>

/**
 * The node types that come with the program, with the fingerprints made when it was built. Types that the build does
 * not know (it was never made, or the sources went on) are fingerprinted now.
 */
export const builtinCatalogue = async (): Promise<Catalogue> => {
  const built = (readJson("fingerprints.json") ?? {}) as Readonly<Record<string, Fingerprint | undefined>>
  const entries = await Promise.all(
    builtin.map(async ({ definition, file }): Promise<CatalogueEntry> => {
      const origin = { kind: "builtin" } as const
      const print = built[definition.type]
      if (print !== undefined) return { definition, ...print, texts: builtTexts, origin }
      const { fingerprint, modules, texts } = await fingerprintBuiltin(definition, file)
      return { definition, fingerprint, modules, texts: () => texts, origin }
    }),
  )
  return new Map(entries.map((entry) => [entry.definition.type, entry]))
}
