/** Checks types; with Effect's own diagnostics where its compiler is installed for this platform. */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"

const modules = join(import.meta.dirname, "..", "node_modules")
const effect = join(modules, "@effect", `tsgo-${process.platform}-${process.arch}`, "lib", "tsc")
const command = existsSync(effect) ? effect : join(modules, ".bin", "tsc")
const { status, stdout } = spawnSync(command, ["--noEmit", "-p", "."], {
  encoding: "utf8",
  maxBuffer: 1 << 28,
})
const lines = stdout.split("\n").filter((line) => line !== "" && !/ suggestion TS\d+: /u.test(line))
if (lines.length > 0) process.stdout.write(`${lines.join("\n")}\n`)
process.exit(status ?? 1)
