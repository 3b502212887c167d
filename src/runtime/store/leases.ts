import { processState, processToken } from "../process-token.ts"
import { transaction } from "./database.ts"
import { nextEpoch } from "./epoch.ts"
import type { OpenStore } from "./store.ts"

/** A lease of another machine that has not been renewed for this long belongs to a process that is gone. */
const STALE = 60_000
/** The lease of the collector: it is no run, and there is one at a time. */
const COLLECTOR = "collector"

/** A run that is under way. */
export interface Lease {
  readonly id: string
  /** What was put into the store in this epoch or later may be in use by the run. */
  readonly epoch: number
  /** What the run may look up: `resultsOf` its node types, `previousOf` its pipeline. */
  readonly scope: ReadonlySet<string>
}

/** Scope: results of a node type of one fingerprint. */
export const resultsOf = (node: { readonly uses: string; readonly fingerprint: string }): string =>
  `type ${node.uses} ${node.fingerprint}`
/** Scope: the newest results of the nodes of a pipeline, of whatever key. */
export const previousOf = (pipeline: string): string => `pipeline ${pipeline}`

const isLive = (row: Readonly<Record<string, unknown>>, now: number): boolean => {
  const state = processState(String(row["owner"]))
  return state === "unknown" ? Number(row["beat"]) > now - STALE : state === "live"
}

/** Runs that are under way: of this machine as long as their process is there, of another as long as they say so. */
export const liveLeases = (store: OpenStore, now: number): ReadonlyArray<Lease> =>
  store.db
    .prepare("SELECT id, beat, owner, epoch, scope FROM leases WHERE id <> ?")
    .all(COLLECTOR)
    .filter((row) => isLive(row, now))
    .map((row) => ({
      id: String(row["id"]),
      epoch: Number(row["epoch"]),
      scope: new Set(String(row["scope"]).split("\n")),
    }))

const insert = (store: OpenStore, id: string, scope: ReadonlyArray<string>): number => {
  const epoch = nextEpoch(store.db)
  store.db
    .prepare("INSERT INTO leases (id, pid, beat, owner, epoch, scope) VALUES (?, ?, ?, ?, ?, ?)")
    .run(id, process.pid, Date.now(), processToken(), epoch, [...new Set(scope)].join("\n"))
  return epoch
}

/** Takes a lease in a new epoch, and clears away those of processes that are gone. */
export const takeLease = (store: OpenStore, id: string, scope: ReadonlyArray<string>): void => {
  const now = Date.now()
  transaction(store.db, () => {
    const drop = store.db.prepare("DELETE FROM leases WHERE id = ?")
    for (const row of store.db.prepare("SELECT id, beat, owner FROM leases").all())
      if (!isLive(row, now)) drop.run(String(row["id"]))
    insert(store, id, scope)
  })
}

export const renewLease = (store: OpenStore, id: string): void => {
  store.db.prepare("UPDATE leases SET beat = ? WHERE id = ?").run(Date.now(), id)
}

export const dropLease = (store: OpenStore, id: string): void => {
  store.db.prepare("DELETE FROM leases WHERE id = ?").run(id)
}

/** Begins a collection: gives its epoch, or undefined where another one is under way. */
export const beginCollection = (store: OpenStore, now: number): number | undefined =>
  transaction(store.db, () => {
    const other = store.db.prepare("SELECT beat, owner FROM leases WHERE id = ?").get(COLLECTOR)
    if (other !== undefined && isLive(other, now)) return undefined
    dropLease(store, COLLECTOR)
    return insert(store, COLLECTOR, [])
  })

/** Says that the collection goes on. */
export const renewCollection = (store: OpenStore): void => renewLease(store, COLLECTOR)
export const endCollection = (store: OpenStore): void => dropLease(store, COLLECTOR)
