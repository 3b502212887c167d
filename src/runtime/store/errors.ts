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

/** Turns whatever a store operation threw into a typed error. */
export const storeFailure = (operation: string, cause: unknown): StoreError | StoreDamaged => {
  if (cause instanceof StoreDamaged || cause instanceof StoreError) return cause
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
