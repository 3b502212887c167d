import { existsSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { isAlive } from "../process-alive.ts"
import { removeNow } from "./remove-tree.ts"
import type { OpenStore } from "./store.ts"

const WEEK = 7 * 24 * 3_600_000

/** Removes scratch folders and half-written files of processes that are gone. */
export const sweepTemporary = (store: OpenStore): number => {
  if (!existsSync(store.temporary)) return 0
  let swept = 0
  for (const name of readdirSync(store.temporary)) {
    const path = join(store.temporary, name)
    const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (isAlive(Number(name.split("-")[0])) && age < WEEK) continue
    removeNow(path)
    swept++
  }
  return swept
}
