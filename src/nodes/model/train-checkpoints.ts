import { firstRateChange, type ScheduleBasis, scheduleOf } from "../../learning/schedule.ts"
import { bestEpoch, type Monitor, stoppedAfter } from "../../learning/selection.ts"
import { decodeState, encodeState, type TrainingState } from "../../learning/training-state.ts"
import type { NodeContext } from "../../runtime/node.ts"
import type { BlobRef } from "../../schema/blob.ts"
import type { Json } from "../../schema/json.ts"

/** The newest checkpoint of a training that was to have so many epochs. */
interface Entry {
  /** How many it was to have. */
  readonly epochs: number
  /** How many it had. */
  readonly epoch: number
  readonly state: BlobRef
  /** Whose weights are the best, where those are not of this very epoch. */
  readonly best?: { readonly epoch: number; readonly state: BlobRef }
}

/** Trainings that differ in their number of epochs alone and are remembered side by side. */
const TOGETHER = 3
const PART = "checkpoints"
const MEDIA = "application/x-safetensors"

export interface CheckpointOptions {
  /** All that the training depends on, but for its number of epochs and its patience. */
  readonly of: Json
  readonly basis: ScheduleBasis
  readonly monitor: Monitor
  readonly patience: number | undefined
  /** Epochs between two checkpoints; 0: none are kept. */
  readonly every: number
}

export interface Checkpoints {
  /** Where the training can go on. */
  readonly resume: TrainingState | undefined
  readonly save: (epoch: number, state: () => TrainingState) => Promise<void>
}

/** Whether an earlier training did up to its checkpoint what this one would: else, the first epoch that differs. */
const firstOther = (entry: Entry, basis: ScheduleBasis): number | undefined => {
  const [ours, theirs] = [scheduleOf(basis), scheduleOf({ ...basis, epochs: entry.epochs })]
  const step = firstRateChange(ours, theirs, entry.epoch * ours.stepsPerEpoch)
  return step === undefined ? undefined : Math.floor(step / ours.stepsPerEpoch) + 1
}

/**
 * Checkpoints of one training. They are parts that the node remembers: one list for all trainings that differ in
 * nothing but their number of epochs and their patience, with the newest checkpoint of each. A checkpoint is used
 * where every rate up to it is what this training has, so that going on gives what an uninterrupted training gives.
 */
export const openCheckpoints = async (
  context: Pick<NodeContext, "recall" | "blobs" | "log" | "warn">,
  options: CheckpointOptions,
): Promise<Checkpoints> => {
  const { of, basis, monitor, patience, every } = options
  const { recall, blobs } = context
  const entries = (): ReadonlyArray<Entry> => (recall.get(PART, of) ?? []) as unknown as ReadonlyArray<Entry>
  /** States that are in the store, by their epoch. */
  const stored = new Map<number, BlobRef>()

  const load = async (entry: Entry): Promise<TrainingState | undefined> => {
    const state = decodeState(await blobs.get(entry.state))
    const stopped = patience === undefined ? undefined : stoppedAfter(state.history, monitor, patience)
    if (stopped !== undefined && stopped < entry.epoch) return undefined
    stored.set(entry.epoch, entry.state)
    if (entry.best === undefined) return state
    stored.set(entry.best.epoch, entry.best.state)
    return { ...state, best: decodeState(await blobs.get(entry.best.state)).weights }
  }

  const find = async (): Promise<TrainingState | undefined> => {
    const known = entries()
    const usable = known.filter(
      (entry) => entry.epoch <= basis.epochs && firstOther(entry, basis) === undefined,
    )
    for (const entry of usable.toSorted((a, b) => b.epoch - a.epoch)) {
      const state = await load(entry)
      if (state === undefined) continue
      context.log(
        `goes on after epoch ${entry.epoch} of an earlier training` +
          (entry.epochs === basis.epochs ? "" : ` that was to have ${entry.epochs}`),
      )
      return state
    }
    for (const entry of known) {
      const other = firstOther(entry, basis)
      if (other !== undefined)
        context.warn(
          `an earlier training reached epoch ${entry.epoch} of ${entry.epochs} and cannot be continued: with ` +
            `${basis.epochs} epochs the ${basis.schedule.kind} schedule has other rates from epoch ${other} on. This one begins ` +
            `anew. Schedules that do not depend on the number of epochs can be continued: constant, plateau, and step with milestones`,
        )
    }
    return undefined
  }

  return {
    resume: every === 0 ? undefined : await find(),
    save: async (epoch, capture) => {
      if (every === 0 || (epoch % every !== 0 && epoch !== basis.epochs)) return
      const state = capture()
      const ref = await blobs.put(encodeState(state), MEDIA)
      let best: Entry["best"]
      const { best: weights, history } = state
      if (weights !== undefined) {
        const of = bestEpoch(history, monitor)?.epoch ?? epoch
        const known =
          stored.get(of) ?? (await blobs.put(encodeState({ history: [], weights, velocities: [] }), MEDIA))
        best = { epoch: of, state: known }
      }
      stored.clear()
      stored.set(epoch, ref)
      if (best !== undefined) stored.set(best.epoch, best.state)
      const entry: Entry = {
        epochs: basis.epochs,
        epoch,
        state: ref,
        ...(best === undefined ? {} : { best }),
      }
      const others = entries().filter(({ epochs }) => epochs !== basis.epochs)
      recall.put(PART, of, [entry, ...others].slice(0, TOGETHER) as unknown as Json)
      recall.flush()
    },
  }
}
