/** One process of the hammer: `hammer.ts run|gc STORE SEED`, so many rounds; prints what went wrong. */
import { collect } from "../../../src/runtime/store/collect.ts"
import { StoreError } from "../../../src/runtime/store/errors.ts"
import { openStore } from "../../../src/runtime/store/store.ts"
import { modelRun } from "./model-run.ts"

const [mode, root, seed, rounds] = [
  process.argv[2],
  process.argv[3],
  Number(process.argv[4]),
  Number(process.argv[5]),
]

/** mulberry32 */
let state = seed
const random = (below: number): number => {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) % below
}

for (let round = 0; round < rounds; round++) {
  const store = openStore(root)
  if (mode === "run") {
    const nodes = Array.from({ length: 1 + random(3) }, () => ({
      key: random(2),
      contents: [...new Set([random(6), random(6), random(6)])],
    }))
    const steps = modelRun(store, { type: random(2), nodes, dies: random(8) === 0 ? random(12) : 1000 })
    while (steps.next().done !== true);
  } else {
    try {
      collect(store, { keepRuns: random(2), keepMs: 0, dryRun: false, now: Date.now() })
    } catch (error) {
      if (!(error instanceof StoreError) || !/another collection|all the time/u.test(error.message))
        throw error
    }
  }
  store.close()
}
