import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, relative, sep } from "node:path"
import { digestOf, digestRecord } from "../schema/digest.ts"
import { packageRoot } from "./package-root.ts"

export interface Fingerprint {
  readonly fingerprint: string
  readonly modules: Readonly<Record<string, string>>
}

/** Folders that are outside of every fingerprint: what they promise is versioned by `FORMAT`. */
const OUTSIDE = ["src/schema", "src/runtime", "src/api.ts"].map((path) => join(packageRoot, path))

const isOutside = (file: string): boolean =>
  OUTSIDE.some((path) => file === path || file.startsWith(path + sep))

/** The module with the implementation that a definition loads when first used; the definition itself if it has none. */
export const implementationFile = (definition: string): string => {
  const loaded = /import\(\s*["'](\.[^"']+)["']\s*\)/u.exec(readFileSync(definition, "utf8"))
  return loaded === null ? definition : join(dirname(definition), loaded[1])
}

/** The version of an installed package, as seen from a file that imports it. */
const versionOf = (name: string, from: string): string => {
  const require = createRequire(from)
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      const { version } = JSON.parse(readFileSync(join(folder, name, "package.json"), "utf8")) as {
        version?: string
      }
      if (version !== undefined) return version
    } catch {
      // Not in this folder: the next one up.
    }
  }
  return "unknown"
}

const packageOf = (specifier: string): string => {
  const [scope, name] = specifier.split("/")
  return specifier.startsWith("@") ? `${scope}/${name}` : scope
}

/**
 * The fingerprint of a node's code: the minified, comment-free bundle of the module's own closure, and the exact
 * versions of the packages it imports. The engine and the schema folder are not part of it. `root` is what file
 * names are told relative to; they are for people and enter no digest.
 */
export const fingerprintModule = async (file: string, root: string): Promise<Fingerprint> => {
  const { rolldown } = await import("rolldown")
  const { minifySync, transformSync } = await import("rolldown/experimental")
  const packages = new Map<string, string>()
  const bundle = await rolldown({
    input: file,
    cwd: root,
    platform: "node",
    logLevel: "silent",
    plugins: [
      {
        name: "facet-closure",
        resolveId: (id, importer) => {
          if (importer === undefined) return null
          if (id.startsWith("node:")) return { id, external: true }
          if (id === "facet") return { id, external: true }
          if (!id.startsWith(".") && !id.startsWith("/")) {
            packages.set(packageOf(id), importer)
            return { id, external: true }
          }
          // One name for all of the engine, so that where it lies is not part of the bundle.
          return isOutside(join(dirname(importer), id)) ? { id: "facet", external: true } : null
        },
      },
    ],
  })
  try {
    const { output } = await bundle.generate({
      format: "esm",
      minify: true,
      comments: false,
      codeSplitting: false,
    })
    const modules: Record<string, string> = {}
    for (const part of output) {
      if (part.type !== "chunk") continue
      for (const id of Object.keys(part.modules)) {
        // The bundler's own helpers have no file.
        if (id.startsWith("\0")) continue
        const text = readFileSync(id, "utf8")
        const plain = id.endsWith(".ts") ? transformSync(id, text).code : text
        const least = id.endsWith(".json") ? text : minifySync(id, plain).code
        modules[relative(root, id).split(sep).join("/")] = digestOf(least).slice(0, 16)
      }
    }
    const versions: Record<string, string> = {}
    for (const [name, importer] of packages) versions[name] = versionOf(name, importer)
    const code = output.map((part) => (part.type === "chunk" ? part.code : "")).join("\n")
    return {
      fingerprint: digestRecord("code", { code: digestOf(code), versions }),
      modules: { ...modules, ...versions },
    }
  } finally {
    await bundle.close()
  }
}
