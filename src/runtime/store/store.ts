import { join } from "node:path"
import type { DatabaseSync } from "node:sqlite"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { BlobStore } from "./blobs.ts"
import { checkpoint, openDatabase } from "./database.ts"
import { storeFailure } from "./errors.ts"
import type { StoreDamaged, StoreError } from "./errors.ts"
import { ForgottenGuard } from "./forgotten-guard.ts"
import { FileDigests } from "./stamps.ts"
import { Traces } from "./traces.ts"

/** An open store. Its parts are synchronous and throw; effects come from `storeTry`. */
export interface OpenStore {
  readonly root: string
  readonly db: DatabaseSync
  readonly blobs: BlobStore
  readonly traces: Traces
  /** What the project at work asks to be forgotten: keeps it out of results. */
  readonly forgotten: ForgottenGuard
  readonly files: FileDigests
  /** A folder for scratch work, inside the store's own file system. */
  readonly temporary: string
  /** Makes all that this process has put and said durable, then seen by all: in one transaction, all of it or none. */
  readonly publish: () => void
  readonly close: () => void
}

/** Opens a store folder, creating it where needed. Any number of processes may have it open. */
export const openStore = (root: string): OpenStore => {
  const db = openDatabase(root)
  const blobs = new BlobStore(root, db)
  const traces = new Traces(db)
  const forgotten = new ForgottenGuard(db, blobs)
  const publish = (): void => {
    if (!traces.waiting) return blobs.flush()
    blobs.flush(() => traces.write())
    traces.written()
  }
  return {
    root,
    db,
    blobs,
    traces,
    forgotten,
    files: new FileDigests(db),
    temporary: join(root, "tmp"),
    publish,
    close: () => {
      // All is closed, whatever cannot be written any more.
      try {
        if (!blobs.broken) publish()
        if (!blobs.broken) forgotten.save()
      } finally {
        try {
          blobs.close()
        } finally {
          checkpoint(db)
          db.close()
        }
      }
    },
  }
}

/** The store of this process. */
export class Store extends Context.Service<Store, OpenStore>()("facet/runtime/Store") {
  /** Opens the store for as long as the layer lives. */
  static readonly layer = (root: string): Layer.Layer<Store, StoreError | StoreDamaged> =>
    Layer.effect(
      Store,
      Effect.acquireRelease(
        storeTry(`open the store ${root}`, () => openStore(root)),
        (store, exit) => {
          const closed = storeTry("keep what was computed", () => store.close())
          // After a failure the store may well not be able to write, and why has been told.
          return Exit.isFailure(exit) ? Effect.ignore(closed) : Effect.orDie(closed)
        },
      ),
    )
}

/** A store operation as an effect: whatever it throws is a typed error. */
export const storeTry = <A>(operation: string, body: () => A): Effect.Effect<A, StoreError | StoreDamaged> =>
  Effect.try({ try: body, catch: (cause) => storeFailure(operation, cause) })
