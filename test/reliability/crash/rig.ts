import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { packageRoot } from "../../../src/runtime/package-root.ts"
import { memoryFolder } from "../counts.ts"
import type { Fault } from "../faults/preload.ts"

const PRELOAD = pathToFileURL(join(import.meta.dirname, "..", "faults", "preload.ts")).href
const DAG = join(packageRoot, "bin", "dag")

export interface Answer {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a finished run gave, by node and port, and the files it laid out. */
export interface Results {
  readonly digests: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly report: Readonly<Record<string, string>>
}

/** Parameters of a run of the crash project: a generation of its results. */
export interface Generation {
  readonly count: number
  readonly shade: number
}
const setting = ({ count, shade }: Generation): ReadonlyArray<string> => [
  "--set",
  `params.count=${count}`,
  "--set",
  `params.shade=${shade}`,
]

const sha = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** All files below a folder with their digests, hidden ones left out. */
const filesIn = (folder: string): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {}
  const walk = (at: string, as: string): void => {
    for (const name of readdirSync(at)) {
      if (name.startsWith(".")) continue
      if (statSync(join(at, name)).isDirectory()) walk(join(at, name), `${as}${name}/`)
      else found[`${as}${name}`] = sha(readFileSync(join(at, name)))
    }
  }
  if (existsSync(folder)) walk(folder, "")
  return found
}

/** A folder for the trials of a test file, with the crash project in it. */
export const crashRig = () => {
  const base = mkdtempSync(join(memoryFolder, "facet-crash-"))
  const project = join(base, "project")
  cpSync(join(import.meta.dirname, "project"), project, { recursive: true })
  mkdirSync(join(project, "node_modules"))
  symlinkSync(packageRoot, join(project, "node_modules", "facet"))
  let trials = 0

  const dag = (
    cache: string,
    args: ReadonlyArray<string>,
    options: { readonly fault?: Fault; readonly through?: ReadonlyArray<string> } = {},
  ) =>
    new Promise<Answer>((resolve) => {
      const [program, ...before] = [...(options.through ?? []), DAG]
      // A trial may have the project for itself, where the command changes it.
      const own = join(cache, "..", "project")
      const home = existsSync(own) ? own : project
      const child = spawn(
        program,
        [...before, "-f", join(home, "pipeline.yaml"), "--cache", cache, ...args],
        {
          stdio: ["ignore", "pipe", "pipe"],
          env: {
            PATH: process.env["PATH"],
            HOME: base,
            NO_COLOR: "1",
            NODE_DISABLE_COMPILE_CACHE: options.through === undefined ? undefined : "1",
            ...(options.fault === undefined
              ? {}
              : { NODE_OPTIONS: `--import=${PRELOAD}`, FACET_FAULT: JSON.stringify(options.fault) }),
          },
        },
      )
      let [stdout, stderr] = ["", ""]
      child.stdout.on("data", (part: Buffer) => (stdout += part.toString()))
      child.stderr.on("data", (part: Buffer) => (stderr += part.toString()))
      child.on("close", (code) => resolve({ code, stdout, stderr }))
    })

  /** A command that has to succeed. */
  const undisturbed: typeof dag = async (...call) => {
    const answer = await dag(...call)
    if (answer.code === 0) return answer
    throw new Error(`dag ${call[1].join(" ")} ended with ${answer.code}: ${answer.stderr}`)
  }
  const run = async (cache: string, generation: Generation, jobs = 1): Promise<Results> => {
    const { stdout } = await undisturbed(cache, ["run", "--json", "-j", String(jobs), ...setting(generation)])
    return resultsOf(cache, stdout)
  }
  const resultsOf = (cache: string, stdout: string): Results => {
    const { nodes } = JSON.parse(stdout) as {
      readonly nodes: ReadonlyArray<{ id: string; outputs: Readonly<Record<string, { digest: string }>> }>
    }
    return {
      digests: Object.fromEntries(
        nodes.map(({ id, outputs }) => [
          id,
          Object.fromEntries(Object.entries(outputs).map(([port, { digest }]) => [port, digest])),
        ]),
      ),
      report: filesIn(join(cache, "out", "report")),
    }
  }

  return {
    base,
    project,
    dag,
    undisturbed,
    run,
    setting,
    /** A fresh folder for a trial, with a copy of a store in it; `root` holds all that may be written. */
    trial: (store?: string, ownProject = false) => {
      const folder = join(base, `trial-${trials++}`)
      const [cache, state] = [join(folder, "cache"), join(folder, "state")]
      mkdirSync(state, { recursive: true })
      if (store !== undefined) cpSync(store, cache, { recursive: true })
      if (ownProject) cpSync(project, join(folder, "project"), { recursive: true, verbatimSymlinks: true })
      return {
        cache,
        state,
        root: ownProject ? folder : cache,
        remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }),
      }
    },
    /** What `cache verify` finds wrong with a store. */
    faults: async (cache: string): Promise<ReadonlyArray<string>> => {
      if (!existsSync(cache)) return []
      const { code, stdout, stderr } = await dag(cache, ["cache", "verify", "--json"])
      return code === 0 ? [] : [`verify ended with ${code}: ${stderr} ${stdout.slice(0, 600)}`]
    },
    /** The nodes that a run of this generation would compute. */
    planned: async (cache: string, generation: Generation): Promise<ReadonlyArray<string>> => {
      const { stdout } = await dag(cache, ["plan", "--json", ...setting(generation)])
      const { nodes } = JSON.parse(stdout) as {
        readonly nodes: ReadonlyArray<{ id: string; action: string }>
      }
      return nodes.filter(({ action }) => action !== "cached").map(({ id }) => id)
    },
    report: (cache: string) => filesIn(join(cache, "out", "report")),
    resultsOf,
    dispose: () => rmSync(base, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  }
}
export type CrashRig = ReturnType<typeof crashRig>

/** The operations that each process of a command did, as the preload wrote them down. */
export const operationsOf = (state: string): Readonly<Record<string, ReadonlyArray<string>>> =>
  Object.fromEntries(
    readdirSync(state)
      .filter((name) => name.endsWith(".log"))
      .map((name) => [
        name.slice(0, -".log".length),
        readFileSync(join(state, name), "utf8").split("\n").slice(0, -1),
      ]),
  )

/** Does things two at a time. */
export const inPairs = async <A>(all: ReadonlyArray<A>, body: (one: A) => Promise<void>): Promise<void> => {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < all.length) await body(all[next++])
  }
  await Promise.all([lane(), lane()])
}

/** Every k-th of a list, spread over all of it, at most so many; all of it in the long run. */
export const sample = <A>(all: ReadonlyArray<A>, most: number): ReadonlyArray<A> => {
  if (all.length <= most) return all
  return Array.from({ length: most }, (_, at) => all[Math.floor(((at + 0.5) * all.length) / most)])
}

/** Whether strace works here: it may be missing, or tracing forbidden. */
export const hasStrace: boolean =
  spawnSync("strace", ["-f", "-qq", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "true"]).status === 0

/** The files of SQLite in a store. */
const INDEX_FILES = ["store.db", "store.db-wal", "store.db-shm"]

/** A command line of strace that sees what is done to the index of a store and nothing else. */
export const tracing = (cache: string, options: ReadonlyArray<string>): ReadonlyArray<string> => [
  "strace",
  "-f",
  "-qq",
  ...INDEX_FILES.flatMap((name) => ["-P", join(cache, name)]),
  ...options,
]

/** From what strace wrote: how often each call came, the most that one process did, since strace counts by process. */
export const systemCalls = (log: string): ReadonlyMap<string, number> => {
  const times = new Map<string, number>()
  for (const line of log.split("\n")) {
    const match = /^(\d+) +(\w+)\(/u.exec(line)
    if (match !== null) times.set(match[0], (times.get(match[0]) ?? 0) + 1)
  }
  const most = new Map<string, number>()
  for (const [key, count] of times) {
    const call = /(\w+)\($/u.exec(key)![1]
    most.set(call, Math.max(count, most.get(call) ?? 0))
  }
  return most
}
