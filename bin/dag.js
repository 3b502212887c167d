import { spawnSync } from "node:child_process"
import { existsSync, readdirSync, statSync } from "node:fs"
import { enableCompileCache } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, "dist")

/** The newest change among the sources of the program, in ms. */
const newest = (path) => {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  let latest = stat.mtimeMs
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const at = join(path, entry.name)
    latest = Math.max(latest, entry.isDirectory() ? newest(at) : statSync(at).mtimeMs)
  }
  return latest
}

const isFresh = () => {
  const stamp = join(dist, "fingerprints.json")
  if (!existsSync(stamp)) return false
  const built = statSync(stamp).mtimeMs
  return ["src", "tools", "package.json"].every((path) => newest(join(root, path)) <= built)
}

if (existsSync(join(root, "src")) && !isFresh()) {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "tools", "build.ts")], {
    encoding: "utf8",
  })
  if (status !== 0) {
    process.stderr.write(`dag: the program could not be built from its sources:\n${stderr}\n`)
    process.exit(2)
  }
}
enableCompileCache(join(root, "node_modules", ".cache", "facet"))
await import(pathToFileURL(join(dist, "dag.js")).href)
