import { Worker } from "node:worker_threads"
import type { Images } from "../images.ts"
import { batchLength, batchMaker, type InputPlan, placeOf, stepsPerEpoch } from "./batch.ts"
import { arrived, end, giveUp, makeRing, release } from "./ring.ts"
import type { ThreadData, ThreadFailure } from "./thread.ts"

/** A batch could not be made in a thread; the message says which and why. */
export class InputThreadError extends Error {
  readonly _tag = "InputThreadError"
  override readonly name = "InputThreadError"
}

/** The inputs of a training, step by step. */
export interface Batches {
  /** The normalised pixels of the next step, [batch, height, width, channels], in memory of their own. */
  readonly next: () => Promise<Float32Array>
  /** Ends the threads; afterwards nothing is left of them. */
  readonly close: () => Promise<void>
}

export interface BatchesOptions {
  /** The first step, and the one after the last; all epochs are counted through. */
  readonly from: number
  readonly to: number
  /**
   * Threads that make batches while the engine computes; 0: each is made when it is asked for. Without influence on
   * the result.
   */
  readonly workers: number
  /** Batches made ahead, at most: what is kept in memory beside the pictures. Default: one more than threads. */
  readonly ahead?: number | undefined
}

/** The same pictures in memory that threads can share; copied only where they lie elsewhere. */
export const shareImages = (images: Images): Images => {
  if (images.data.buffer instanceof SharedArrayBuffer) return images
  const data = new Uint8Array(new SharedArrayBuffer(images.data.length))
  data.set(images.data)
  return { ...images, data }
}

/**
 * Opens the input of a training. Threads and not processes: pictures and batches stay in shared memory and are never
 * sent, a killed training leaves no orphans, and no native code that could crash runs in them.
 * @throws InputThreadError (from `next`) with epoch and batch, when one cannot be made in a thread.
 */
export const openBatches = async (plan: InputPlan, options: BatchesOptions): Promise<Batches> =>
  options.workers < 1 ? inPlace(plan, options) : inThreads(plan, options)

const inPlace = (plan: InputPlan, { from }: BatchesOptions): Batches => {
  const make = batchMaker(plan)
  let step = from
  return {
    next: async () => make(step++, new Float32Array(batchLength(plan))),
    close: async () => {},
  }
}

const inThreads = async (plan: InputPlan, options: BatchesOptions): Promise<Batches> => {
  const { from, to, workers, ahead = workers + 1 } = options
  const ring = makeRing(Math.max(1, ahead), batchLength(plan), from, to)
  const facetInput = { plan: { ...plan, images: shareImages(plan.images) }, ring }
  // Not loaded with this module, so that a bundler keeps it apart: threads load it and what it imports, no more.
  const { threadModule } = await import("./thread.ts")
  const failures = new Map<number, string>()
  const state = { step: from, death: "", closing: false, tell: (): void => {} }
  const start = (): Worker => {
    const thread = new Worker(new URL(threadModule), {
      workerData: { facetInput } satisfies ThreadData,
      execArgv: [],
      name: "facet-input",
    })
    thread.on("message", ({ step, name, message }: ThreadFailure) => {
      failures.set(step, `${name}: ${message}`)
      state.tell()
    })
    const died = (how: string): void => {
      if (state.closing) return
      state.death ||= how
      giveUp(ring, state.step)
      state.tell()
    }
    thread.on("error", (error: unknown) => died(error instanceof Error ? error.message : String(error)))
    thread.on("exit", (code) => code !== 0 && died(`it ended with code ${code}`))
    return thread
  }
  const threads = Array.from({ length: Math.min(workers, to - from) }, start)
  const failure = async (): Promise<InputThreadError> => {
    const { step } = state
    while (!failures.has(step) && state.death === "")
      await new Promise<void>((resolve) => (state.tell = resolve))
    const steps = stepsPerEpoch(plan)
    const { epoch, index } = placeOf(step, steps)
    const { batchSize, images } = plan
    return new InputThreadError(
      `a thread could not make batch ${index + 1} of ${steps} of epoch ${epoch} (${batchSize} × ${images.height} × ` +
        `${images.width} × ${images.channels}; ${ring.slots.length} ahead): ${failures.get(step) ?? state.death}`,
    )
  }
  return {
    next: async () => {
      const { step } = state
      if (!(await arrived(ring, step))) throw await failure()
      // A copy: engines may look at their input later than they are given it.
      const batch = new Float32Array(ring.slots[step % ring.slots.length])
      release(ring, step)
      state.step++
      return batch
    },
    close: async () => {
      state.closing = true
      end(ring)
      await Promise.all(threads.map((thread) => thread.terminate()))
    },
  }
}
