/**
 * Builds dist/: the bundled program, the fingerprints of the built-in nodes, and what was seen of the sources (which
 * bin/dag.js compares). Swapped in whole, so that a run never meets half a build.
 */
import { hash } from "node:crypto"
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { rolldown, type Plugin } from "rolldown"
import { builtin } from "../src/nodes/catalogue.ts"
import { fingerprintBuiltin } from "../src/nodes/builtin.ts"
import { packageRoot } from "../src/runtime/package-root.ts"

/** Packages that are heavy, native, or load files of their own: left where they are. */
const EXTERNAL = /^(@tensorflow\/|onnxruntime|sharp$|rolldown|undici$|node:)/u

/** How long the parts of earlier builds stay for programs that run and have not loaded all of theirs yet, in ms. */
const KEEP = 24 * 3600 * 1000

/** Modification time (ms) and size of every source; of folders only the time, which tells of new and removed files. */
const sourceStamps = (): Readonly<Record<string, readonly [mtimeMs: number, size?: number]>> => {
  const stamps: Record<string, readonly [number, number?]> = {}
  const walk = (path: string): void => {
    const stat = statSync(join(packageRoot, path))
    if (!stat.isDirectory()) {
      stamps[path] = [stat.mtimeMs, stat.size]
      return
    }
    stamps[path] = [stat.mtimeMs]
    for (const name of readdirSync(join(packageRoot, path)).sort()) walk(`${path}/${name}`)
  }
  for (const path of ["src", "tools", "package.json"]) walk(path)
  return stamps
}

/**
 * The command-line library makes a segmenter of letters when it is loaded, a tenth of the start-up, for tables that
 * this program prints itself. It is made when first used instead.
 */
const lazySegmenter: Plugin = {
  name: "facet-lazy-segmenter",
  transform: {
    filter: { id: /effect\/dist\/cli\/CliOutput\.js$/u },
    handler: (code) => {
      const made = /const graphemeSegmenter = (?:\/\*#__PURE__\*\/)?\s*(new Intl\.Segmenter\([^)]*\))/u
      const lazy = code
        .replace(made, "let segmenter\nconst graphemeSegmenter = () => segmenter ??= $1")
        .replace("graphemeSegmenter.segment(", "graphemeSegmenter().segment(")
      if (!made.test(code) || !lazy.includes("graphemeSegmenter().segment("))
        throw new Error("effect/cli/CliOutput makes its segmenter in another way now: see tools/build.ts")
      return { code: lazy }
    },
  },
}

/**
 * Modules of Node whose loading costs milliseconds of the start-up: `child_process` brings sockets, and to import `fs`
 * or `crypto` as modules brings their lazy parts too (streams, WebCrypto).
 */
const LAZY = /^node:(?:fs|crypto|child_process|readline|util)$/u
const LAZY_PREFIX = "\0facet-lazy-"

/** A function with what else it has: `realpathSync.native`, and what `promisify` makes of `execFile`. */
const withOwn = (name: string, value: object, code: string): string => {
  const own = [
    ...Object.keys(value).map((key) => JSON.stringify(key)),
    ...Object.getOwnPropertySymbols(value).flatMap((symbol) => {
      const known = Symbol.keyFor(symbol)
      return known === undefined ? [] : [`Symbol.for(${JSON.stringify(known)})`]
    }),
  ]
  if (own.length === 0) return code
  const getters = own.map((key) => `[${key}]: { get: () => load().${name}[${key}] }`)
  return `/*#__PURE__*/ Object.defineProperties(${code}, { ${getters.join(", ")} })`
}

/** Those modules with functions that load them when first called. A function is looked up at each call, as by a module. */
const lazyBuiltins: Plugin = {
  name: "facet-lazy-builtins",
  resolveId: {
    filter: { id: LAZY },
    // A dynamic import is late enough, and takes all of the module.
    handler: (id, _, { kind }) =>
      kind === "dynamic-import" ? { id, external: true } : { id: LAZY_PREFIX + id, moduleSideEffects: false },
  },
  load: {
    filter: { id: /^\0facet-lazy-/u },
    handler: (id) => {
      const name = id.slice(LAZY_PREFIX.length)
      const parts = Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(name) ?? {}))
      return [
        "let module",
        `const load = () => (module ??= process.getBuiltinModule("${name}"))`,
        ...parts.map(([key, { value }]) =>
          typeof value === "function" && /^[a-z]/u.test(key)
            ? `export const ${key} = ${withOwn(key, value as object, `(...given) => load().${key}(...given)`)}`
            : `export const ${key} = /*#__PURE__*/ (() => load().${key})()`,
        ),
        "export default /*#__PURE__*/ load()",
      ].join("\n")
    },
  },
}

const stamps = sourceStamps()
const out = join(packageRoot, `dist.${process.pid}`)
const old = join(packageRoot, `dist.old.${process.pid}`)
const dist = join(packageRoot, "dist")

/** Puts the new build where the old one was; another process may be doing the same. */
const swap = (): void => {
  for (let tries = 0; ; tries += 1) {
    try {
      rmSync(old, { recursive: true, force: true })
      renameSync(dist, old)
    } catch {
      // There is none, or another process is just moving it.
    }
    try {
      return renameSync(out, dist)
    } catch (error) {
      if (tries === 20) throw error
    }
  }
}

/** Keeps the parts of the earlier build beside the new ones: a program that runs may load some of them yet. */
const keepParts = (): void => {
  let names: ReadonlyArray<string> = []
  try {
    names = readdirSync(join(dist, "chunks"))
  } catch {
    // The first build.
  }
  for (const name of names) {
    try {
      const part = join(dist, "chunks", name)
      if (Date.now() - statSync(part).mtimeMs < KEEP) linkSync(part, join(out, "chunks", name))
    } catch {
      // The same part is in the new build too.
    }
  }
}

/** What documents that were checked by this very program are kept under. */
const buildDigest = (): string => {
  const names = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"))
  const digests = names.sort().map((name) => `${name} ${hash("sha256", readFileSync(join(out, name)))}`)
  return hash("sha256", digests.join("\n"))
}

mkdirSync(out, { recursive: true })
try {
  const bundle = await rolldown({
    input: {
      dag: join(packageRoot, "src/cli/main.ts"),
      worker: join(packageRoot, "src/cli/worker.ts"),
      // An entry of its own, so that it loads nothing of the training that starts it.
      input: join(packageRoot, "src/learning/input/thread.ts"),
      facet: join(packageRoot, "src/api.ts"),
    },
    cwd: packageRoot,
    platform: "node",
    external: (id) => EXTERNAL.test(id) && !LAZY.test(id),
    logLevel: "warn",
    plugins: [lazySegmenter, lazyBuiltins],
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
    builtin.map(
      async ({ definition, file }) => [definition.type, await fingerprintBuiltin(definition, file)] as const,
    ),
  )
  const fingerprints = prints.map(
    ([type, { fingerprint, modules }]) => [type, { fingerprint, modules }] as const,
  )
  const texts: unknown = Object.assign({}, ...prints.map(([, print]) => print.texts))
  writeFileSync(
    join(out, "fingerprints.json"),
    `${JSON.stringify(Object.fromEntries(fingerprints), null, 1)}\n`,
  )
  writeFileSync(join(out, "texts.json"), `${JSON.stringify(texts)}\n`)
  writeFileSync(join(out, "sources.json"), `${JSON.stringify(stamps)}\n`)
  writeFileSync(join(out, "build"), `${buildDigest()}\n`)
  keepParts()
  swap()
} finally {
  rmSync(out, { recursive: true, force: true })
  rmSync(old, { recursive: true, force: true })
}
