// Not imported: importing them as modules loads their lazy parts too, streams among them.
const { existsSync, readFileSync, statSync } = process.getBuiltinModule("node:fs")
const { enableCompileCache } = process.getBuiltinModule("node:module")

const root = process.getBuiltinModule("node:path").dirname(import.meta.dirname)

/** Whether every source is the one that was built: what tools/build.ts saw of each, and of each folder. */
const isFresh = () => {
  let sources
  try {
    sources = JSON.parse(readFileSync(`${root}/dist/sources.json`, "utf8"))
  } catch {
    return false
  }
  const options = { throwIfNoEntry: false }
  return Object.entries(sources).every(([path, [mtimeMs, size]]) => {
    const stat = statSync(`${root}/${path}`, options)
    return stat !== undefined && stat.mtimeMs === mtimeMs && (size === undefined || stat.size === size)
  })
}

// An installed copy has no sources, and is what it is.
if (existsSync(`${root}/src`) && !isFresh()) {
  const { spawnSync } = await import("node:child_process")
  const env = process.stderr.isTTY ? process.env : { ...process.env, NO_COLOR: "1" }
  const build = [`${root}/tools/build.ts`]
  const { status, stderr } = spawnSync(process.execPath, build, { encoding: "utf8", env })
  if (status !== 0) {
    process.stderr.write(`dag: the program could not be built from its sources:\n${stderr}\n`)
    process.exit(2)
  }
}
enableCompileCache(`${root}/node_modules/.cache/facet`)
await import("../dist/dag.js")
