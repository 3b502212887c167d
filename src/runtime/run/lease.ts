import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { dropLease, renewLease, takeLease } from "../store/leases.ts"
import { storeTry, type OpenStore } from "../store/store.ts"

const BEAT = "5 seconds"

/**
 * Says to the collector that the store is in use while the effect runs: what it puts, and the results that `scope`
 * names, are not taken away meanwhile.
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
      const beat = storeTry("renew the lease", () => renewLease(store, id)).pipe(
        Effect.ignore,
        Effect.repeat(Schedule.spaced(BEAT)),
      )
      return Effect.raceFirst(self, Effect.andThen(beat, Effect.never))
    },
    () => Effect.ignore(storeTry("give the lease back", () => dropLease(store, id))),
  )

export { liveLeases } from "../store/leases.ts"
