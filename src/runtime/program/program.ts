import { LogTail } from "./log.ts"
import { runInShell, type ProgramStart } from "./shell.ts"

/** How often the log of a running program is read, in ms. */
const POLL = 100
/** Bytes of a log that are read at a time. */
const PIECE = 1 << 20

export interface ProgramCall extends ProgramStart {
  readonly tell: (line: string) => void
  readonly signal: AbortSignal
}

/** A program that did not end well. The message has the last lines of its log. */
export class ProgramFailed extends Error {
  readonly _tag = "ProgramFailed"
  override readonly name = "ProgramFailed"
}

/** Names of signals by number, as far as they are the same everywhere. */
const signals: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  6: "SIGABRT",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
}

const endText = (code: number): string => {
  const signal = signals[code - 128]
  return signal === undefined ? `exit code ${code}` : `exit code ${code} (${signal})`
}

/**
 * Runs a program to its end and tells its output line by line.
 * @throws ProgramFailed where it ended with anything but 0; the signal's reason where it was interrupted
 */
export const runProgram = async (call: ProgramCall): Promise<void> => {
  const log = new LogTail(call.log, call.tell)
  const timer = setInterval(() => log.read(PIECE), POLL)
  let end
  try {
    end = await runInShell(call, call.signal)
  } finally {
    clearInterval(timer)
    log.end()
  }
  call.signal.throwIfAborted()
  if ("code" in end && end.code === 0) return
  const how =
    "code" in end ? `ended with ${endText(end.code)}` : `has no end: the shell that ran it ${end.lost}`
  const words =
    log.last.length === 0
      ? "; it said nothing"
      : `; the last lines of its log:\n${log.last.map((line) => `  ${line}`).join("\n")}`
  throw new ProgramFailed(`the program ${how}${words}`)
}
