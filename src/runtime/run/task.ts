import type { AmbientKind, AmbientRead } from "../../schema/audit.ts"
import type { InputRecord, OutputRecord } from "../../schema/trace.ts"
import type { CatalogueEntry } from "../catalogue.ts"
import type { ItemResult } from "../store/traces.ts"
import type { OpenPort } from "./open-ports.ts"

/** Says to a worker that the task is watched, and what it may read. */
export interface Watch {
  /** The folder of the project. */
  readonly root: string
  /** Absolute paths of the modules that the node's fingerprint covers. */
  readonly modules: ReadonlyArray<string>
  /** What the node type reads of the world by design. */
  readonly ambient: ReadonlyArray<AmbientKind>
}

/** What every task needs; plain data, so that it can cross to a worker process. */
interface TaskBase {
  readonly uses: string
  readonly fingerprint: string
  /** What the store remembers from before this time (Unix ms) is not to be used. */
  readonly since: number
  readonly origin: CatalogueEntry["origin"]
  readonly params: Readonly<Record<string, unknown>>
  readonly secrets: Readonly<Record<string, string>>
  readonly seed: number
  /** Absolute paths by name. */
  readonly files: Readonly<Record<string, string>>
  /** The folder of a project that has removal requests. */
  readonly forgotten?: string
  readonly granted: { readonly cpu: number; readonly net: number; readonly gpu: number }
  readonly watch?: Watch
}

/** Some items of a mapping node. */
export interface MapTask extends TaskBase {
  readonly kind: "map"
  readonly items: ReadonlyArray<Readonly<Record<string, unknown>>>
  /** How many items at a time. */
  readonly concurrency: number
}

/** A whole-input node. */
export interface RunTask extends TaskBase {
  readonly kind: "run"
  readonly inputs: {
    readonly [port: string]: ReadonlyArray<InputRecord>
  }
  /** Input ports that the document named. */
  readonly open?: Readonly<Record<string, OpenPort>>
  /** Artifact type names by port, as resolved in the graph. */
  readonly outputs: {
    readonly [port: string]: { readonly type: string; readonly requires: ReadonlyArray<string> }
  }
}

export type Task = MapTask | RunTask

/** How one item ended. */
export type ItemOutcome =
  | { readonly ok: true; readonly result: ItemResult }
  | { readonly ok: false; readonly error: string }

/** What a task tells while it runs. */
export interface TaskHooks {
  readonly log: (line: string) => void
  /** Something a person should see although the node goes on; a line of the log where nobody takes it. */
  readonly warn?: (message: string) => void
  readonly progress: (done: number, total: number, note?: string) => void
  /** Items that are finished and whose blobs are durable. */
  readonly items: (outcomes: ReadonlyArray<readonly [index: number, outcome: ItemOutcome]>) => void
  readonly signal: AbortSignal
  /** Watched tasks: something was read that nobody declared. */
  readonly undeclared?: (read: AmbientRead) => void
}

export type Outputs = { readonly [port: string]: OutputRecord }
