import * as Effect from "effect/Effect"
import { storeFailure, type StoreDamaged, type StoreError } from "./errors.ts"
import { ForgottenFileError } from "./forgotten.ts"
import type { OpenStore } from "./store.ts"

/** From now on what a project asks to be forgotten stays out of results. */
export const useForgotten = (
  store: OpenStore,
  project: string,
): Effect.Effect<void, ForgottenFileError | StoreError | StoreDamaged> =>
  Effect.try({
    try: () => store.forgotten.use(project),
    catch: (cause) =>
      cause instanceof ForgottenFileError ? cause : storeFailure("read the removal requests", cause),
  })
