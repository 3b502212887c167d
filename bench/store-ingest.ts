/**
 * How fast blobs enter the store, durably: `node bench/store-ingest.ts [COUNT] [BYTES] [FOLDER]`, by default 1,000,000
 * blobs of 4 KiB. Beside it what the disk itself gives: the same bytes written to one file, with one fsync at the end.
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"
import { openStore } from "../src/runtime/store/store.ts"

const [count, bytes] = [Number(process.argv[2] ?? 1_000_000), Number(process.argv[3] ?? 4096)]
const folder = mkdtempSync(join(process.argv[4] ?? tmpdir(), "facet-ingest-"))

/** Blobs that are all different, made without cost: a counter in bytes that are otherwise random. */
const noise = crypto.getRandomValues(new Uint8Array(Math.min(bytes, 65_536)))
const blob = new Uint8Array(bytes)
for (let at = 0; at < bytes; at += noise.length) blob.set(noise.subarray(0, bytes - at), at)
const numbered = new DataView(blob.buffer)

const seconds = (body: () => void): number => {
  const from = performance.now()
  body()
  return (performance.now() - from) / 1000
}
const show = (what: string, took: number): void =>
  console.log(
    `${what.padEnd(34)} ${took.toFixed(2).padStart(7)} s ${Math.round(count / took)
      .toLocaleString("en")
      .padStart(9)} blobs/s ${((count * bytes) / took / 1e6).toFixed(0).padStart(6)} MB/s`,
  )

try {
  console.log(
    `${count.toLocaleString("en")} blobs of ${bytes} bytes · ${cpus()[0].model}, ${cpus().length} CPUs · Node ${process.version}`,
  )
  const store = openStore(join(folder, "store"))
  show(
    "new, until all are durable",
    seconds(() => {
      for (let i = 0; i < count; i++) {
        numbered.setUint32(0, i, true)
        store.blobs.put(blob)
      }
      store.blobs.flush()
    }),
  )
  show(
    "close (moves the log into the index)",
    seconds(() => store.close()),
  )
  const again = openStore(join(folder, "store"))
  show(
    "again, all there already",
    seconds(() => {
      for (let i = 0; i < count; i++) {
        numbered.setUint32(0, i, true)
        again.blobs.put(blob)
      }
      again.blobs.flush()
    }),
  )
  console.log(
    `memory ${(process.memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB (most: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB)`,
  )
  again.close()
  show(
    "the disk: one file, one fsync",
    seconds(() => {
      const fd = openSync(join(folder, "plain"), "wx")
      const part = Buffer.alloc(4 << 20, noise)
      for (let left = count * bytes; left > 0; left -= part.length)
        writeSync(fd, part, 0, Math.min(left, part.length))
      fsyncSync(fd)
      closeSync(fd)
    }),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
