import { syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import type { AmbientRead } from "../../schema/audit.ts"
import type { Task, Watch } from "../run/task.ts"
import type { OpenStore } from "../store/store.ts"
import { Recorder } from "./recorder.ts"
import { watchFiles } from "./watch-files.ts"
import { watchModules, watchNetwork, watchPrograms } from "./watch-outside.ts"
import { watchClock, watchEnvironment, watchMachine, watchRandom } from "./watch-sources.ts"

/** Sees what the code of a task reads. */
export interface Auditor {
  /** From now on, what is read is read by this task. */
  readonly begin: (task: Task & { readonly watch: Watch }, store: OpenStore) => void
  /** What was read since it was last asked. */
  readonly take: () => ReadonlyArray<AmbientRead>
}

/**
 * Puts itself in front of everything through which JavaScript reads the world, in this process and for good. Modules
 * of Node that were imported before see it too. One process is for one node, so that whatever is read while it lives
 * (by a timer, a module's first load, a queue of a package) is that node's.
 */
export const installAuditor = (): Auditor => {
  // Before anything is watched: the system's own look-ups are done by then.
  process.setSourceMapsEnabled(true)
  const recorder = new Recorder()
  watchFiles(recorder.note)
  watchEnvironment(recorder.note)
  watchClock(recorder.note)
  watchRandom(recorder.note)
  watchMachine(recorder.note)
  watchNetwork(recorder.note)
  watchPrograms(recorder.note)
  watchModules(recorder.loaded)
  // Copies all of Node's exports, deprecated ones too, and would be told off for those.
  Object.assign(process, { noDeprecation: true })
  syncBuiltinESMExports()
  Object.assign(process, { noDeprecation: false })
  return {
    begin: (task, store) =>
      recorder.begin({
        ...task.watch,
        files: Object.values(task.files),
        scratch: [join(store.temporary, `${process.pid}-`)],
      }),
    take: () => recorder.take(),
  }
}
