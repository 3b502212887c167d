import { mkdirSync } from "node:fs"
import { join } from "node:path"
import type { NodeContext } from "../context.ts"
import { isStoreTrouble, storeFailure, type StoreDamaged, type StoreError } from "../store/errors.ts"
import { captureFiles } from "../store/files.ts"
import { removeTree } from "../store/remove-tree.ts"
import type { OpenStore } from "../store/store.ts"
import { recallOf } from "./recall.ts"
import { maskerOf, requireSecrets } from "./secrets.ts"
import type { MapTask, RunTask, TaskHooks } from "./task.ts"

/** Gives an implementation its context for as long as `body` takes; scratch folders go with it. */
export const withContext = async <A>(
  store: OpenStore,
  task: MapTask | RunTask,
  hooks: TaskHooks,
  body: (context: NodeContext, folder: () => Promise<string>, isTroubled: () => boolean) => Promise<A>,
): Promise<A> => {
  const made: Array<string> = []
  // A store that fails is nobody's bad item: the task fails, whatever the implementation makes of the error.
  let trouble: StoreError | StoreDamaged | undefined
  const guard = async <B>(operation: string, use: () => B | Promise<B>): Promise<B> => {
    try {
      return await use()
    } catch (error) {
      if (isStoreTrouble(error)) trouble ??= storeFailure(operation, error)
      throw error
    }
  }
  const guardNow = (operation: string, use: () => void): void => {
    try {
      use()
    } catch (error) {
      trouble ??= storeFailure(operation, error)
      throw error
    }
  }
  const folder = (): Promise<string> =>
    guard("make a scratch folder", () => {
      const path = join(store.temporary, `${process.pid}-${crypto.randomUUID()}`)
      mkdirSync(path, { recursive: true })
      made.push(path)
      return path
    })
  if (task.forgotten !== undefined) store.forgotten.use(task.forgotten)
  const mask = maskerOf(task.secrets)
  const recall = task.kind === "run" ? recallOf(store, task) : undefined
  let scratch: Promise<string> | undefined
  const context: NodeContext = {
    seed: task.seed,
    blobs: {
      get: (ref) => guard("read a blob", () => store.blobs.get(ref.$blob)),
      put: (bytes, media) => guard("keep a blob", () => store.blobs.put(bytes, media)),
      putFile: (path, media) => guard("keep a file", () => store.blobs.putFile(path, media)),
      copyTo: (ref, path) => guard("lay out a blob", () => store.blobs.copyTo(ref.$blob, path)),
    },
    scratch: () => (scratch ??= folder()),
    files: task.files,
    secrets: task.secrets,
    log: (line) => hooks.log(mask(line)),
    warn: (message) =>
      hooks.warn === undefined ? hooks.log(`WARNING: ${mask(message)}`) : hooks.warn(mask(message)),
    capture: (path, options) =>
      guard("keep files", () =>
        captureFiles(store.blobs, path, {
          ...options,
          signal: hooks.signal,
          ...(Object.values(task.files).includes(path) ? { stamps: store.files } : {}),
        }),
      ),
    recall:
      recall === undefined
        ? { get: () => undefined, put: () => {}, flush: () => {} }
        : { ...recall, flush: () => guardNow("keep parts of the work", () => recall.flush()) },
    progress: hooks.progress,
    signal: hooks.signal,
    granted: task.granted,
    ...(hooks.undeclared === undefined || task.watch === undefined
      ? {}
      : {
          audit: {
            root: task.watch.root,
            undeclared: (read) => hooks.undeclared?.({ ...read, times: 1 }),
          },
        }),
  }
  try {
    requireSecrets(task.params, task.secrets)
    const result = await body(context, folder, () => trouble !== undefined)
    if (trouble !== undefined) throw trouble
    recall?.save()
    return result
  } catch (error) {
    throw masked(trouble ?? error, mask)
  } finally {
    await Promise.all(made.map(removeTree))
  }
}

/** The same error; where its message tells a secret, one without it. */
const masked = (error: unknown, mask: (text: string) => string): unknown => {
  if (!(error instanceof Error) || mask(error.message) === error.message) return error
  return new Error(mask(error.message))
}
