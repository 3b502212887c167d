import { spawn, type ChildProcess } from "node:child_process"
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag, project } from "./dag.ts"

const document = (more = ""): string => `pipeline: p
plugins: [types.ts]
nodes:
  raw: { uses: source.path, with: { path: data } }
  one: { uses: test.names, in: { files: raw } }
${more}`

const types = (helper: string): string => `import { Files, Json, defineNode } from "facet"
import { words } from "./${helper}"
export default defineNode({
  type: "test.names", description: "Names of files.", inputs: { files: Files }, outputs: { names: Json },
  run: ({ inputs, context }) => {
    const names = inputs.files.entries.map(({ path }) => path).sort()
    context.log(\`\${words}: \${names.join(" ")}.\`)
    return { names }
  },
})
`

let place: ReturnType<typeof project>
let child: ChildProcess | undefined
let said = ""
let heard = (): void => {}

const path = (...parts: ReadonlyArray<string>): string => join(place.folder, ...parts)
/** As editors do it: the whole text into a file beside, which then takes the place of the old one. */
const save = (name: string, text: string): void => {
  writeFileSync(path(`${name}~`), text)
  renameSync(path(`${name}~`), path(name))
}

beforeAll(async () => {
  await dag(packageRoot, ["--version"])
})
beforeEach(() => {
  place = project()
  mkdirSync(path("data"))
  writeFileSync(path("data", "a.txt"), "a")
  writeFileSync(path("words.ts"), 'export const words = "seen"\n')
  writeFileSync(path("types.ts"), types("words.ts"))
  writeFileSync(path("p.yaml"), document())
})
afterEach(() => {
  child?.kill("SIGKILL")
  place.remove()
})

const start = (...args: ReadonlyArray<string>): Promise<number | null> => {
  said = ""
  child = spawn(
    join(packageRoot, "bin", "dag"),
    ["run", "-f", "p.yaml", "--watch", "--log-level", "debug", ...args],
    {
      cwd: place.folder,
      env: { PATH: process.env["PATH"] ?? "", HOME: place.folder, NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    },
  )
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (part: Buffer) => {
      said += part.toString()
      heard()
    })
  }
  return new Promise((resolve) => child!.on("close", resolve))
}

/** Resolves once the program has said a text, and forgets what it said up to there. */
const until = (text: string): Promise<void> =>
  new Promise((resolve) => {
    heard = () => {
      const at = said.indexOf(text)
      if (at < 0) return
      said = said.slice(at + text.length)
      heard = () => {}
      resolve()
    }
    heard()
  })
const calm = () => until("waiting for changes")

it(
  "sees what is saved by renaming, added to a folder, to a new folder in it, and a folder that is replaced",
  { timeout: 60_000 },
  async () => {
    const ended = start()
    await until("seen: a.txt.")
    await calm()
    save("data/a.txt", "another a")
    await until("seen: a.txt.")
    await calm()
    writeFileSync(path("data", "b.txt"), "b")
    await until("seen: a.txt b.txt.")
    await calm()
    mkdirSync(path("data", "more", "and"), { recursive: true })
    writeFileSync(path("data", "more", "and", "c.txt"), "c")
    await until("seen: a.txt b.txt more/and/c.txt.")
    await calm()
    // The folder is watched from then on too.
    writeFileSync(path("data", "more", "and", "d.txt"), "d")
    await until("more/and/d.txt.")
    await calm()
    mkdirSync(path("other"))
    writeFileSync(path("other", "x.txt"), "x")
    renameSync(path("data"), path("old"))
    renameSync(path("other"), path("data"))
    await until("seen: x.txt.")
    await calm()
    writeFileSync(path("data", "y.txt"), "y")
    await until("seen: x.txt y.txt.")
    await calm()
    // What was moved away is none of it.
    rmSync(path("data", "x.txt"))
    await until("seen: y.txt.")
    await calm()
    child!.kill("SIGINT")
    expect(await ended).toBe(130)
  },
)

it(
  "goes on after mistakes: in the document, in a plugin and what it imports, with a file missing",
  { timeout: 60_000 },
  async () => {
    const ended = start()
    await until("seen: a.txt.")
    await calm()
    save("p.yaml", document("  two: { uses: test.nmaes, in: { files: raw } }\n"))
    await until('did you mean "test.names"?')
    await calm()
    save("p.yaml", "nodes: [\n")
    await until("not closed")
    await calm()
    save("p.yaml", document("  two: { uses: source.path, with: { path: there/it.txt } }\n"))
    await until("there/it.txt, which does not exist")
    await calm()
    mkdirSync(path("there"))
    writeFileSync(path("there", "it.txt"), "it")
    await until("two done")
    await calm()
    save("words.ts", "export const words = (\n")
    await until("could not be read")
    await calm()
    save("words.ts", 'export const words = "read"\n')
    await until("read: a.txt.")
    await calm()
    save("types.ts", types("nothing-like-it.ts"))
    await until("could not be read")
    await calm()
    save("nothing-like-it.ts", 'export const words = "found"\n')
    await until("found: a.txt.")
    await calm()
    child!.kill("SIGINT")
    expect(await ended).toBe(130)
  },
)

it("begins with a document that is not right, or not there", { timeout: 60_000 }, async () => {
  rmSync(path("p.yaml"))
  writeFileSync(path("types.ts"), "export default 1\n")
  const ended = start()
  await until("there is no such file")
  await calm()
  writeFileSync(path("p.yaml"), document())
  await until("exports no node type")
  await calm()
  save("types.ts", types("words.ts"))
  await until("seen: a.txt.")
  await calm()
  child!.kill("SIGTERM")
  expect(await ended).toBe(130)
})

it("follows a document that is a link to where it lies", { timeout: 60_000 }, async () => {
  mkdirSync(path("elsewhere"))
  renameSync(path("p.yaml"), path("elsewhere", "real.yaml"))
  symlinkSync(path("elsewhere", "real.yaml"), path("p.yaml"))
  const ended = start()
  await until("seen: a.txt.")
  await calm()
  save("elsewhere/real.yaml", document("  two: { uses: source.path, with: { path: data/a.txt } }\n"))
  await until("two done")
  await calm()
  child!.kill("SIGINT")
  expect(await ended).toBe(130)
})

it("does not run again for its own store", { timeout: 60_000 }, async () => {
  // With a plugin that cannot be read, whatever lies beside it is watched: there the store is made.
  writeFileSync(path("types.ts"), "export default (\n")
  const ended = start()
  await until("could not be read")
  await calm()
  await new Promise((resolve) => setTimeout(resolve, 1000))
  expect(said).toBe("; Ctrl-C ends it\n")
  child!.kill("SIGINT")
  expect(await ended).toBe(130)
})

it("ends by Ctrl-C at any moment", { timeout: 120_000 }, async () => {
  for (const [moment, text] of [
    [0, undefined],
    [60, undefined],
    [0, "one runs"],
    [0, "seen: a.txt."],
    [0, "waiting"],
    [20, "waiting"],
  ] as const) {
    rmSync(path("cache"), { recursive: true, force: true })
    const ended = start()
    if (text !== undefined) await until(text)
    else await new Promise((resolve) => setTimeout(resolve, 100))
    await new Promise((resolve) => setTimeout(resolve, moment))
    child!.kill("SIGINT")
    // Before the program has loaded, the system ends it: no code then.
    expect([130, null]).toContain(await ended)
    const { code, stderr } = await dag(place.folder, ["run", "-f", "p.yaml", "--quiet"])
    expect([code, stderr]).toEqual([0, ""])
  }
})
