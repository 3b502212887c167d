/**
 * Memory that the training and its threads share: a ring of finished batches, and counters that say which are made and
 * which are used. Threads claim steps one by one and write each into place `step % slots`, once the batch that stood
 * there is used; the training takes them in order. No messages: the training's thread is blocked while the engine
 * computes, and batches go on being made.
 */
export interface Ring {
  /** Three numbers and one for each place: see NEXT, USED, ENDED, FIRST. */
  readonly control: Int32Array<SharedArrayBuffer>
  readonly slots: ReadonlyArray<Float32Array<SharedArrayBuffer>>
  /** The first step, and the one after the last. */
  readonly from: number
  readonly to: number
}

/** The next step that nobody has claimed. */
export const NEXT = 0
/** Steps before this one are used: their places are free. */
export const USED = 1
/** 1 when the threads are to end. */
export const ENDED = 2
/** From here, per place: the step after the one whose batch stands there; −1 where a thread failed. */
export const FIRST = 3

/** A ring of `count` places of `length` numbers. */
export const makeRing = (count: number, length: number, from: number, to: number): Ring => {
  const control = new Int32Array(new SharedArrayBuffer(4 * (FIRST + count)))
  control[NEXT] = from
  control[USED] = from
  const slots = Array.from({ length: count }, () => new Float32Array(new SharedArrayBuffer(4 * length)))
  return { control, slots, from, to }
}

/** Claims the next step and waits until its place is free; undefined when there is no more to do. For threads. */
export const claim = ({ control, slots, to }: Ring): number | undefined => {
  const step = Atomics.add(control, NEXT, 1)
  if (step >= to) return undefined
  for (;;) {
    const used = Atomics.load(control, USED)
    if (Atomics.load(control, ENDED) === 1) return undefined
    if (step < used + slots.length) return step
    Atomics.wait(control, USED, used)
  }
}

/** Says that the batch of a step stands in its place, or that it cannot be made. */
export const finish = ({ control, slots }: Ring, step: number, failed = false): void => {
  const place = FIRST + (step % slots.length)
  Atomics.store(control, place, failed ? -1 : step + 1)
  Atomics.notify(control, place)
}

/** Waits until the batch of a step is there; false when the thread that was to make it failed. */
export const arrived = async ({ control, slots }: Ring, step: number): Promise<boolean> => {
  const place = FIRST + (step % slots.length)
  for (;;) {
    const now = Atomics.load(control, place)
    if (now === -1) return false
    if (now === step + 1) return true
    await Atomics.waitAsync(control, place, now).value
  }
}

/** Wakes the one that waits for a batch which will not come. */
export const giveUp = (ring: Ring, step: number): void => finish(ring, step, true)

/** Frees the place of a step. Steps are used in order. */
export const release = ({ control }: Ring, step: number): void => {
  Atomics.store(control, USED, step + 1)
  Atomics.notify(control, USED)
}

/** Tells all threads to end. */
export const end = ({ control }: Ring): void => {
  Atomics.store(control, ENDED, 1)
  // A thread that has just looked and is about to wait for USED to change finds it changed.
  Atomics.store(control, USED, 2 ** 31 - 1)
  Atomics.notify(control, USED)
}
