import { spawn, type ChildProcess } from "node:child_process"
import type { Socket } from "node:net"

/** How a program ended: its exit code (128 + n after signal n, as shells say it), or why it has none. */
export type ProgramEnd = { readonly code: number } | { readonly lost: string }

export interface ProgramStart {
  /** The program and its arguments. */
  readonly argv: ReadonlyArray<string>
  readonly folder: string
  /** All of the program's environment besides PATH, LANG and TZ. */
  readonly environment: Readonly<Record<string, string>>
  /** A file, not there yet, that standard output and error go to. */
  readonly log: string
}

/** How long a program that is told to end may take for it, in ms. */
const GRACE = 2_000

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** The line that has a shell run a program, end what it left behind in its process group, and say how it ended. */
const lineOf = ({ argv, folder, environment, log }: ProgramStart): string => {
  const set = Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)} && `)
  const program = `cd ${quote(folder)} && unset OLDPWD && ${set.join("")}exec ${argv.map(quote).join(" ")}`
  return `( ${program} ) </dev/null >${quote(log)} 2>&1; s=$?; kill -TERM 0; echo $s\n`
}

/**
 * A shell that starts programs, one at a time, in a process group of its own. To fork this process costs a copy of
 * its page tables (1 ms at 45 MB, 9 ms at 250 MB) during which nothing else happens; to fork a shell costs little
 * and happens elsewhere.
 */
class Shell {
  readonly #child: ChildProcess
  #ended: ((end: ProgramEnd) => void) | undefined
  #lost: string | undefined
  #said = ""

  constructor() {
    this.#child = spawn("/bin/sh", [], {
      cwd: "/",
      env: { PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", TZ: "UTC" },
      detached: true,
      stdio: ["pipe", "pipe", "ignore"],
    })
    this.#child.on("error", (error) => this.#lose(`could not be started: ${error.message}`))
    this.#child.on("exit", (code, signal) =>
      this.#lose(signal === null ? `left with ${code}` : `was ended by ${signal}`),
    )
    this.#child.stdin!.on("error", () => this.#lose("does not listen any more"))
    this.#child.stdout!.setEncoding("utf8").on("data", (text: string) => this.#hear(text))
    this.#ref(false)
    // What ends the group of a program must not end the shell; programs get the default back.
    this.#child.stdin!.write("trap : TERM\n")
  }

  get usable(): boolean {
    return this.#lost === undefined
  }

  run(start: ProgramStart): Promise<ProgramEnd> {
    return new Promise((resolve) => {
      if (this.#lost !== undefined) return resolve({ lost: this.#lost })
      this.#ended = resolve
      this.#ref(true)
      this.#child.stdin!.write(lineOf(start))
    })
  }

  /** Asks the program, and all that it started, to end; after a while it is not asked any more. */
  interrupt(): void {
    this.#signal("SIGTERM")
    const timer = setTimeout(() => this.kill(), GRACE)
    this.#child.once("exit", () => clearTimeout(timer))
    const ended = this.#ended
    this.#ended = (end) => {
      clearTimeout(timer)
      ended?.(end)
    }
  }

  /** Ends the shell and everything in its process group at once. */
  kill(): void {
    this.#signal("SIGKILL")
  }

  #signal(name: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    try {
      process.kill(-pid, name)
    } catch {
      // The group is gone.
    }
  }

  #hear(text: string): void {
    this.#said += text
    const end = this.#said.indexOf("\n")
    if (end === -1) return
    const code = Number(this.#said.slice(0, end))
    this.#said = this.#said.slice(end + 1)
    this.#end({ code })
  }

  #lose(how: string): void {
    this.#lost ??= how
    this.#end({ lost: how })
  }

  #end(end: ProgramEnd): void {
    const ended = this.#ended
    this.#ended = undefined
    this.#ref(false)
    ended?.(end)
  }

  /** A shell that waits for work must not keep this process from ending: it ends when nobody can write to it. */
  #ref(busy: boolean): void {
    const parts = [this.#child, this.#child.stdin as Socket, this.#child.stdout as Socket]
    for (const part of parts) {
      if (busy) part.ref()
      else part.unref()
    }
  }
}

const idle: Array<Shell> = []
const busy = new Set<Shell>()
let watching = false

/** Programs never outlive this process, however it comes to its end (but for SIGKILL, which nobody hears). */
const killOnExit = (): void => {
  if (watching) return
  watching = true
  process.on("exit", () => {
    for (const shell of busy) shell.kill()
  })
}

/**
 * Runs a program to its end. When the signal is given, its whole process group is asked to end, and two seconds
 * later made to; the answer comes when it has.
 */
export const runInShell = async (start: ProgramStart, signal: AbortSignal): Promise<ProgramEnd> => {
  signal.throwIfAborted()
  killOnExit()
  let shell = idle.pop()
  while (shell !== undefined && !shell.usable) shell = idle.pop()
  const own = shell ?? new Shell()
  const interrupt = (): void => own.interrupt()
  busy.add(own)
  signal.addEventListener("abort", interrupt, { once: true })
  try {
    return await own.run(start)
  } finally {
    signal.removeEventListener("abort", interrupt)
    busy.delete(own)
    if (signal.aborted) own.kill()
    else if (own.usable) idle.push(own)
  }
}
