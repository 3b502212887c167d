/**
 * The networks, full size, beside PyTorch: same weights, same batches. Prints how far logits, losses, gradients of every
 * tensor and 20 training steps are from PyTorch in double precision, for this program and for PyTorch in float32
 * (median ≤ worst of several tensors). The column "nudged" is PyTorch in double precision from weights that are off by
 * 5e-7 of their value: logits are then about as far off as in float32, and what that does to a gradient is no fault of
 * the one who computes it.
 *
 *   node bench/parity/index.ts --python EXECUTABLE [--only densenet40@48] [--faces DIR] [--threads 2] [--steps 20]
 *
 * --batch N takes batches of N pictures, --part gradients or --part curves does one half of it, --single leaves the
 * curve in double precision out, which takes PyTorch longest; --start calm or spread says how scales start (cases.ts).
 *
 * EXECUTABLE is a Python with torch (2.x) and numpy. DIR (../shared/data/faces) holds labelled pictures.
 */
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import Table from "cli-table3"
import { useBackend } from "../../src/learning/backend.ts"
import type { NetworkOptions } from "../../src/learning/networks/index.ts"
import { type Case, type Data, randomData, type Start, startWeights } from "./cases.ts"
import { errorOf, errorsByKind } from "./compare.ts"
import { type Outcome, runOurs } from "./ours.ts"
import { faces } from "./pictures.ts"
import { runTorch } from "./torch.ts"

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: process.env["FACET_PYTHON"] ?? "python3" },
    only: { type: "string" },
    faces: { type: "string", default: fileURLToPath(new URL("../../../shared/data/faces", import.meta.url)) },
    threads: { type: "string", default: "2" },
    steps: { type: "string", default: "20" },
    rate: { type: "string", default: "0.01" },
    batch: { type: "string" },
    part: { type: "string", default: "gradients,curves" },
    start: { type: "string", default: "spread,calm" },
    single: { type: "boolean", default: false },
  },
})
const threads = Number(options.threads)
const steps = Number(options.steps)

const NETWORKS: ReadonlyArray<{
  readonly title: string
  readonly network: NetworkOptions
  readonly batch: number
}> = [
  { title: "densenet40@48", network: { name: "densenet40", size: 48, channels: 1, classes: 7 }, batch: 8 },
  { title: "resnet50@96", network: { name: "resnet50", size: 96, channels: 3, classes: 7 }, batch: 8 },
  { title: "resnet50@48", network: { name: "resnet50", size: 48, channels: 1, classes: 7 }, batch: 8 },
  { title: "resnet50@224", network: { name: "resnet50", size: 224, channels: 3, classes: 7 }, batch: 4 },
]

const print = (text: string): void => void process.stdout.write(`${text}\n`)
const exponential = (value: number): string => value.toExponential(1)

/** The first steps of a warm-up, as in the pipelines (there to 0.1 in some 200 steps, so to 0.01 in 20). */
const rates = Array.from({ length: steps }, (_, i) => (Number(options.rate) * (i + 1)) / (steps + 1))

const caseOf = (network: NetworkOptions, start: Start, data: Data, count: number): Case => ({
  network,
  start,
  data,
  rates: rates.slice(0, count),
  momentum: 0.9,
  nesterov: true,
  l2: 1e-4,
  labelSmoothing: 0.1,
})

const gradients = async (network: NetworkOptions, data: Data, start: Start): Promise<void> => {
  const c = caseOf(network, start, data, 1)
  const weights = startWeights(network, start)
  const ours = runOurs(c, weights)
  const [single, double, nudged] = await runTorch(c, weights, options.python, {
    threads,
    precisions: ["f32", "f64", "nudged"],
  })
  const table = new Table({
    head: ["relative error", "tensors", "ours", "PyTorch", "nudged", "furthest of ours"],
    style: { head: [], border: [] },
  })
  const sides = [ours, single, nudged]
  for (const name of ["logits", "inference"])
    table.push([name, 1, ...sides.map((side) => exponential(errorOf(name, side, double))), ""])
  const lossError = (side: Outcome): string => exponential(Math.abs(side.losses[0] / double.losses[0] - 1))
  table.push(["loss", 1, ...sides.map(lossError), ""])
  const errors = sides.map((side) => errorsByKind("gradient/", side, double))
  for (const [i, e] of errors[0].entries()) {
    const cells = errors.map((list) => `${exponential(list[i].median)} ≤ ${exponential(list[i].worst)}`)
    table.push([`gradient: ${e.kind}`, e.count, ...cells, e.worstName])
  }
  print(table.toString())
}

const curves = async (network: NetworkOptions, start: Start, data: Data): Promise<void> => {
  const c = caseOf(network, start, data, steps)
  const weights = startWeights(network, start)
  const ours = runOurs(c, weights)
  const [single, double] = await runTorch(c, weights, options.python, {
    threads,
    precisions: options.single ? ["f32"] : ["f32", "f64"],
  })
  const truth = double ?? single
  const line = (title: string, side: Outcome): void =>
    print(`  ${title.padEnd(16)}${side.losses.map((l) => l.toFixed(4).padStart(8)).join("")}`)
  print(`\nloss of ${steps} steps, start ${start}:`)
  line("ours", ours)
  line("PyTorch float32", single)
  if (double !== undefined) line("PyTorch float64", double)
  const off = (side: Outcome): string => {
    const losses = Math.max(...side.losses.map((l, i) => Math.abs(l / truth.losses[i] - 1)))
    const weightErrors = errorsByKind("weight/", side, truth)
    const { median } = weightErrors[weightErrors.length - 1]
    return `losses within ${exponential(losses)}, weights at the end ${exponential(median)} (median)`
  }
  print(`  beside ${double === undefined ? "PyTorch float32" : "float64"}: ours ${off(ours)}`)
  if (double !== undefined) print(`  beside float64: PyTorch float32 ${off(single)}`)
}

await useBackend("onnx", { threads })
for (const { title, network, ...usual } of NETWORKS) {
  if (options.only !== undefined && options.only !== title) continue
  const batch = options.batch === undefined ? usual.batch : Number(options.batch)
  const noise = randomData(network, 4, batch)
  const pictures = await faces(options.faces, network, 4, batch)
  for (const [kind, data] of [
    ["noise", noise],
    ["faces", pictures],
  ] as const) {
    if (data === undefined) continue
    for (const start of ["spread", "calm"] as const) {
      if (!options.part.includes("gradients") || !options.start.includes(start)) continue
      // the two differ in residual blocks only
      if (start === "calm" && network.name !== "resnet50") continue
      print(`\n${title}, batch ${batch}, ${kind}, start ${start}`)
      await gradients(network, data, start)
    }
  }
  if (options.part.includes("curves")) await curves(network, "fresh", pictures ?? noise)
}
