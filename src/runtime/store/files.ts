import { chmodSync, createReadStream, mkdirSync } from "node:fs"
import { dirname, join, sep } from "node:path"
import type { BlobRef } from "../../schema/blob.ts"
import type { Digest } from "../../schema/digest.ts"
import type { FileEntry } from "../handles.ts"
import type { BlobStore } from "./blobs.ts"
import { LARGE_BYTES } from "./large-file.ts"
import type { FileDigests, ReadFile } from "./stamps.ts"
import { walk, type FoundFile } from "./walk.ts"

/** Files whose content is in the store: what an output port of type Files can be given. */
export class StoredFiles {
  readonly entries: ReadonlyArray<FileEntry>
  constructor(entries: ReadonlyArray<FileEntry>) {
    this.entries = entries
  }
}

/** How long the files of a folder may keep the event loop to themselves, in ms. */
const SLICE = 20

/** Gives way to others now and then: the engine shows progress and hears Ctrl-C while a large folder is read. */
const makeWay = () => {
  let since = performance.now()
  return async (): Promise<void> => {
    if (performance.now() - since < SLICE) return
    await new Promise((resolve) => setImmediate(resolve))
    since = performance.now()
  }
}

/**
 * Puts a file or folder of the disk into the store. With `stamps`, a file whose digest is known by its stamp and
 * whose blob is there is not read. Large files stream.
 * @throws WalkError for what `walk` refuses
 */
export const captureFiles = async (
  blobs: BlobStore,
  path: string,
  options: { readonly stamps?: FileDigests; readonly within?: string; readonly signal?: AbortSignal } = {},
): Promise<StoredFiles> => {
  const { stamps, signal } = options
  const since = stamps?.now() ?? 0
  const giveWay = makeWay()
  const found: Array<FoundFile & { readonly known: Digest | undefined }> = []
  for (const one of walk(path, options)) {
    found.push({ ...one, known: stamps?.known(one.file, one.stat) })
    await giveWay()
  }
  const digests = found.flatMap(({ known }) => known ?? [])
  const kept = digests.length === 0 ? new Set() : blobs.keep(digests)
  const entries: Array<FileEntry> = []
  const read: Array<ReadFile> = []
  for (const { file, path: as, stat, known } of found) {
    signal?.throwIfAborted()
    const bytes = Number(stat.size)
    const isKept = known !== undefined && kept.has(known)
    const blob: BlobRef = isKept ? { $blob: known, bytes } : await putFile(blobs, file, bytes)
    if (known === undefined) read.push({ file, stat, digest: blob.$blob })
    entries.push({ path: as, blob, ...((stat.mode & 0o111n) === 0n ? {} : { executable: true }) })
    await giveWay()
  }
  stamps?.remember(read, since)
  return new StoredFiles(entries)
}

/** A large file is read in parts, between which others have their turn. */
const putFile = async (blobs: BlobStore, file: string, bytes: number): Promise<BlobRef> =>
  bytes < LARGE_BYTES
    ? blobs.putFile(file)
    : blobs.putStream(createReadStream(file, { highWaterMark: 1 << 20 }))

/**
 * Writes the files of an artifact to a path that is not there yet: a file, or a folder of them. All of it is
 * read-only; the content is checked against the digests.
 */
export const layFiles = async (
  blobs: BlobStore,
  entries: ReadonlyArray<FileEntry>,
  at: string,
): Promise<void> => {
  const giveWay = makeWay()
  const folders = new Set<string>()
  const makeFolder = (folder: string): void => {
    if (folders.has(folder)) return
    mkdirSync(folder, { recursive: true })
    for (let up = folder; up.length >= at.length && !folders.has(up); up = dirname(up)) folders.add(up)
  }
  const single = entries.length === 1 && entries[0].path === ""
  if (!single) makeFolder(at)
  for (const { path, blob, executable } of entries) {
    const target = single ? at : join(at, path)
    if (!single && !target.startsWith(at + sep)) throw new Error(`unsafe path ${path}`)
    if (!single) makeFolder(dirname(target))
    blobs.copyTo(blob.$blob, target)
    chmodSync(target, executable === true ? 0o555 : 0o444)
    await giveWay()
  }
  for (const folder of folders) chmodSync(folder, 0o555)
}
