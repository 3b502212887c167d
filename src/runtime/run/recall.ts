import { digestOf, digestRecord, type Digest } from "../../schema/digest.ts"
import { canonical, type Json } from "../../schema/json.ts"
import type { Recall } from "../node.ts"
import type { OpenStore } from "../store/store.ts"
import type { ItemResult } from "../store/traces.ts"
import type { RunTask } from "./task.ts"

/** Parts that are written together. */
const TOGETHER = 512

/**
 * What a whole-input node remembers of its own work, under its code and what each part is made of. Parts from before
 * the task's `since` are not used: a forced node computes everything.
 */
export const recallOf = (
  store: OpenStore,
  task: Pick<RunTask, "uses" | "fingerprint" | "since">,
): Recall & { readonly save: () => void } => {
  const base = digestRecord("parts", { uses: task.uses, fingerprint: task.fingerprint })
  const keyOf = (name: string, of: Json): Digest => digestOf(`part\n${base}\n${name}\n${canonical(of)}`)
  const fresh = new Map<Digest, ItemResult>()
  const save = (): void => {
    if (fresh.size === 0) return
    // A part may name blobs, and what names one comes after it.
    store.blobs.flush()
    store.traces.addItems([...fresh], Date.now())
    fresh.clear()
  }
  return {
    get: (name, of) => {
      const key = keyOf(name, of)
      const result = fresh.get(key) ?? store.traces.item(key, task.since)?.result
      return result?.rows[0]?.["part"] as Json | undefined
    },
    put: (name, of, part) => {
      fresh.set(keyOf(name, of), { rows: [{ part }], rejected: [] })
      if (fresh.size >= TOGETHER) save()
    },
    flush: save,
    save,
  }
}
