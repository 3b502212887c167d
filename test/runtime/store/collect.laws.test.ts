import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { collect, collecting } from "../../../src/runtime/store/collect.ts"
import { StoreError } from "../../../src/runtime/store/errors.ts"
import { openStore, type OpenStore } from "../../../src/runtime/store/store.ts"
import { readTable } from "../../../src/runtime/store/tables.ts"
import { verify } from "../../../src/runtime/store/verify.ts"
import { modelRun, type RunSketch } from "./model-run.ts"

interface GcSketch {
  readonly keepRuns: number
  readonly old: boolean
  readonly quota: number | undefined
}

function* modelGc(store: OpenStore, { keepRuns, old, quota }: GcSketch): Generator<void, void> {
  try {
    yield* collecting(store, {
      keepRuns,
      keepMs: old ? 500 : 0,
      ...(quota === undefined ? {} : { quota }),
      dryRun: false,
      now: Date.now(),
    })
  } catch (error) {
    if (!(error instanceof StoreError) || !error.message.includes("another collection")) throw error
  }
}

// Small, so that runs meet what earlier ones left, and mostly collections that keep nothing for its age.
const runSketch: fc.Arbitrary<RunSketch> = fc.record({
  type: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) }),
  nodes: fc.array(
    fc.record({ key: fc.nat(1), contents: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }) }),
    { minLength: 1, maxLength: 3 },
  ),
  dies: fc.oneof({ weight: 5, arbitrary: fc.constant(1000) }, { weight: 1, arbitrary: fc.nat(12) }),
})
const gcSketch: fc.Arbitrary<GcSketch> = fc.record({
  keepRuns: fc.constantFrom(0, 0, 0, 1, 2),
  old: fc.constantFrom(false, false, true),
  quota: fc.constantFrom(undefined, undefined, 300, 2000),
})

describe("collections among runs, whatever the order of their steps", () => {
  it("leave nothing dangling, take nothing that is in use, and free all that is not", () => {
    // In memory where it can be: nothing here is about what a disk keeps.
    const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "facet-gc-"))
    let n = 0
    try {
      fc.assert(
        fc.property(
          fc.array(runSketch, { minLength: 1, maxLength: 2 }),
          fc.array(runSketch, { minLength: 1, maxLength: 3 }),
          fc.array(gcSketch, { minLength: 1, maxLength: 2 }),
          fc.infiniteStream(fc.nat(59)),
          (before, running, collections, choices) => {
            const root = join(folder, String(n++))
            const act = (begin: (store: OpenStore) => Generator<void, void>) => {
              const store = openStore(root)
              return { store, steps: begin(store) }
            }
            for (const sketch of before) {
              const { store, steps } = act((store) => modelRun(store, sketch))
              while (steps.next().done !== true);
              store.close()
            }
            // Each has the store open as a process of its own would have it.
            const acting = [
              ...running.map((sketch) => act((store) => modelRun(store, sketch))),
              ...collections.map((sketch) => act((store) => modelGc(store, sketch))),
            ]
            for (const choice of choices) {
              if (acting.length === 0) break
              const at = choice % acting.length
              if (acting[at].steps.next().done !== true) continue
              acting[at].store.close()
              acting.splice(at, 1)
            }
            const last = openStore(root)
            expect(verify(last, { repair: false }).problems).toEqual([])
            for (const trace of last.traces.all())
              void readTable(last.blobs, trace.outputs["out"].digest).rows
            const options = { keepRuns: 0, keepMs: -10_000, dryRun: false, now: Date.now() }
            collect(last, options)
            expect(last.db.prepare("SELECT COUNT(*) AS n FROM blobs").get()).toEqual({ n: 0 })
            expect(existsSync(join(root, "packs")) ? readdirSync(join(root, "packs")) : []).toEqual([])
            last.close()
            rmSync(root, { recursive: true, force: true })
          },
        ),
        {
          numRuns: Number(process.env["FACET_RUNS"] ?? (process.env["FACET_LONG"] === "1" ? 20_000 : 200)),
          seed: Number(process.env["FACET_SEED"] ?? 7),
        },
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }, 7_200_000)
})
