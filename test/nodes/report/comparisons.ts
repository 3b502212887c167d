import { compare, type ComparisonValue } from "../../../src/nodes/model/comparison.ts"
import type { Result } from "../../../src/nodes/model/types.ts"
import type { Named } from "../../../src/runtime/node.ts"

const result = (model: string, set: string, accuracy: number, generated: boolean): Result => ({
  model,
  set,
  n: 120,
  accuracy,
  macroF1: accuracy - 0.04,
  perClass: {},
  confusion: [],
  interval: [0, 1],
  classes: [],
  generated,
})

const NETS = ["densenet40", "resnet50"]
const SETS = ["fer2013", "ckplus"]
/** Between −1 and 1, the same everywhere. */
const noise = (k: number): number => Math.sin(k * 12.9898) * Math.cos(k * 78.233)

/** A sweep of two axes and an ablation against a baseline, both over three seeds; an ablation of one seed. */
export const demoComparisons = (generated: boolean): ReadonlyArray<Named<ComparisonValue>> => {
  const [sweep, ablation, once]: ReadonlyArray<Array<Result>> = [[], [], []]
  let k = 0
  for (const net of NETS)
    for (const set of SETS)
      for (const seed of [1, 2, 3]) {
        for (const [i, lr] of ["0.2", "0.1", "0.05"].entries())
          for (const [j, l2] of ["0.001", "0.0001"].entries())
            sweep.push(
              result(
                `train[l2=${l2},lr=${lr},model=${net},seed=${seed}]`,
                set,
                0.6 - i / 20 + j / 40 + noise(k++) / 30,
                generated,
              ),
            )
        for (const [i, augment] of ["none", "flip", "rotation", "saturation", "all"].entries()) {
          const made = result(
            `train[augment=${augment},model=${net},seed=${seed}]`,
            set,
            0.5 + (seed === 2 ? 0.05 : 0) + i / 50 + noise(k++) / 200,
            generated,
          )
          ablation.push(made)
          if (seed === 1) once.push(made)
        }
      }
  const options = { over: "seed", apart: ["model"] }
  const none = { ...options, baseline: { augment: "none" } }
  return [
    { node: "sweep", value: compare(sweep, new Map(), options) },
    { node: "ablation", value: compare(ablation, new Map(), none) },
    { node: "ablation-once", value: compare(once, new Map(), none) },
  ]
}
