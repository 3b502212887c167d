import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"
import { digestOf, digestRecord } from "../schema/digest.ts"

/** Content of files by absolute path. */
export type Contents = Readonly<Record<string, string>>

/** A module that is no longer what its fingerprint was made from. */
export class PluginChanged extends Error {
  readonly _tag = "PluginChanged"
  override readonly name = "PluginChanged"
  readonly file: string
  constructor(file: string) {
    super(`${file} changed after this run read it: run again`)
    this.file = file
  }
}

const PARAMETER = "facet"
/** What is loaded under each version of a plugin. */
const versions = new Map<string, Contents>()
/** What was loaded under a path alone, as CommonJS is: there is no second time in a process. */
const loaded = new Map<string, string>()
let isHooked = false

const versionIn = (url: string | undefined): Contents | undefined =>
  url === undefined || !url.includes(`?${PARAMETER}=`)
    ? undefined
    : versions.get(new URL(url).searchParams.get(PARAMETER) ?? "")

const bytesOf = (source: string | ArrayBufferView | ArrayBufferLike): string | Uint8Array =>
  typeof source === "string"
    ? source
    : ArrayBuffer.isView(source)
      ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
      : new Uint8Array(source)

/** Modules of a versioned module get its version; each is compared with what that version says, as it is compiled. */
const hook = (): void => {
  if (isHooked) return
  isHooked = true
  let newest: Contents = {}
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      const contents = versionIn(context.parentURL)
      if (contents === undefined || !found.url.startsWith("file:") || found.url.includes("?")) return found
      if (contents[fileURLToPath(found.url)] === undefined) return found
      const version = new URL(context.parentURL!).searchParams.get(PARAMETER)
      return { ...found, url: `${found.url}?${PARAMETER}=${version}` }
    },
    load: (url, context, next) => {
      const result = next(url, context)
      if (!url.startsWith("file:")) return result
      const own = versionIn(url)
      newest = own ?? newest
      const path = fileURLToPath(url)
      const expected = (own ?? newest)[path]
      if (expected === undefined) return result
      const digest = digestOf(bytesOf(result.source ?? readFileSync(path)))
      if (own === undefined) loaded.set(path, digest)
      if (digest !== expected) throw new PluginChanged(path)
      return result
    },
  })
}

/**
 * Imports a module whose closure has this content, and nothing else: a file that was edited since, even one that is
 * only loaded later, is an error rather than code that nobody fingerprinted. Another content is another module, so
 * that one process can load a plugin again after an edit.
 */
export const importAs = async (file: string, contents: Contents): Promise<unknown> => {
  hook()
  for (const [path, digest] of Object.entries(contents)) {
    if ((loaded.get(path) ?? digest) !== digest) throw new PluginChanged(path)
  }
  const version = digestRecord("plugin", contents).slice(0, 16)
  versions.set(version, contents)
  return import(`${pathToFileURL(file).href}?${PARAMETER}=${version}`)
}
