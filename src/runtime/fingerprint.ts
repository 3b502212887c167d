import { realpathSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join, relative, resolve, sep } from "node:path"
import type { InputOptions, OutputChunk, Plugin } from "rolldown"
import { digestOf, digestRecord } from "../schema/digest.ts"
import { exactVersion, installed, packageOf, type Installed } from "./packages.ts"
import { packageRoot } from "./package-root.ts"

export interface Fingerprint {
  readonly fingerprint: string
  /** Per file (relative to the project of the code) the digest of its text, per package its exact version. */
  readonly modules: Readonly<Record<string, string>>
}

/** A fingerprint with what it was made from. */
export interface Printed extends Fingerprint {
  /** The texts that `modules` names, by digest: without comments, in one format, and only what is used. */
  readonly texts: Readonly<Record<string, string>>
  /** All files that were read for it, absolute: while they are as they were, so is the fingerprint. */
  readonly inputs: ReadonlyArray<string>
}

/** Folders that are outside of every fingerprint: what they promise is versioned by `FORMAT`. */
const OUTSIDE = ["src/schema", "src/runtime", "src/api.ts"].map((path) => join(packageRoot, path))

const isOutside = (file: string): boolean =>
  OUTSIDE.some((path) => file === path || file.startsWith(path + sep))

/** What definitions are made with: calls that do nothing but give a value, so that an unused one can go. */
const PURE = ["defineNode", "table", "json", "list", "optional", "sameAs", "without", "Schema"]

const ENTRY = "\0entry"
/** Stands in a bundle for a path, whatever signs that has. */
const lazyId = (path: string): string => `facet-lazy:${Buffer.from(path).toString("base64url")}`
const lazyPath = (text: string): string => Buffer.from(text, "base64url").toString()

interface Closure {
  /** The bundle, minified: what the fingerprint is the digest of. */
  readonly code: string
  readonly modules: ReadonlyArray<{ readonly file: string; readonly text: string }>
  readonly packages: ReadonlyMap<string, Installed | undefined>
  readonly inputs: ReadonlyArray<string>
}

/**
 * Bundles what one export of a module uses, and nothing else. `lazy`: modules that are only imported when a function
 * runs stay outside, named by their paths.
 */
const closureOf = async (file: string, exported: string, lazy: boolean): Promise<Closure> => {
  const { rolldown } = await import("rolldown")
  const packages = new Map<string, { readonly name: string; readonly found: Installed | undefined }>()
  const resolver: Plugin = {
    name: "facet-closure",
    load: (id) =>
      id === ENTRY ? `export { ${nameOf(exported)} as default } from ${JSON.stringify(file)}` : null,
    resolveId: (id, importer, { kind }) => {
      if (importer === undefined || importer === ENTRY || id.startsWith("#")) return id === ENTRY ? id : null
      if (id.startsWith("node:") || isBuiltin(id)) return { id, external: true }
      if (id === "facet") return { id, external: true, moduleSideEffects: false }
      if (!id.startsWith(".") && !id.startsWith("/")) {
        const name = packageOf(id)
        const found = installed(name, importer)
        if (found?.isLinked === true) return null
        packages.set(id, { name, found })
        return { id, external: true, moduleSideEffects: found?.isPure !== true }
      }
      const path = resolve(dirname(importer), id)
      // One name for all of the engine, so that where it lies is not part of the bundle.
      if (isOutside(path)) return { id: "facet", external: true, moduleSideEffects: false }
      return lazy && kind === "dynamic-import" ? { id: lazyId(path), external: true } : null
    },
  }
  const options: InputOptions = {
    input: ENTRY,
    cwd: dirname(file),
    platform: "node",
    logLevel: "silent",
    treeshake: { manualPureFunctions: PURE },
    plugins: [resolver],
  }
  const bundle = await rolldown(options)
  try {
    const generate = async (minify: boolean): Promise<ReadonlyArray<OutputChunk>> => {
      const { output } = await bundle.generate({
        format: "esm",
        minify,
        comments: false,
        codeSplitting: false,
      })
      return output.filter((part) => part.type === "chunk")
    }
    const code = (await generate(true)).map((chunk) => chunk.code).join("\n")
    const modules = (await generate(false)).flatMap((chunk) =>
      Object.entries(chunk.modules).flatMap(([id, { code }]) =>
        // The bundler's own helpers have no file; what is not used has no text.
        id.startsWith("\0") || code === null ? [] : [{ file: id, text: code.replace(/^\/\/.*\n/u, "") }],
      ),
    )
    const kept = [...packages]
      .filter(([id]) => isNamed(code, id))
      .map(([, { name, found }]) => [name, found] as const)
    return { code, modules, packages: new Map(kept), inputs: await watched(bundle.watchFiles) }
  } finally {
    await bundle.close()
  }
}

const watched = async (files: Promise<Array<string>>): Promise<ReadonlyArray<string>> =>
  (await files).filter((file) => !file.startsWith("\0")).map((file) => realpathSync(file))

const nameOf = (exported: string): string =>
  /^[A-Za-z_$][\w$]*$/u.test(exported) ? exported : JSON.stringify(exported)

/** Whether a bundle still names a package: what no code uses is gone from it. */
const isNamed = (code: string, id: string): boolean =>
  ['"', "'", "`"].some((quote) => code.includes(`${quote}${id}${quote}`))

/** `() => import("./x.impl.ts")` and nothing more, also as a test runner rewrites it. */
const isPlainImport = (source: string): boolean =>
  /^(?:async)?\s*\(\)\s*=>\s*[\w$.]+\(\s*(["'`])[^"'`]+\1\s*(?:,\s*[^()]*)?\)$/u.test(source)

/** The module that a definition loads when it first runs, if loading it is all that its `impl` does. */
const implementationOf = async (
  file: string,
  exported: string,
  impl: string | undefined,
): Promise<{ readonly file: string; readonly inputs: ReadonlyArray<string> } | undefined> => {
  if (impl === undefined || !isPlainImport(impl)) return undefined
  const { code, inputs } = await closureOf(file, exported, true)
  const found = new Set([...code.matchAll(/facet-lazy:([\w-]+)/gu)].map((match) => lazyPath(match[1])))
  const [only] = found
  return found.size === 1 ? { file: only, inputs } : undefined
}

/**
 * The fingerprint of a node type's code: the minified, comment-free bundle of what its implementation uses of its own
 * modules, and the exact versions of the packages that it imports. The engine and the schema folder are not part of
 * it. Of a definition with a module of its own (`impl`) that module is the code; else all that the definition uses.
 */
export const fingerprintDefinition = async (options: {
  /** The module with the definition, and the name it is exported by. */
  readonly file: string
  readonly exported: string
  /** The source of the definition's `impl`, where it has one. */
  readonly impl: string | undefined
  /** What file names are told relative to; they are for people and enter no digest. */
  readonly root: string
}): Promise<Printed> => {
  const { file, exported, impl, root } = options
  const own = await implementationOf(file, exported, impl)
  const closure = await closureOf(own?.file ?? file, own === undefined ? exported : "default", false)
  const inputs = new Set([...closure.inputs, ...(own?.inputs ?? [])])
  const versions = Object.fromEntries(
    [...closure.packages].map(([name, found]) => [
      name,
      found === undefined ? "unknown" : exactVersion(found, (read) => inputs.add(read)),
    ]),
  )
  const modules: Record<string, string> = {}
  const texts: Record<string, string> = {}
  for (const { file, text } of closure.modules) {
    const digest = digestOf(text)
    modules[relative(root, file).split(sep).join("/")] = digest
    texts[digest] = text
  }
  return {
    fingerprint: digestRecord("code", { code: digestOf(closure.code), versions }),
    modules: { ...modules, ...versions },
    texts,
    inputs: [...inputs],
  }
}

/** Every file that anything a module exports is made of. */
export const filesOfModule = async (file: string): Promise<ReadonlyArray<string>> => {
  const { rolldown } = await import("rolldown")
  const bundle = await rolldown({
    input: file,
    cwd: dirname(file),
    platform: "node",
    logLevel: "silent",
    external: (id, importer) =>
      importer !== undefined &&
      !id.startsWith(".") &&
      !id.startsWith("/") &&
      !id.startsWith("#") &&
      !id.startsWith("\0"),
  })
  try {
    await bundle.generate({ format: "esm", codeSplitting: false })
    return await watched(bundle.watchFiles)
  } finally {
    await bundle.close()
  }
}
