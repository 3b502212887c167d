import * as Schema from "effect/Schema"

/** The store could not do what was asked: disk full, no permission, database locked for too long. */
export class StoreError extends Schema.TaggedError<StoreError>()("StoreError", {
  operation: Schema.String,
  message: Schema.String,
  cause: Schema.Defect(),
}) {}

/** What the store holds is not what was put into it. */
export class StoreDamaged extends Schema.TaggedError<StoreDamaged>()("StoreDamaged", {
  digest: Schema.String,
  message: Schema.String,
}) {}

/** What the machine says when it, and not what it was asked for, is the trouble. */
const MACHINE = new Set([
  "ENOSPC",
  "EDQUOT",
  "EIO",
  "EMFILE",
  "ENFILE",
  "EROFS",
  "ENOMEM",
  "ERR_SQLITE_ERROR",
])

/** Whether an error is the store's or the machine's: whoever met it by chance is not to blame. */
export const isStoreTrouble = (error: unknown): boolean =>
  error instanceof StoreDamaged ||
  error instanceof StoreError ||
  (error instanceof Error && "code" in error && MACHINE.has(String(error.code)))

/** SQLITE_CORRUPT and SQLITE_NOTADB: what the database file holds is no database, or not a whole one. */
export const isIndexDamage = (cause: unknown): cause is Error =>
  (cause instanceof Error && "errcode" in cause && [11, 26].includes(Number(cause.errcode) & 0xff)) ||
  (cause instanceof StoreDamaged && cause.digest === "store.db")

/** Turns whatever a store operation threw into a typed error. */
export const storeFailure = (operation: string, cause: unknown): StoreError | StoreDamaged => {
  if (cause instanceof StoreDamaged || cause instanceof StoreError) return cause
  if (isIndexDamage(cause))
    return new StoreDamaged({
      digest: "store.db",
      message: `${operation}: the index of the store is damaged (${cause.message}): \`dag cache verify --repair\` rebuilds it from what can still be read`,
    })
  const text = cause instanceof Error ? cause.message : String(cause)
  const code = typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""
  const advice =
    code === "ENOSPC"
      ? " (the disk is full: free some space, or `dag cache gc`; nothing was lost)"
      : code === "EACCES" || code === "EROFS"
        ? " (no permission to write the store: see --cache)"
        : ""
  return new StoreError({ operation, message: `${operation}: ${text}${advice}`, cause })
}
