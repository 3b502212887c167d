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
