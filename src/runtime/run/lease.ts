import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { isAlive } from "../process-alive.ts"
import { storeTry, type OpenStore } from "../store/store.ts"

const BEAT = 5_000
/** A lease that has not been renewed for this long belongs to a process that is gone. */
const STALE = 60_000

/** Runs of other processes that are under way, by their ids. */
export const liveLeases = (store: OpenStore, now: number): ReadonlyArray<string> =>
  store.db
    .prepare("SELECT id, pid FROM leases WHERE beat > ?")
    .all(now - STALE)
    .filter((row) => isAlive(Number(row["pid"])))
    .map((row) => String(row["id"]))

/** Says to the collector that the store is in use while the effect runs: nothing may be taken away meanwhile. */
export const withLease = <A, E, R>(store: OpenStore, id: string, self: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    storeTry("take a lease on the store", () => {
      store.db.prepare("DELETE FROM leases WHERE beat <= ?").run(Date.now() - STALE)
      store.db.prepare("INSERT INTO leases (id, pid, beat) VALUES (?, ?, ?)").run(id, process.pid, Date.now())
    }),
    () => {
      const beat = storeTry("renew the lease", () =>
        store.db.prepare("UPDATE leases SET beat = ? WHERE id = ?").run(Date.now(), id),
      ).pipe(Effect.ignore, Effect.repeat(Schedule.spaced(BEAT)))
      return Effect.raceFirst(self, Effect.andThen(beat, Effect.never))
    },
    () =>
      Effect.ignore(
        storeTry("give the lease back", () => store.db.prepare("DELETE FROM leases WHERE id = ?").run(id)),
      ),
  )
