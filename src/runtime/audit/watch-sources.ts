import crypto from "node:crypto"
import os from "node:os"
import { performance } from "node:perf_hooks"
import { precede, precedeNew, replace, type Callable } from "./patch.ts"
import type { Note } from "./recorder.ts"

/** What the engine sets to the same for every worker: reading it is no dependence on the world. */
const FIXED = new Set(["TZ", "LC_ALL"])

/** Environment variables, by name; listing them all is one read. */
export const watchEnvironment = (note: Note): void => {
  const seen = (name: string | symbol, trap: Callable): void => {
    if (typeof name === "string" && !FIXED.has(name)) note("environment", name, trap)
  }
  const get: Callable = (target, name) => {
    seen(name as string | symbol, get)
    return Reflect.get(target as object, name as string)
  }
  const has: Callable = (target, name) => {
    seen(name as string | symbol, has)
    return Reflect.has(target as object, name as string)
  }
  const ownKeys: Callable = (target) => {
    note("environment", "all variables", ownKeys)
    return Reflect.ownKeys(target as object)
  }
  // A proxy without `getOwnPropertyDescriptor`: spreading the environment asks for all keys, then gets each.
  replace(process, "env", new Proxy(process.env, { get, has, ownKeys } as ProxyHandler<NodeJS.ProcessEnv>))
  precede(process, "loadEnvFile", ([path], wrapper) =>
    note("file", typeof path === "string" ? path : ".env", wrapper),
  )
}

/** The time of day, and of this process. */
export const watchClock = (note: Note): void => {
  const { Date: original } = globalThis
  precede(original, "now", (_, wrapper) => note("clock", "Date.now()", wrapper))
  const Watched = precedeNew(original, (args, trap) => {
    if (args.length === 0) note("clock", "new Date()", trap)
  })
  replace(original.prototype, "constructor", Watched)
  replace(globalThis, "Date", Watched)
  const clock = Object.getPrototypeOf(performance) as object
  precede(clock, "now", (_, wrapper) => note("clock", "performance.now()", wrapper))
  const { hrtime } = process
  precede(hrtime, "bigint", (_, wrapper) => note("clock", "process.hrtime.bigint()", wrapper))
  precede(process, "hrtime", (_, wrapper) => note("clock", "process.hrtime()", wrapper))
  precede(process, "uptime", (_, wrapper) => note("clock", "process.uptime()", wrapper))
}

const RANDOM = ["randomBytes", "randomInt", "randomUUID", "randomFill", "randomFillSync", "pseudoRandomBytes"]
const KEYS = ["generateKey", "generateKeySync", "generateKeyPair", "generateKeyPairSync"]

/** Sources of chance that the node's seed does not rule. */
export const watchRandom = (note: Note): void => {
  precede(Math, "random", (_, wrapper) => note("random", "Math.random()", wrapper))
  for (const name of [...RANDOM, ...KEYS])
    precede(crypto, name, (_, wrapper) => note("random", `crypto.${name}()`, wrapper))
  const web = Object.getPrototypeOf(globalThis.crypto) as object
  for (const name of ["randomUUID", "getRandomValues"])
    precede(web, name, (_, wrapper) => note("random", `crypto.${name}()`, wrapper))
}

const MACHINE = [
  "availableParallelism",
  "cpus",
  "freemem",
  "homedir",
  "hostname",
  "loadavg",
  "networkInterfaces",
  "release",
  "tmpdir",
  "totalmem",
  "uptime",
  "userInfo",
  "version",
]

/** What is different from one computer, user or folder to the next. */
export const watchMachine = (note: Note): void => {
  for (const name of MACHINE) precede(os, name, (_, wrapper) => note("machine", `os.${name}()`, wrapper))
  precede(process, "cwd", (_, wrapper) => note("machine", "process.cwd()", wrapper))
}
