/** What the floors above use of the engine, in one place. */
export { plan, type PlanOptions } from "./plan/plan.ts"
export { reasonText, reasonsText } from "./plan/reason.ts"
export { knownNames, MissingFiles, selectNodes, UnknownNode } from "./plan/select.ts"
export { loadPlugin, PluginError } from "./plugins.ts"
export { Executor, TaskFailed, WorkerDied } from "./run/executor.ts"
export { run, type RunOptions } from "./run/run.ts"
export { StoreDamaged, StoreError } from "./store/errors.ts"
export { Store, storeTry, type OpenStore } from "./store/store.ts"
