import { createWriteStream, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { Digest } from "../../schema/digest.ts"
import { materialize, readFiles } from "../store/artifacts.ts"
import type { OpenStore } from "../store/store.ts"
import { tableManifest } from "../store/tables.ts"
import type { Crate } from "./ro-crate.ts"

/** Whether a crate can be written there: nothing is there yet, or an empty folder. */
export const isFree = (folder: string): boolean => !existsSync(folder) || readdirSync(folder).length === 0

/** Writes a crate into a folder: its metadata last, so that a folder with it is whole. Tables stream. */
export const writeCrate = async (store: OpenStore, crate: Crate, folder: string): Promise<void> => {
  for (const file of crate.files) {
    const path = resolve(folder, file.path)
    mkdirSync(file.kind === "files" ? path : dirname(path), { recursive: true })
    if (file.kind === "text") writeFileSync(path, file.text)
    else if (file.kind === "blob") writeFileSync(path, store.blobs.get(file.digest))
    else if (file.kind === "table")
      await pipeline(Readable.from(chunksOf(store, file.digest)), createWriteStream(path))
    else materialize(store.blobs, readFiles(store.blobs, file.digest, async () => path).entries, path)
  }
  writeFileSync(join(folder, "ro-crate-metadata.json"), crateText(crate))
}

export const crateText = ({ metadata }: Crate): string => `${JSON.stringify(metadata, null, 2)}\n`

function* chunksOf(store: OpenStore, digest: Digest): Generator<Uint8Array> {
  for (const { chunk } of tableManifest(store.blobs, digest).chunks) yield store.blobs.get(chunk.$blob)
}
