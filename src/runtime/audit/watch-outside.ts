import child from "node:child_process"
import dgram from "node:dgram"
import dns from "node:dns"
import http from "node:http"
import https from "node:https"
import { registerHooks } from "node:module"
import net from "node:net"
import { join, sep } from "node:path"
import tls from "node:tls"
import { fileURLToPath } from "node:url"
import threads from "node:worker_threads"
import { packageRoot } from "../package-root.ts"
import { packageOfFile } from "./frames.ts"
import { precede, precedeNew, replace } from "./patch.ts"
import type { Note } from "./recorder.ts"

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** The host that a call of the network modules names, as far as it says so. */
const hostOf = (args: ReadonlyArray<unknown>): string => {
  const [first, second] = args
  if (first instanceof URL) return first.host
  if (typeof first === "string") return URL.parse(first)?.host ?? first
  if (typeof first === "number") return `${typeof second === "string" ? second : "localhost"}:${first}`
  if (isRecord(first) && typeof first["url"] === "string")
    return URL.parse(first["url"])?.host ?? first["url"]
  if (!isRecord(first)) return "a host"
  const text = (...names: ReadonlyArray<string>): string | undefined =>
    names.map((name) => first[name]).find((value) => typeof value === "string")
  const port = first["port"]
  const host = text("hostname", "host", "servername", "path") ?? "localhost"
  return typeof port === "number" || typeof port === "string" ? `${host}:${port}` : host
}

/** Hosts and name servers. */
export const watchNetwork = (note: Note): void => {
  const see = (module: object, ...names: ReadonlyArray<string>): void => {
    for (const name of names) precede(module, name, (args, wrapper) => note("network", hostOf(args), wrapper))
  }
  see(globalThis, "fetch")
  see(net, "connect", "createConnection")
  see(tls, "connect")
  see(http, "request", "get")
  see(https, "request", "get")
  const lookups = Object.keys(dns).filter((name) => /^(lookup|resolve|reverse)/u.test(name))
  see(dns, ...lookups)
  see(dns.promises, ...lookups)
  precede(net.Socket.prototype, "connect", (args, wrapper) =>
    note("network", hostOf(Array.isArray(args[0]) ? args[0] : args), wrapper),
  )
  precede(dgram.Socket.prototype, "send", (_, wrapper) => note("network", "datagrams", wrapper))
}

/** Other programs and threads, whose reads nobody here can see. */
export const watchPrograms = (note: Note): void => {
  for (const name of ["spawn", "spawnSync", "exec", "execSync", "execFile", "execFileSync", "fork"]) {
    precede(child, name, ([command], wrapper) => note("process", String(command), wrapper))
  }
  replace(
    threads,
    "Worker",
    precedeNew(threads.Worker, ([file], trap) =>
      note("process", `a thread of ${file instanceof URL ? file.href : String(file).slice(0, 200)}`, trap),
    ),
  )
}

const ENGINE = ["src", "dist"].map((folder) => join(packageRoot, folder))

/**
 * Modules that a plugin's code loads although they are neither installed nor, maybe, covered by a fingerprint: a path
 * put together while the program runs. `loaded` is told of the file and of who asked for it.
 */
export const watchModules = (loaded: (file: string, by: string) => void): void => {
  registerHooks({
    resolve: (specifier, context, next) => {
      const found = next(specifier, context)
      const { parentURL } = context
      if (parentURL?.startsWith("file:") !== true || !found.url.startsWith("file:")) return found
      const [file, by] = [fileURLToPath(found.url), fileURLToPath(parentURL)]
      const isEngines = [file, by].some((path) => ENGINE.some((folder) => path.startsWith(folder + sep)))
      if (!isEngines && packageOfFile(file) === undefined) loaded(file, by)
      return found
    },
  })
}
