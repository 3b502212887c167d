import { spawn } from "node:child_process"
import { existsSync, readdirSync, readFileSync, readlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag, project } from "./dag.ts"

let made: ReturnType<typeof project> | undefined
afterEach(() => made?.remove())

const folderWith = (files: Readonly<Record<string, string>>): string => {
  made = project()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made.folder, name), text)
  return made.folder
}

/** Processes that work in a folder. */
const workersOf = (folder: string): ReadonlyArray<string> =>
  readdirSync("/proc").filter((name) => {
    if (!/^\d+$/u.test(name)) return false
    try {
      return readlinkSync(`/proc/${name}/cwd`).startsWith(join(folder, "cache"))
    } catch {
      return false
    }
  })

it("Ctrl-C ends a program with all it started, also what does not listen, and leaves no scratch folder", async () => {
  const folder = folderWith({})
  writeFileSync(
    join(folder, "p.yaml"),
    `pipeline: p
nodes:
  first: { uses: command.run, with: { run: "echo 1 > o", outputs: { o: o } } }
  long:
    uses: command.run
    in: { first: first }
    with: { run: "(trap '' TERM; sleep 300; echo) & touch ${folder}/started; sleep 300" }
`,
  )
  const child = spawn(join(packageRoot, "bin", "dag"), ["run", "-f", "p.yaml", "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  })
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
  await expect.poll(() => existsSync(join(folder, "started")), { timeout: 60_000 }).toBe(true)
  expect(workersOf(folder).length).toBeGreaterThan(0)
  child.kill("SIGINT")
  expect(await ended).toBe(130)
  await expect.poll(() => workersOf(folder), { timeout: 20_000 }).toEqual([])
  expect(readdirSync(join(folder, "cache", "tmp"))).toEqual([])
  const { stdout } = await dag(folder, ["plan", "-f", "p.yaml", "--json"])
  const { nodes } = JSON.parse(stdout) as { readonly nodes: ReadonlyArray<{ readonly action: string }> }
  expect(nodes.map(({ action }) => action)).toEqual(["cached", "run"])
}, 120_000)

it("a script that changed runs exactly its program again, and explain names it", async () => {
  const folder = folderWith({
    "p.yaml": `pipeline: p
nodes:
  raw: { uses: source.path, with: { path: raw.txt } }
  clean: { uses: command.run, in: { raw: raw }, with: { run: sh clean.sh, code: [clean.sh], outputs: { table: t } } }
  count: { uses: command.run, in: { table: clean.table }, with: { run: "wc -l < table > n", outputs: { n: n } } }
`,
    "raw.txt": "b\na\n",
    "clean.sh": "sort raw > t\n",
    "other.sh": "",
  })
  const ran = async (): Promise<ReadonlyArray<string>> => {
    const { stdout, stderr } = await dag(folder, ["run", "-f", "p.yaml", "--json"])
    const { run, nodes } = JSON.parse(stdout) as {
      readonly run: { readonly status: string }
      readonly nodes: ReadonlyArray<{ readonly id: string; readonly status: string }>
    }
    expect([run.status, run.status === "ok" ? "" : stderr]).toEqual(["ok", ""])
    return nodes.flatMap(({ id, status }) => (status === "ran" ? [id] : []))
  }
  expect(await ran()).toEqual(["raw", "clean", "count"])
  expect(await ran()).toEqual([])

  // Touched, something beside it written, a comment in the document: none of them is content.
  utimesSync(join(folder, "clean.sh"), new Date(), new Date())
  writeFileSync(join(folder, "other.sh"), "echo\n")
  writeFileSync(join(folder, "p.yaml"), `# said\n${readFileSync(join(folder, "p.yaml"), "utf8")}`)
  expect(await ran()).toEqual([])

  writeFileSync(join(folder, "clean.sh"), "sort -r raw | sort > t\n")
  const { stdout } = await dag(folder, ["explain", "-f", "p.yaml", "clean"])
  expect(stdout.split("\n").slice(0, 2)).toEqual([
    "clean (command.run): would run",
    "- file clean.sh changed",
  ])
  // The same table as before: what comes after it need not run.
  expect(await ran()).toEqual(["clean"])
}, 120_000)
