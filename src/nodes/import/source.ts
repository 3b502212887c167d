import { createReadStream, type Stats } from "node:fs"
import { readdir, readFile, realpath, stat } from "node:fs/promises"
import { join } from "node:path"
import { createGunzip } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Tar from "effect/encoding/Tar"
import type { FilesHandle } from "../../runtime/handles.ts"

/** Data that is not laid out as its importer expects. The message says what was looked for, and where. */
export class ImportError extends Error {
  readonly _tag = "ImportError"
  override readonly name = "ImportError"
}

/** One file of a source. Of a tar, it must be read before the next one is asked for. */
export interface SourceFile {
  /** Relative, with `/`; empty where the source is a single file. */
  readonly path: string
  readonly bytes: number
  readonly read: () => Promise<Uint8Array>
  /** The content in pieces, for files too large to hold. */
  readonly pieces: () => AsyncIterable<Uint8Array>
}

/** Files to import: a folder, a tar, a single file or a Files artifact. May be gone through several times. */
export interface Source {
  readonly files: () => AsyncIterable<SourceFile>
}

async function* whole(read: () => Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await read()
}

/** What lies in a folder, by path, links followed; hidden files and those that systems leave behind left out. */
async function* walk(folder: string, as: string, above: ReadonlyArray<string>): AsyncGenerator<SourceFile> {
  const real = await realpath(folder)
  if (above.includes(real)) return
  for (const name of (await readdir(folder)).sort()) {
    if (name.startsWith(".") || name === "__MACOSX" || name === "Thumbs.db") continue
    const at = join(folder, name)
    const path = as === "" ? name : `${as}/${name}`
    const found = await stat(at)
    if (found.isDirectory()) yield* walk(at, path, [...above, real])
    else if (found.isFile()) yield diskFile(at, path, found)
  }
}

const diskFile = (at: string, path: string, found: Stats): SourceFile => ({
  path,
  bytes: found.size,
  read: () => readFile(at),
  pieces: () => createReadStream(at),
})

/** The plain relative form of a path in an archive, or undefined when it leads out of it. */
export const plainPath = (path: string): string | undefined => {
  if (/^([/\\]|[a-z]:)/i.test(path) || path.includes("\0")) return undefined
  const parts = path.split(/[/\\]/).filter((part) => part !== "" && part !== ".")
  return parts.length === 0 || parts.includes("..") ? undefined : parts.join("/")
}

async function* untar(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<SourceFile> {
  const failed = (cause: unknown): ImportError =>
    new ImportError(`the tar cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  const entries = Stream.fromAsyncIterable(pieces, failed).pipe(Stream.pipeThroughChannel(Tar.decode()))
  try {
    for await (const { header, body } of Stream.toAsyncIterable(entries)) {
      if (header.type !== "File") continue
      const path = plainPath(header.path)
      if (path === undefined) throw new ImportError(`an entry has the path ${JSON.stringify(header.path)}`)
      const name = path.slice(path.lastIndexOf("/") + 1)
      if (name.startsWith(".") || path.startsWith("__MACOSX/")) continue
      const read = async () => Buffer.concat(await Effect.runPromise(Stream.runCollect(body)))
      yield { path, bytes: header.size, read, pieces: () => Stream.toAsyncIterable(body) }
    }
  } catch (cause) {
    throw cause instanceof ImportError ? cause : failed(cause)
  }
}

async function* gunzip(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const unzip = createGunzip()
  const feed = (async () => {
    for await (const piece of pieces)
      if (!unzip.write(piece)) await new Promise((r) => unzip.once("drain", r))
    unzip.end()
  })().catch((cause: unknown) => unzip.destroy(cause instanceof Error ? cause : new Error(String(cause))))
  yield* unzip
  await feed
}

/** The files of a tar (also of a .tar.gz), or the one file itself when it is none. `name` decides. */
const archive = (name: string, file: SourceFile): (() => AsyncIterable<SourceFile>) => {
  if (/\.(tar\.gz|tgz)$/i.test(name)) return () => untar(gunzip(file.pieces()))
  if (/\.tar$/i.test(name)) return () => untar(file.pieces())
  return async function* () {
    yield { ...file, path: "" }
  }
}

async function* entriesOf(handle: FilesHandle): AsyncGenerator<SourceFile> {
  for (const { path, blob } of handle.entries) {
    const read = () => handle.read(path)
    yield { path, bytes: blob.bytes, read, pieces: () => whole(read) }
  }
}

/**
 * Opens what an importer was given: a path, or the artifact of its port.
 * @throws ImportError when there is neither, or both
 */
export const openSource = async (
  path: string | undefined,
  handle: FilesHandle | undefined,
): Promise<Source> => {
  if ((path === undefined) === (handle === undefined))
    throw new ImportError("say where the data is: either the parameter `path` or the input port `files`")
  if (handle !== undefined) {
    const [first] = handle.entries
    if (handle.entries.length === 1 && /^$|\.(tar|tgz|tar\.gz)$/i.test(first.path)) {
      const read = () => handle.read(first.path)
      const file = { path: "", bytes: first.blob.bytes, read, pieces: () => whole(read) }
      return { files: archive(first.path, file) }
    }
    return { files: () => entriesOf(handle) }
  }
  const found = await stat(path!)
  if (found.isDirectory()) return { files: () => walk(path!, "", []) }
  return { files: archive(path!, diskFile(path!, "", found)) }
}
