import { currentEpoch } from "./epoch.ts"
import { liveLeases, type Lease } from "./leases.ts"
import { Marks } from "./references.ts"
import { judge, namedByRuns, type Kept, type Policy } from "./retention.ts"
import type { OpenStore } from "./store.ts"

/** What a collection keeps for other reasons than that nobody asked for more. */
export interface KeptFor {
  /** Runs under way, and how many results are kept for them alone. */
  readonly inUse: { readonly runs: ReadonlyArray<string>; readonly results: number }
  /** Results kept for their age alone. */
  readonly recent: number
  /** With a quota: what kept runs name and was given up for it, and whether it could be held. */
  readonly quota?: {
    readonly bytes: number
    readonly held: boolean
    readonly givenUp: ReadonlyArray<{
      readonly node: string
      readonly pipeline: string
      readonly run: string
    }>
  }
}

/** What is kept, and what of the results is given up. */
export class Marking {
  readonly #store: OpenStore
  readonly #options: Policy & { readonly now: number }
  readonly marks: Marks
  readonly #marked = new Set<number>()
  leases: ReadonlyArray<Lease> = []
  dropped: ReadonlyArray<Kept> = []
  #kept: ReadonlyArray<Kept> = []
  #seen = ""
  #epoch = 0
  #holds = false

  constructor(store: OpenStore, options: Policy & { readonly now: number }) {
    this.#store = store
    this.#options = options
    this.marks = new Marks(store.blobs)
  }

  /** Decides and marks with what the store says now. What was marked before stays so. */
  look(): void {
    const { now } = this.#options
    // The epoch first: a lease taken between the two is looked at again.
    this.#epoch = currentEpoch(this.#store.db)
    this.leases = liveLeases(this.#store, now)
    this.#seen = this.#state()
    const named = namedByRuns(this.#store, this.#options, now)
    for (const log of named.logs) this.marks.blob(log)
    const all = judge(this.#store, this.#options, this.leases, now, named)
    const [kept, dropped] = [new Array<Kept>(), new Array<Kept>()]
    const order = this.#options.quota === undefined ? all : byWorth(all, this.marks)
    for (const result of order) {
      const keep = this.#marked.has(result.seq) || (result.tier !== "none" && this.#fits(result))
      if (keep) this.#mark(result)
      ;(keep ? kept : dropped).push(result)
    }
    this.#kept = kept
    this.dropped = dropped
  }

  /** Whether anything came in since the last look; cheap, within a transaction. A run that ended changes nothing. */
  get stale(): boolean {
    return this.runBegan || this.#state() !== this.#seen
  }

  #state(): string {
    const { db } = this.#store
    const traces = db.prepare("SELECT MAX(seq) AS seq FROM traces").get()
    const runs = db.prepare("SELECT COUNT(*) AS n FROM runs").get()
    return JSON.stringify([traces, runs, this.leases.map(({ id }) => id)])
  }

  #fits({ tier, roots }: Kept): boolean {
    const { quota } = this.#options
    if (quota === undefined || tier === "in-use") return true
    const fresh = roots.reduce((sum, root) => sum + this.marks.weigh(root).fresh, 0)
    return fresh === 0 || this.marks.bytes + fresh <= quota
  }

  #mark({ seq, roots, blobs }: Kept): void {
    if (this.#marked.has(seq)) return
    this.#marked.add(seq)
    for (const blob of blobs) this.marks.blob(blob)
    for (const root of roots) this.marks.artifact(root)
  }

  /** Results younger than this (Unix ms) are kept for their age. */
  get keepSince(): number {
    return this.#options.now - this.#options.keepMs
  }

  /** Whether a run began since the last look, be it that it has ended since: every lease begins an epoch. */
  get runBegan(): boolean {
    return currentEpoch(this.#store.db) !== this.#epoch
  }

  /** From now on results of items and chunks are kept: a run may have looked them up. */
  holdParts(): void {
    this.#epoch = currentEpoch(this.#store.db)
    this.#holds = true
  }
  get holdsParts(): boolean {
    return this.#holds || this.leases.length > 0
  }

  report(): KeptFor {
    const { quota } = this.#options
    const count = (tier: Kept["tier"]): number => this.#kept.filter((kept) => kept.tier === tier).length
    const givenUp = this.dropped.flatMap(({ tier, node, pipeline, run }) =>
      tier === "run" ? [{ node, pipeline, run: run ?? "" }] : [],
    )
    return {
      inUse: { runs: this.leases.map(({ id }) => id), results: count("in-use") },
      recent: count("recent"),
      ...(quota === undefined ? {} : { quota: { bytes: quota, held: this.marks.bytes <= quota, givenUp } }),
    }
  }
}

const TIERS: ReadonlyArray<Kept["tier"]> = ["in-use", "run", "recent", "none"]

/** By tier, and in it what costs most to compute again for each byte that keeping it takes first. */
const byWorth = (all: ReadonlyArray<Kept>, marks: Marks): ReadonlyArray<Kept> => {
  const worth = new Map(
    all.map((kept) => {
      const bytes = kept.roots.reduce((sum, root) => sum + marks.weigh(root).bytes, 0)
      return [kept, kept.ms / Math.max(1, bytes)]
    }),
  )
  return [...all].sort(
    (a, b) => TIERS.indexOf(a.tier) - TIERS.indexOf(b.tier) || worth.get(b)! - worth.get(a)! || b.seq - a.seq,
  )
}
