import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { dirname, join, sep } from "node:path"
import { blobsIn, type BlobRef } from "../../schema/blob.ts"
import type { Digest } from "../../schema/digest.ts"
import { canonical } from "../../schema/json.ts"
import type { OutputRecord } from "../../schema/trace.ts"
import type { FileEntry, FilesHandle, TableHandle } from "../handles.ts"
import type { BlobStore } from "./blobs.ts"

interface TableManifest {
  readonly record: "table"
  readonly rows: number
  readonly bytes: number
  readonly chunks: ReadonlyArray<{ readonly chunk: BlobRef; readonly rows: number; readonly last: string }>
}
interface FilesManifest {
  readonly record: "files"
  readonly entries: ReadonlyArray<FileEntry>
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const CHUNK_MASK = 0x1ff
const CHUNK_MOST = 4096

/** FNV-1a, 32 bits: only to place chunk borders by content, so that one row added or removed moves one chunk. */
const fnv1a = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** Order of rows: by id, by UTF-16 code units, the same on every machine. */
export const byId = (a: { readonly id: string }, b: { readonly id: string }): number =>
  a.id < b.id ? -1 : a.id > b.id ? 1 : 0

/**
 * Writes a table: rows sorted by id, cut into chunks of about 512 where the hash of an id says so.
 * Throws when two rows have one id, which would make the table ambiguous.
 */
export const writeTable = (
  blobs: BlobStore,
  type: string,
  rows: ReadonlyArray<{ readonly id: string }>,
): OutputRecord => {
  const sorted = [...rows].sort(byId)
  const chunks: Array<TableManifest["chunks"][number]> = []
  let lines: Array<string> = []
  let bytes = 0
  const close = (last: string): void => {
    const content = encoder.encode(lines.join(""))
    bytes += content.length
    chunks.push({ chunk: blobs.put(content, "application/jsonl"), rows: lines.length, last })
    lines = []
  }
  for (let i = 0; i < sorted.length; i++) {
    const row = sorted[i]
    if (i > 0 && sorted[i - 1].id === row.id)
      throw new Error(`two rows of the table have the id ${JSON.stringify(row.id)}`)
    lines.push(`${canonical(row)}\n`)
    if ((fnv1a(row.id) & CHUNK_MASK) === 0 || lines.length >= CHUNK_MOST) close(row.id)
  }
  if (lines.length > 0) close(sorted[sorted.length - 1].id)
  const manifest: TableManifest = { record: "table", rows: sorted.length, bytes, chunks }
  const ref = blobs.put(encoder.encode(canonical(manifest)), "application/json")
  return { type, digest: ref.$blob, rows: sorted.length, bytes: bytes + ref.bytes }
}

export const writeJson = (blobs: BlobStore, type: string, value: unknown): OutputRecord => {
  const ref = blobs.put(encoder.encode(canonical(value)), "application/json")
  return { type, digest: ref.$blob, bytes: ref.bytes }
}

/** Puts a file or folder of the disk into the store, or files given as bytes by their relative paths. */
export const writeFiles = (
  blobs: BlobStore,
  type: string,
  content: string | Readonly<Record<string, Uint8Array>>,
): OutputRecord => {
  const entries: Array<FileEntry> = []
  if (typeof content === "string") collect(blobs, content, "", entries)
  else
    for (const [path, bytes] of Object.entries(content))
      entries.push({ path: safePath(path), blob: blobs.put(bytes) })
  entries.sort((a, b) => (a.path < b.path ? -1 : 1))
  const manifest: FilesManifest = { record: "files", entries }
  const ref = blobs.put(encoder.encode(canonical(manifest)), "application/json")
  return {
    type,
    digest: ref.$blob,
    bytes: entries.reduce((sum, entry) => sum + entry.blob.bytes, ref.bytes),
  }
}

const safePath = (path: string): string => {
  const parts = path.split(/[/\\]/)
  if (path.startsWith("/") || parts.includes("..") || parts.includes("")) {
    throw new Error(`a file of an artifact must have a plain relative path, not ${JSON.stringify(path)}`)
  }
  return parts.join("/")
}

const collect = (blobs: BlobStore, path: string, as: string, into: Array<FileEntry>): void => {
  const stat = statSync(path)
  if (stat.isDirectory()) {
    for (const name of readdirSync(path))
      collect(blobs, join(path, name), as === "" ? name : `${as}/${name}`, into)
  } else {
    const blob = blobs.put(readFileSync(path))
    into.push({ path: as, blob, ...((stat.mode & 0o111) === 0 ? {} : { executable: true }) })
  }
}

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

export const readTable = <Row>(blobs: BlobStore, digest: Digest): TableHandle<Row> => {
  const manifest = manifestOf<TableManifest>(blobs, digest, "table")
  const rowsOf = (chunk: BlobRef): Array<Row> =>
    decoder
      .decode(blobs.get(chunk.$blob))
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Row)
  return {
    digest,
    rows: manifest.rows,
    stream: async function* () {
      for (const { chunk } of manifest.chunks) yield* rowsOf(chunk)
    },
    all: async () => manifest.chunks.flatMap(({ chunk }) => rowsOf(chunk)),
  }
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
