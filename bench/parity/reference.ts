/**
 * Writes test/learning/parity/reference.json: what PyTorch computes in double precision for the small networks.
 *
 *   node bench/parity/reference.ts EXECUTABLE
 *
 * EXECUTABLE is a Python with torch (2.x) and numpy. The daily tests compare with this file and need no Python.
 */
import { writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { useBackend } from "../../src/learning/backend.ts"
import { startWeights } from "./cases.ts"
import { SMALL_CASES } from "./small.ts"
import { type Summary, summarise } from "./summary.ts"
import { runTorch } from "./torch.ts"

const python = process.argv[2] ?? "python3"
await useBackend("cpu")
const cases: { [name: string]: Summary } = {}
let torch = ""
for (const { name, training } of SMALL_CASES) {
  const weights = startWeights(training.network, training.start)
  const [double] = await runTorch(training, weights, python, { threads: 1, precisions: ["f64"] })
  cases[name] = summarise(double)
  torch = double.version
}
const rounded = JSON.stringify({ torch, cases }, (_, value: unknown) =>
  typeof value === "number" ? Number(value.toPrecision(10)) : value,
)
await writeFile(
  fileURLToPath(new URL("../../test/learning/parity/reference.json", import.meta.url)),
  `${rounded}\n`,
)
