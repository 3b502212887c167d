/**
 * The threads that make batches ahead of the training. This module is its own entry: in a thread that `batches.ts`
 * started it works until there is no more to do; elsewhere it only says where it is. It must import nothing heavy.
 */
import { parentPort, workerData } from "node:worker_threads"
import { batchMaker, type InputPlan } from "./batch.ts"
import { claim, finish, type Ring } from "./ring.ts"

/** What a thread is given. Pictures and ring are shared, not copied. */
export interface ThreadData {
  readonly facetInput: { readonly plan: InputPlan; readonly ring: Ring }
}

/** What a thread says when a batch cannot be made. */
export interface ThreadFailure {
  readonly step: number
  readonly name: string
  readonly message: string
}

/** Where this module is, in the sources or in a build. */
export const threadModule = import.meta.url

const isThreadData = (data: unknown): data is ThreadData =>
  typeof data === "object" && data !== null && "facetInput" in data

const work = ({ plan, ring }: ThreadData["facetInput"]): void => {
  const make = batchMaker(plan)
  for (let step = claim(ring); step !== undefined; step = claim(ring)) {
    try {
      make(step, ring.slots[step % ring.slots.length])
      finish(ring, step)
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error))
      parentPort?.postMessage({ step, name, message } satisfies ThreadFailure, [])
      finish(ring, step, true)
      return
    }
  }
}

if (parentPort !== null && isThreadData(workerData)) work(workerData.facetInput)
