/**
 * Time of the face detector for one photo, by group of photos, beside facenet-pytorch's.
 *
 *   node bench/detector.ts [--data DIR] [--threads 1,2] [--passes 3] [--python EXECUTABLE]
 *
 * DIR (../shared/data) holds `detect/` with the photos, `expected.json` and `throughput.json`, and `mtcnn/` with
 * the weights. Decoding is not counted. The peer's recorded figures come from throughput.json and from another
 * machine; with --python (one that has torch and facenet-pytorch) the peer is timed in the same run too.
 */
import { execFile } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs, promisify } from "node:util"
import Table from "cli-table3"
import { decodeImage } from "../src/vision/decode.ts"
import { createDetector } from "../src/vision/mtcnn/detect.ts"
import { readDetectorWeights } from "../src/vision/mtcnn/weights.ts"
import type { Raster } from "../src/vision/raster.ts"

interface Photo {
  readonly file: string
  readonly width: number
  readonly height: number
  readonly faces: ReadonlyArray<unknown>
}

/** Milliseconds of one photo: of several passes the median and the best, and the processor time of one. */
interface Timing {
  readonly median: number
  readonly best: number
  readonly cpu: number
}

const groups: ReadonlyArray<readonly [key: string, title: string, has: (p: Photo) => boolean]> = [
  ["all", "all", () => true],
  ["at_most_260000_pixels", "≤ 260,000 pixels", (p) => p.width * p.height <= 260_000],
  [
    "over_400000_pixels_at_most_20_faces",
    "> 400,000 pixels, ≤ 20 faces",
    (p) => p.width * p.height > 400_000 && p.faces.length <= 20,
  ],
  ["over_20_faces", "> 20 faces", (p) => p.faces.length > 20],
]

const { values: options } = parseArgs({
  options: {
    data: { type: "string", default: fileURLToPath(new URL("../../shared/data", import.meta.url)) },
    threads: { type: "string", default: "1,2" },
    passes: { type: "string", default: "3" },
    python: { type: "string" },
  },
})
const passes = Number(options.passes)
if (!existsSync(`${options.data}/detect/expected.json`)) {
  console.error(`No photos: ${options.data}/detect/expected.json is missing. Name the folder with --data.`)
  process.exit(1)
}
const read = (path: string) => readFileSync(`${options.data}/${path}`)
const photos: ReadonlyArray<Photo> = JSON.parse(read("detect/expected.json").toString()).photos

const summarize = (times: ReadonlyArray<{ readonly wall: number; readonly cpu: number }>): Timing => {
  const walls = times.map((t) => t.wall).sort((a, b) => a - b)
  return {
    median: walls[Math.floor(walls.length / 2)],
    best: walls[0],
    cpu: times.reduce((sum, t) => sum + t.cpu, 0) / times.length,
  }
}

async function timeOurs(rasters: ReadonlyArray<Raster>, threads: number): Promise<Array<Timing>> {
  const detector = await createDetector(
    readDetectorWeights({
      pnet: read("mtcnn/pnet.safetensors"),
      rnet: read("mtcnn/rnet.safetensors"),
      onet: read("mtcnn/onet.safetensors"),
    }),
    { threads },
  )
  for (const image of rasters.slice(0, 3)) await detector.detect(image)
  const times: Array<Array<{ wall: number; cpu: number }>> = rasters.map(() => [])
  for (let pass = 0; pass < passes; pass++) {
    for (const [i, image] of rasters.entries()) {
      const cpu = process.cpuUsage()
      const start = performance.now()
      await detector.detect(image)
      const wall = performance.now() - start
      const { user, system } = process.cpuUsage(cpu)
      times[i].push({ wall, cpu: (user + system) / 1000 })
    }
  }
  await detector.close()
  return times.map(summarize)
}

async function timePeer(python: string, threads: number): Promise<Array<Timing>> {
  const script = fileURLToPath(new URL("detector_peer.py", import.meta.url))
  const files = photos.map((p) => `${options.data}/detect/${p.file}`)
  const { stdout } = await promisify(execFile)(python, [script, String(threads), String(passes), ...files], {
    maxBuffer: 2 ** 26,
  })
  const times: Array<Array<{ wall: number; cpu: number }>> = JSON.parse(stdout)
  return times.map(summarize)
}

const cell = ({ median, best, cpu }: Timing) =>
  `${median.toFixed(0)} (${best.toFixed(0)}; cpu ${cpu.toFixed(0)})`

function meanOver(timings: ReadonlyArray<Timing>, has: (p: Photo) => boolean): Timing {
  const chosen = timings.filter((_, i) => has(photos[i]))
  const mean = (pick: (t: Timing) => number) => chosen.reduce((sum, t) => sum + pick(t), 0) / chosen.length
  return { median: mean((t) => t.median), best: mean((t) => t.best), cpu: mean((t) => t.cpu) }
}

/** The recorded figures of the peer for a thread count: the last measurement on a quiet machine. */
function recorded(threads: number, key: string): Timing | undefined {
  const { measurements } = JSON.parse(read("detect/throughput.json").toString())
  const found = measurements.findLast(
    (m: { threads: number; machine: string }) => m.threads === threads && m.machine === "quiet",
  )?.[key]
  if (found === undefined) return undefined
  return { median: found.mean_ms_median_of_3, best: found.mean_ms_best_of_3, cpu: found.mean_cpu_ms }
}

const rasters: Array<Raster> = []
for (const photo of photos) rasters.push(await decodeImage(read(`detect/${photo.file}`)))

console.log(`Milliseconds a photo: median of ${passes} passes (best; processor time), mean over the photos.`)
console.log(
  `This machine: ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0].toFixed(1)} at the start ` +
    "(above 0.5, trust processor times only). Decoding not counted.",
)
for (const threads of options.threads.split(",").map(Number)) {
  const ours = await timeOurs(rasters, threads)
  const peer = options.python === undefined ? undefined : await timePeer(options.python, threads)
  const table = new Table({
    head: ["photos", "", "this detector", "facenet-pytorch, same run", "facenet-pytorch, recorded elsewhere"],
    style: { head: [], border: [] },
  })
  for (const [key, title, has] of groups) {
    const other = recorded(threads, key)
    table.push([
      title,
      photos.filter(has).length,
      cell(meanOver(ours, has)),
      peer === undefined ? "not run (--python)" : cell(meanOver(peer, has)),
      other === undefined ? "none" : cell(other),
    ])
  }
  console.log(`\n${threads} ${threads === 1 ? "thread" : "threads"}`)
  console.log(table.toString())
}
