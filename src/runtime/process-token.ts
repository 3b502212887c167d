import { createHash } from "node:crypto"
import { readFileSync, readlinkSync } from "node:fs"
import { hostname } from "node:os"
import { isAlive } from "./process-alive.ts"

const short = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 8)

const read = (path: string): string => {
  try {
    return readFileSync(path, "latin1")
  } catch {
    // Not Linux, or the process is gone.
    return ""
  }
}

const link = (path: string): string => {
  try {
    return readlinkSync(path)
  } catch {
    return ""
  }
}

/** When a process began, told apart from every other that had its number: boot and start time (proc(5), field 22). */
const began = (pid: number): string => {
  const stat = read(`/proc/${pid}/stat`)
  // The name of the program, in brackets, may hold anything.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return short(`${read("/proc/sys/kernel/random/boot_id")} ${fields[19] ?? ""}`)
}

let host: string | undefined
const thisHost = (): string => (host ??= short(`${hostname()} ${link("/proc/self/ns/pid")}`))

let own: string | undefined

/**
 * Names this process so that others can tell whether it still runs: machine, number and start. A number that another
 * process has got since is not mistaken for it.
 */
export const processToken = (): string => (own ??= `${thisHost()}.${process.pid}.${began(process.pid)}`)

/** `unknown`: a process of another machine or container, which cannot be asked from here. */
export const processState = (token: string): "live" | "dead" | "unknown" => {
  const [machine, number, start] = token.split(".")
  if (machine !== thisHost()) return "unknown"
  const pid = Number(number)
  return isAlive(pid) && began(pid) === start ? "live" : "dead"
}
