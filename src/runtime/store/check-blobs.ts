import * as fs from "node:fs"
import { join } from "node:path"
import { digestOf } from "../../schema/digest.ts"
import { transaction } from "./database.ts"
import { DigestSet } from "./digest-set.ts"
import { digestOfFile, LARGE_BYTES } from "./large-file.ts"
import { hasHeaders } from "./own-files.ts"
import { isHeaderOf, RECORD_HEADER } from "./pack.ts"
import type { OpenStore } from "./store.ts"
import type { Problems } from "./verify.ts"

export interface CheckedBlobs {
  readonly blobs: number
  readonly bytes: number
  readonly good: DigestSet
  /** Rows of the index that lead to no whole blob. */
  readonly bad: ReadonlyArray<BlobRow>
}

interface BlobRow {
  readonly digest: string
  readonly path: string
  readonly pack: number
  readonly offset: number
  readonly bytes: number
}

const TELL_EVERY = 20_000

/** Reads every blob where the index says it is, file by file in the order in which they lie. */
export const checkBlobs = (
  store: OpenStore,
  problems: Problems,
  progress: ((done: number, total: number) => void) | undefined,
): CheckedBlobs => {
  const total = Number(store.db.prepare("SELECT COUNT(*) AS n FROM blobs").get()!["n"])
  const good = new DigestSet()
  const bad: Array<BlobRow> = []
  let [blobs, bytes] = [0, 0]
  let open: { readonly path: string; readonly fd: number | undefined } | undefined
  const close = (): void => {
    const fd = open?.fd
    open = undefined
    if (fd !== undefined) fs.closeSync(fd)
  }
  const rows = store.db
    .prepare(
      "SELECT lower(hex(digest)) AS digest, path, pack, offset, bytes FROM blobs LEFT JOIN packs ON id = pack ORDER BY pack, offset",
    )
    .iterate()
  try {
    for (const row of rows) {
      const blob: BlobRow = {
        digest: String(row["digest"]),
        path: String(row["path"] ?? ""),
        pack: Number(row["pack"]),
        offset: Number(row["offset"]),
        bytes: Number(row["bytes"]),
      }
      if (open?.path !== blob.path) {
        close()
        open = { path: blob.path, fd: openFile(store, blob.path) }
      }
      const wrong = whatIsWrong(store, blob, open.fd)
      blobs++
      if (wrong === undefined) {
        good.add(blob.digest)
        bytes += blob.bytes
      } else {
        problems.add(wrong.kind, blob.digest, wrong.message)
        bad.push(blob)
      }
      if (blobs % TELL_EVERY === 0) progress?.(blobs, total)
    }
  } finally {
    close()
  }
  return { blobs, bytes, good, bad }
}

const openFile = (store: OpenStore, path: string): number | undefined => {
  try {
    return fs.openSync(join(store.root, path), "r")
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : ""
    if (path === "" || code === "ENOENT" || code === "ENOTDIR") return undefined
    throw error
  }
}

const whatIsWrong = (
  store: OpenStore,
  { digest, path, offset, bytes }: BlobRow,
  fd: number | undefined,
): { readonly kind: "missing-blob" | "damaged-blob"; readonly message: string } | undefined => {
  if (fd === undefined)
    return { kind: "missing-blob", message: `${path === "" ? "its pack" : join(store.root, path)} is gone` }
  const damaged = (what: string) =>
    ({ kind: "damaged-blob", message: `${what} (${join(store.root, path)} at ${offset})` }) as const
  if (path.startsWith("objects/")) {
    const found = digestOfFile(join(store.root, path))
    if (found.digest === digest) return undefined
    return damaged(found.bytes < bytes ? `cut off at ${found.bytes} bytes` : "its bytes are others")
  }
  const header = hasHeaders(path) ? RECORD_HEADER : 0
  if (!(bytes >= 0 && bytes < LARGE_BYTES && offset >= header)) return damaged("the index is wrong about it")
  const record = Buffer.allocUnsafe(header + bytes)
  const got = fs.readSync(fd, record, 0, record.length, offset - header)
  if (got < record.length) return damaged("cut off")
  if (digestOf(record.subarray(header)) !== digest) return damaged("its bytes are others")
  if (header > 0 && !isHeaderOf(record, digest, bytes)) return damaged("its header is another")
  return undefined
}

/** Takes rows out of the index, unless they lead elsewhere by now. */
export const dropBlobs = (store: OpenStore, bad: ReadonlyArray<BlobRow>): void => {
  const drop = store.db.prepare("DELETE FROM blobs WHERE digest = unhex(?) AND pack = ? AND offset = ?")
  transaction(store.db, () => {
    for (const { digest, pack, offset } of bad) drop.run(digest, pack, offset)
  })
}
