import { totalmem } from "node:os"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Resources } from "../node.ts"

/** How much of each resource a run may use at a time. */
export interface PoolSizes {
  readonly cpu: number
  readonly gpu: number
  readonly net: number
  /** MiB */
  readonly memory: number
}

export const defaultPools = (jobs: number): PoolSizes => ({
  cpu: jobs,
  gpu: 1,
  net: 64,
  memory: Math.max(1, Math.floor((totalmem() * 0.9) / 2 ** 20)),
})

/** "4GB", "512MiB" or bytes, in MiB. */
export const parseMemory = (memory: number | string): number => {
  if (typeof memory === "number") return memory / 2 ** 20
  const match = /^\s*([\d.]+)\s*([KMGT]?)(i?)B?\s*$/iu.exec(memory)
  if (match === null) throw new Error(`memory: cannot read ${JSON.stringify(memory)} (say 4GB or 512MiB)`)
  const base = match[3] === "" ? 1000 : 1024
  return (Number(match[1]) * base ** ["", "K", "M", "G", "T"].indexOf(match[2].toUpperCase())) / 2 ** 20
}

/** What a node asks for, cut to what there is: a node never waits for more than the whole pool. */
export const granted = (asked: Resources, sizes: PoolSizes): PoolSizes => ({
  cpu: Math.min(Math.max(1, asked.cpu ?? 1), sizes.cpu),
  gpu: Math.min(asked.gpu ?? 0, sizes.gpu),
  net: Math.min(asked.net ?? 0, sizes.net),
  memory: Math.min(asked.memory === undefined ? 0 : Math.ceil(parseMemory(asked.memory)), sizes.memory),
})

export interface Pools {
  readonly sizes: PoolSizes
  /** Holds the permits while the effect runs; always taken in one order, so that two nodes never wait for each other. */
  readonly hold: (permits: PoolSizes) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const makePools = (sizes: PoolSizes): Pools => {
  const order = ["memory", "gpu", "net", "cpu"] as const
  const semaphores = Object.fromEntries(
    order.map((name) => [name, Semaphore.makeUnsafe(Math.max(1, sizes[name]))]),
  )
  return {
    sizes,
    hold: (permits) => (self) =>
      order.reduceRight(
        (inner, name) => (permits[name] === 0 ? inner : semaphores[name].withPermits(permits[name])(inner)),
        self,
      ),
  }
}
