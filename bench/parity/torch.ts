import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { networkSpec } from "../../src/learning/networks/index.ts"
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from "../../src/learning/safetensors.ts"
import type { Case, Weights } from "./cases.ts"
import type { Outcome } from "./ours.ts"

/** What PyTorch computed, and what it took. */
export interface TorchOutcome extends Outcome {
  readonly version: string
  readonly stepMs: number
  readonly peakBytes: number
}

const floats = (shape: ReadonlyArray<number>, data: Float32Array): SafetensorsTensor => ({
  dtype: "F32",
  shape,
  data,
})

/** `nudged`: double precision from weights that are off by up to 5e-7 of their value. */
export type Precision = "f32" | "f64" | "nudged"

/**
 * Runs a case with PyTorch, in the given precisions.
 * @param python an interpreter that has torch.
 */
export const runTorch = async (
  c: Case,
  weights: Weights,
  python: string,
  options: { readonly threads: number; readonly precisions: ReadonlyArray<Precision> },
): Promise<ReadonlyArray<TorchOutcome>> => {
  const folder = await mkdtemp(join(tmpdir(), "facet-parity-"))
  try {
    const spec = networkSpec(c.network)
    const { x, labels, batches, batch } = c.data
    const { rates, momentum, nesterov, l2, labelSmoothing } = c
    const request = { spec, rates, momentum, nesterov, l2, labelSmoothing, threads: options.threads }
    await writeFile(join(folder, "request.json"), JSON.stringify(request))
    const tensors = new Map(Array.from(weights, ([name, w]) => [name, floats(w.shape, w.values)]))
    await writeFile(join(folder, "weights.safetensors"), writeSafetensors(tensors))
    const data = new Map<string, SafetensorsTensor>([
      ["x", floats([batches, batch, spec.size, spec.size, spec.channels], x)],
      ["labels", { dtype: "I32", shape: [batches, batch], data: labels }],
    ])
    await writeFile(join(folder, "data.safetensors"), writeSafetensors(data))
    const outcomes: Array<TorchOutcome> = []
    for (const precision of options.precisions) {
      const script = fileURLToPath(new URL("peer.py", import.meta.url))
      await promisify(execFile)(python, [script, folder, precision])
      const read = readSafetensors(await readFile(join(folder, `out-${precision}.safetensors`)))
      const values = new Map<string, ArrayLike<number>>()
      for (const [name, { data: array }] of read.tensors)
        if (array instanceof Float32Array || array instanceof Float64Array) values.set(name, array)
      const losses = Array.from(values.get("losses") ?? [])
      values.delete("losses")
      outcomes.push({
        tensors: values,
        losses,
        version: read.metadata["torch"] ?? "",
        stepMs: Number(read.metadata["stepMs"]),
        peakBytes: Number(read.metadata["peakBytes"]),
      })
    }
    return outcomes
  } finally {
    await rm(folder, { recursive: true })
  }
}
