/** Builds dist/: the bundled program and the fingerprints of the built-in nodes. Swapped in whole, so that a run never meets half a build. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { rolldown } from "rolldown"
import { builtin } from "../src/nodes/catalogue.ts"
import { fingerprintModule, implementationFile } from "../src/runtime/fingerprint.ts"
import { packageRoot } from "../src/runtime/package-root.ts"

/** Packages that are heavy, native, or load files of their own: left where they are. */
const EXTERNAL = /^(@tensorflow\/|onnxruntime|sharp$|rolldown|undici$|node:)/u

const out = join(packageRoot, `dist.${process.pid}`)
mkdirSync(out, { recursive: true })
try {
  const bundle = await rolldown({
    input: {
      dag: join(packageRoot, "src/cli/main.ts"),
      worker: join(packageRoot, "src/cli/worker.ts"),
      facet: join(packageRoot, "src/api.ts"),
    },
    cwd: packageRoot,
    platform: "node",
    external: EXTERNAL,
    logLevel: "warn",
  })
  await bundle.write({
    dir: out,
    format: "esm",
    minify: true,
    comments: false,
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  })
  await bundle.close()

  const prints = await Promise.all(
    builtin.map(async ({ definition, file }) => {
      const implementation = implementationFile(join(packageRoot, "src", file))
      return [definition.type, await fingerprintModule(implementation, packageRoot)] as const
    }),
  )
  writeFileSync(join(out, "fingerprints.json"), `${JSON.stringify(Object.fromEntries(prints), null, 1)}\n`)
  const dist = join(packageRoot, "dist")
  const old = join(packageRoot, `dist.old.${process.pid}`)
  try {
    renameSync(dist, old)
  } catch {
    // The first build has nothing to move away.
  }
  renameSync(out, dist)
  rmSync(old, { recursive: true, force: true })
} finally {
  rmSync(out, { recursive: true, force: true })
}
