import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join, sep } from "node:path"
import { blobsIn } from "../../schema/blob.ts"
import type { Digest } from "../../schema/digest.ts"
import { canonical } from "../../schema/json.ts"
import type { OutputRecord } from "../../schema/trace.ts"
import type { FileEntry, FilesHandle } from "../handles.ts"
import type { BlobStore } from "./blobs.ts"
import { layFiles, StoredFiles } from "./files.ts"
import { walk } from "./walk.ts"

interface FilesManifest {
  readonly record: "files"
  readonly entries: ReadonlyArray<FileEntry>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const writeJson = (blobs: BlobStore, type: string, value: unknown): OutputRecord => {
  const ref = blobs.put(encoder.encode(canonical(value)), "application/json")
  return { type, digest: ref.$blob, bytes: ref.bytes }
}

/**
 * Puts a file or folder of the disk into the store, files given as bytes by their relative paths, or files stored before.
 * @throws WalkError for what `walk` refuses, Error for paths that lead out of the artifact or clash
 */
export const writeFiles = (
  blobs: BlobStore,
  type: string,
  content: string | Readonly<Record<string, Uint8Array>> | StoredFiles,
): OutputRecord => {
  let entries: Array<FileEntry> = content instanceof StoredFiles ? [...content.entries] : []
  if (typeof content === "string") entries = collect(blobs, content)
  else if (!(content instanceof StoredFiles))
    for (const [path, bytes] of Object.entries(content))
      entries.push({ path: safePath(path), blob: blobs.put(bytes) })
  const { refuse } = blobs
  if (refuse !== undefined) entries = entries.filter(({ blob }) => !refuse(blob.$blob))
  entries.sort((a, b) => (a.path < b.path ? -1 : 1))
  refuseClashes(entries)
  const manifest: FilesManifest = { record: "files", entries }
  const ref = blobs.put(encoder.encode(canonical(manifest)), "application/json")
  return {
    type,
    digest: ref.$blob,
    bytes: entries.reduce((sum, entry) => sum + entry.blob.bytes, ref.bytes),
  }
}

/** Throws where two files have one path, or one lies in a folder of another's name: they could not be laid out. */
const refuseClashes = (entries: ReadonlyArray<FileEntry>): void => {
  const taken = new Set<string>()
  for (const { path } of entries) {
    if (taken.has(path)) throw new Error(`two files of an artifact have the path ${JSON.stringify(path)}`)
    taken.add(path)
  }
  for (const { path } of entries)
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1))
      if (taken.has(path.slice(0, at)))
        throw new Error(
          `${JSON.stringify(path.slice(0, at))} is a file of the artifact and a folder of it as well`,
        )
}

const safePath = (path: string): string => {
  const parts = path.split(/[/\\]/)
  if (parts.some((part) => part === "" || part === "." || part === "..") || path.includes("\0")) {
    throw new Error(`a file of an artifact must have a plain relative path, not ${JSON.stringify(path)}`)
  }
  return parts.join("/")
}

const collect = (blobs: BlobStore, root: string): Array<FileEntry> =>
  Array.from(walk(root), ({ file, path, stat }) => ({
    path,
    blob: blobs.putFile(file),
    ...((stat.mode & 0o111n) === 0n ? {} : { executable: true }),
  }))

const manifestOf = <M extends { readonly record: string }>(
  blobs: BlobStore,
  digest: Digest,
  record: M["record"],
): M => {
  const value: unknown = JSON.parse(decoder.decode(blobs.get(digest)))
  if (typeof value !== "object" || value === null || !("record" in value) || value.record !== record) {
    throw new Error(`artifact ${digest} is not a ${record}`)
  }
  return value as M
}

export const readJson = (blobs: BlobStore, digest: Digest): unknown =>
  JSON.parse(decoder.decode(blobs.get(digest)))

/** `folder` gives an empty folder when the files are asked for on disk. */
export const readFiles = (blobs: BlobStore, digest: Digest, folder: () => Promise<string>): FilesHandle => {
  const { entries } = manifestOf<FilesManifest>(blobs, digest, "files")
  return {
    digest,
    entries,
    read: async (path) => {
      const entry = entries.find((entry) => entry.path === path)
      if (entry === undefined) throw new Error(`no file ${JSON.stringify(path)} in the artifact ${digest}`)
      return blobs.get(entry.blob.$blob)
    },
    materialize: async () => {
      const root = await folder()
      materialize(blobs, entries, root)
      return entries.length === 1 && entries[0].path === "" ? join(root, "file") : root
    },
    layAt: (path) => layFiles(blobs, entries, path),
  }
}

/** Writes the files of an artifact under a folder, read-only. */
export const materialize = (blobs: BlobStore, entries: ReadonlyArray<FileEntry>, root: string): void => {
  for (const { path, blob, executable } of entries) {
    const target = path === "" ? join(root, "file") : join(root, ...safePath(path).split("/"))
    if (!target.startsWith(root + sep)) throw new Error(`unsafe path ${path}`)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, blobs.get(blob.$blob))
    chmodSync(target, executable === true ? 0o555 : 0o444)
  }
}

/** Everything an artifact refers to: its manifest's chunks or files, and the blobs its rows name. */
export function* blobsOfArtifact(blobs: BlobStore, digest: Digest): Generator<Digest> {
  yield digest
  const value: unknown = readJson(blobs, digest)
  const isTable = typeof value === "object" && value !== null && "record" in value && value.record === "table"
  for (const found of blobsIn(value)) {
    yield found
    if (isTable)
      for (const line of decoder.decode(blobs.get(found)).split("\n"))
        if (line !== "") yield* blobsIn(JSON.parse(line))
  }
}
