/**
 * Why the loss of a fresh ResNet-50 may rise at first: the first steps on noise (96 × 96 × 3) from all scales at 1 and
 * from blocks that begin as the identity, with several rates; both starts at the same rate in PyTorch too.
 *
 *   node bench/parity/rising.ts EXECUTABLE [STEPS] [BATCH]
 *
 * EXECUTABLE is a Python with torch (2.x) and numpy.
 */
import { useBackend } from "../../src/learning/backend.ts"
import type { NetworkOptions } from "../../src/learning/networks/index.ts"
import { type Case, randomData, type Start, startWeights } from "./cases.ts"
import { runOurs } from "./ours.ts"
import { runTorch } from "./torch.ts"

const [python = "python3", stepsText = "10", batchText = "8"] = process.argv.slice(2)
const steps = Number(stepsText)
const network: NetworkOptions = { name: "resnet50", size: 96, channels: 3, classes: 7 }
const data = randomData(network, 1, Number(batchText))

const constant = (rate: number): Array<number> => Array.from({ length: steps }, () => rate)
const warmUp = Array.from({ length: steps }, (_, i) => (0.01 * (i + 1)) / (steps + 1))
const trials: ReadonlyArray<
  readonly [title: string, start: Start, rates: Array<number>, momentum: number, torch?: boolean]
> = [
  ["scales 1, rate 0.01, momentum 0.9", "ones", constant(0.01), 0.9, true],
  ["scales 1, rate 0.01, no momentum", "ones", constant(0.01), 0],
  ["scales 1, rate 0.001, momentum 0.9", "ones", constant(0.001), 0.9],
  ["scales 1, warm-up to 0.01, momentum 0.9", "ones", warmUp, 0.9],
  ["identity, rate 0.01, momentum 0.9", "fresh", constant(0.01), 0.9, true],
  ["identity, rate 0.05, momentum 0.9", "fresh", constant(0.05), 0.9],
]

const line = (title: string, losses: ReadonlyArray<number>): void =>
  void process.stdout.write(`  ${title.padEnd(8)}${losses.map((l) => l.toFixed(3).padStart(8)).join("")}\n`)

await useBackend("onnx", { threads: 2 })
for (const [title, start, rates, momentum, beside = false] of trials) {
  const c: Case = { network, start, data, rates, momentum, nesterov: false, l2: 0, labelSmoothing: 0 }
  const weights = startWeights(network, start)
  process.stdout.write(`${title}\n`)
  line("ours", runOurs(c, weights, true).losses)
  if (!beside) continue
  const [torch] = await runTorch(c, weights, python, { threads: 1, precisions: ["f32"] })
  line("PyTorch", torch.losses)
}
