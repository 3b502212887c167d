import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { processState, processToken } from "../process-token.ts"
import { transaction } from "../store/database.ts"
import { nextEpoch } from "../store/epoch.ts"
import { storeTry, type OpenStore } from "../store/store.ts"

const BEAT = 5_000
/** A lease of another machine that has not been renewed for this long belongs to a process that is gone. */
const STALE = 60_000

/** A run that is under way. */
export interface Lease {
  readonly id: string
  /** What was put into the store in this epoch or later may be in use by the run. */
  readonly epoch: number
  /** Node types with their fingerprints (`scopeOf`): the run looks up no results of others. */
  readonly scope: ReadonlySet<string>
}

/** How a node type of one fingerprint is named in the scope of a lease. */
export const scopeOf = (node: { readonly uses: string; readonly fingerprint: string }): string =>
  `${node.uses} ${node.fingerprint}`

const isLive = (row: Readonly<Record<string, unknown>>, now: number): boolean => {
  const state = processState(String(row["owner"]))
  return state === "unknown" ? Number(row["beat"]) > now - STALE : state === "live"
}

/** Runs that are under way: of this machine as long as their process is there, of another as long as they say so. */
export const liveLeases = (store: OpenStore, now: number): ReadonlyArray<Lease> =>
  store.db
    .prepare("SELECT id, beat, owner, epoch, scope FROM leases")
    .all()
    .filter((row) => isLive(row, now))
    .map((row) => ({
      id: String(row["id"]),
      epoch: Number(row["epoch"]),
      scope: new Set(String(row["scope"]).split("\n")),
    }))

/** Takes a lease; `withLease` for effects. */
export const takeLease = (store: OpenStore, id: string, scope: ReadonlyArray<string>): void => {
  const now = Date.now()
  transaction(store.db, () => {
    const drop = store.db.prepare("DELETE FROM leases WHERE id = ?")
    for (const row of store.db.prepare("SELECT id, beat, owner FROM leases").all())
      if (!isLive(row, now)) drop.run(String(row["id"]))
    store.db
      .prepare("INSERT INTO leases (id, pid, beat, owner, epoch, scope) VALUES (?, ?, ?, ?, ?, ?)")
      .run(id, process.pid, now, processToken(), nextEpoch(store.db), [...new Set(scope)].join("\n"))
  })
}

export const dropLease = (store: OpenStore, id: string): void => {
  store.db.prepare("DELETE FROM leases WHERE id = ?").run(id)
}

/**
 * Says to the collector that the store is in use while the effect runs: what it puts, and results of the node types
 * of `scope`, are not taken away meanwhile.
 */
export const withLease = <A, E, R>(
  store: OpenStore,
  id: string,
  scope: ReadonlyArray<string>,
  self: Effect.Effect<A, E, R>,
) =>
  Effect.acquireUseRelease(
    storeTry("take a lease on the store", () => takeLease(store, id, scope)),
    () => {
      const beat = storeTry("renew the lease", () =>
        store.db.prepare("UPDATE leases SET beat = ? WHERE id = ?").run(Date.now(), id),
      ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(BEAT)))
      return Effect.raceFirst(self, Effect.andThen(beat, Effect.never))
    },
    () => Effect.ignore(storeTry("give the lease back", () => dropLease(store, id))),
  )
