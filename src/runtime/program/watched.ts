import {
  accessSync,
  constants,
  createReadStream,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
} from "node:fs"
import { execFile } from "node:child_process"
import { homedir } from "node:os"
import { basename, delimiter, dirname, join, relative, sep } from "node:path"
import { createInterface } from "node:readline"
import type { AmbientRead } from "../../schema/audit.ts"
import { runProgram, type ProgramCall } from "./program.ts"
import { straceOptions, usesOf, type Use } from "./strace.ts"

/** This machine cannot show what programs read. */
export class CannotWatch extends Error {
  readonly _tag = "CannotWatch"
  override readonly name = "CannotWatch"
}

const within = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep)

const real = (path: string): string => {
  try {
    return realpathSync.native(path)
  } catch {
    return path
  }
}

const foldersOfPath = (): ReadonlyArray<string> =>
  (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder.startsWith("/"))

const findProgram = (name: string): string | undefined =>
  foldersOfPath()
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })

let strace: Promise<string> | undefined

/** The path of an strace that may trace here: some containers forbid it. */
const usableStrace = (): Promise<string> =>
  (strace ??= new Promise((resolve, reject) => {
    const path = findProgram("strace")
    if (path === undefined) {
      reject(new CannotWatch("what a program reads can be seen with strace, which is not installed"))
      return
    }
    execFile(path, ["-qq", "-o", "/dev/null", "true"], (error) => {
      if (error === null) resolve(path)
      else
        reject(
          new CannotWatch(
            `what a program reads cannot be seen: strace may not trace here (${error.message})`,
          ),
        )
    })
  }))

/** What a person's files are, where a program finds its own parts, and what is declared. */
export interface Bounds {
  /** The scratch folder: everything declared lies in it. */
  readonly folder: string
  readonly project: string
  readonly home: string
  /** Installations of programs, which are no inputs: those that folders of PATH belong to. */
  readonly tools: ReadonlyArray<string>
}

/** The bounds of a program of this process. */
export const boundsOf = (folder: string, project: string): Bounds => {
  const home = real(homedir())
  const root = real(project)
  const tools = foldersOfPath().flatMap((entry) => {
    const above = dirname(entry)
    const isInstallation =
      ["bin", "sbin", "shims"].includes(basename(entry)) && !within(home, above) && !within(root, above)
    return [entry, real(entry), ...(isInstallation ? [above, real(above)] : [])]
  })
  return { folder: real(folder), project: root, home, tools }
}

/** How many files of one folder are named; of more, the folder is. */
const NAMED = 4

/** What of a program's uses is undeclared: files of the project and of the user's home, and the network. */
export const undeclared = (
  uses: Iterable<Use>,
  bounds: Bounds,
): ReadonlyArray<Omit<AmbientRead, "times">> => {
  const { folder, project, home, tools } = bounds
  const files = new Set<string>()
  const others = new Map<string, Omit<AmbientRead, "times">>()
  for (const { kind, what } of uses) {
    if (kind === "network") others.set(what, { kind, what })
    else if (within(what, folder) || tools.some((tool) => within(what, tool))) continue
    // To look for oneself from above asks of folders only that they are there.
    else if (kind === "look" && (within(folder, what) || what === home || what === project)) continue
    else if (within(what, project) || within(what, home)) files.add(kind === "list" ? `${what}/` : what)
  }
  const shown = (path: string): string =>
    within(path, project) ? relative(project, path) || "." : `~/${relative(home, path)}`
  const folders = new Map<string, Array<string>>()
  for (const file of [...files].sort()) {
    // To list a folder is more than to ask whether it is there.
    if (files.has(`${file}/`)) continue
    const above = dirname(file)
    folders.set(above, [...(folders.get(above) ?? []), file])
  }
  const named = [...folders].flatMap(([above, inside]) =>
    inside.length <= NAMED
      ? inside.map((file) => (file.endsWith("/") ? `${shown(file.slice(0, -1))}/` : shown(file)))
      : [`${shown(above)}/* (${inside.length} files)`],
  )
  return [...named.map((what) => ({ kind: "file" as const, what })), ...others.values()]
}

/**
 * Runs a program under watch and tells what it used that nobody declared.
 * @throws CannotWatch where this machine has no means to
 */
export const runWatched = async (
  call: ProgramCall,
  audit: { readonly root: string; readonly undeclared: (read: Omit<AmbientRead, "times">) => void },
): Promise<void> => {
  const path = await usableStrace()
  const out = `${call.folder}.trace`
  mkdirSync(out)
  try {
    const argv = [path, ...straceOptions(join(out, "process")), "--", ...call.argv]
    try {
      await runProgram({ ...call, argv })
    } finally {
      const uses = await readUses(out, call.folder)
      for (const read of undeclared(uses, boundsOf(call.folder, audit.root))) audit.undeclared(read)
    }
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

/** What all processes used, nothing twice. */
const readUses = async (out: string, folder: string): Promise<ReadonlyArray<Use>> => {
  const found = new Map<string, Use>()
  for (const name of readdirSync(out)) {
    const lines: Array<string> = []
    for await (const line of createInterface({ input: createReadStream(join(out, name)) })) lines.push(line)
    for (const use of usesOf(lines, folder)) found.set(`${use.kind} ${use.what}`, use)
  }
  return [...found.values()]
}
