import { readFileSync } from "node:fs"
import { beforeAll, describe, expect, it } from "vitest"
import { startWeights } from "../../../bench/parity/cases.ts"
import { errorOf, errorsByKind } from "../../../bench/parity/compare.ts"
import { runOurs } from "../../../bench/parity/ours.ts"
import { SMALL_CASES } from "../../../bench/parity/small.ts"
import { type Summary, summarise, type TensorSummary } from "../../../bench/parity/summary.ts"
import { runTorch } from "../../../bench/parity/torch.ts"
import { useBackend } from "../../../src/learning/backend.ts"

/** What PyTorch computed in double precision (bench/parity/reference.ts made it). */
const reference: { readonly cases: { readonly [name: string]: Summary } } = JSON.parse(
  readFileSync(new URL("reference.json", import.meta.url), "utf8"),
)
/** A Python that has torch, for a comparison number by number. */
const python = process.env["FACET_PYTHON"]

beforeAll(() => useBackend("onnx"))

/** Largest relative difference of two loss curves. */
const apart = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number =>
  Math.max(...b.map((loss, i) => Math.abs(a[i] / loss - 1)))

const distance = (a: TensorSummary, b: TensorSummary): number =>
  Math.max(Math.abs(a.norm - b.norm), Math.abs(a.probe - b.probe)) / b.norm

describe("the networks are PyTorch's", () => {
  it("knows a reference for each of them", () => {
    expect(Object.keys(reference.cases)).toEqual(SMALL_CASES.map(({ name }) => name))
  })

  it.each(SMALL_CASES)("$name: logits, gradients of every tensor, 20 losses", ({ name, training }) => {
    const truth = reference.cases[name]
    const ours = summarise(runOurs(training, startWeights(training.network, training.start)))
    expect(Object.keys(ours.tensors)).toEqual(Object.keys(truth.tensors))
    const off = Object.entries(truth.tensors).filter(([tensor, expected]) => {
      // what is behind a scale of 0 has no gradient
      if (expected.norm === 0) return ours.tensors[tensor].norm !== 0
      return !(distance(ours.tensors[tensor], expected) < 1e-4)
    })
    expect(off).toEqual([])
    expect(truth.losses).toHaveLength(20)
    expect(apart(ours.losses, truth.losses)).toBeLessThan(3e-3)
    expect(truth.losses[19]).toBeLessThan(0.95 * truth.losses[0])
  })

  it.skipIf(python === undefined).each(SMALL_CASES)(
    "$name: beside PyTorch itself, number by number (needs FACET_PYTHON: a Python with torch)",
    async ({ training }) => {
      const weights = startWeights(training.network, training.start)
      const ours = runOurs(training, weights)
      const options = { threads: 1, precisions: ["f64"] } as const
      const [truth] = await runTorch(training, weights, python ?? "", options)
      for (const name of ["logits", "inference"]) expect(errorOf(name, ours, truth)).toBeLessThan(1e-4)
      for (const prefix of ["gradient/", "after-one/"])
        for (const { kind, worst, worstName } of errorsByKind(prefix, ours, truth)) {
          // PyTorch's running variance is that of the population, tfjs' (and so ours) that of the batch
          const limit =
            kind === "running variance" || (prefix === "after-one/" && kind === "all") ? 5e-3 : 2e-4
          expect([worstName, worst < limit ? "near" : worst]).toEqual([worstName, "near"])
        }
      expect(apart(ours.losses, truth.losses)).toBeLessThan(3e-3)
    },
  )
})
