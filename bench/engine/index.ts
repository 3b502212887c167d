/**
 * What the engine costs, beside tools a user would pick: `node bench/engine/index.ts [start|graphs|files|items …]`.
 * Every tool runs the same graph of shell commands on the same machine, in turns. Peers that are not installed are
 * left out: ninja and snakemake are looked for on PATH, wireit and DVC as well (a virtual environment's bin folder in
 * PATH will do).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import Table from "cli-table3"
import { writeGraphs } from "./graphs.ts"
import { itemsBench } from "./items.ts"
import { duration, inTurns, isThere, machine, once, type Command } from "./measure.ts"

const root = resolve(import.meta.dirname, "../..")
const dag = (cwd: string, ...args: ReadonlyArray<string>): Command => ({
  program: join(root, "bin", "dag"),
  args,
  cwd,
})
// Inside of the checkout, where a plugin finds the package by its name.
mkdirSync(join(root, "cache"), { recursive: true })
const scratch = mkdtempSync(join(root, "cache", "bench-"))
const print = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): void => {
  const table = new Table({ head: [...head], style: { head: [], border: [] } })
  table.push(...rows.map((row) => [...row]))
  console.log(`${table.toString()}\n`)
}
const shown = ({ median, best }: { readonly median: number; readonly best: number }): string =>
  `${duration(median)} (best ${duration(best)})`

const start = (): void => {
  const cache = join(scratch, "default")
  const run = dag(root, "run", "--cache", cache, "--quiet")
  once(run)
  const times = inTurns(
    {
      "node -e 0": { program: process.execPath, args: ["-e", "0"], cwd: root },
      "dag --help": dag(root, "--help"),
      "dag run, default pipeline, nothing changed": run,
      "dag plan, default pipeline": dag(root, "plan", "--cache", cache),
    },
    15,
  )
  print(
    ["whole process", "median (best)"],
    Object.entries(times).map(([name, time]) => [name, shown(time)]),
  )
}

/** First run and no-op of one tool. */
const peers = (folders: Readonly<Record<string, string>>): Readonly<Record<string, Command>> => {
  const at = (tool: string): string => folders[tool]
  const all: Record<string, Command> = {
    facet: dag(at("facet"), "run", "-f", "pipeline.yaml", "-j", "2", "--quiet"),
  }
  if (isThere("ninja")) all["ninja"] = { program: "ninja", args: ["-j2", "--quiet"], cwd: at("ninja") }
  if (isThere("snakemake"))
    all["snakemake"] = { program: "snakemake", args: ["-j2", "--quiet", "all"], cwd: at("snakemake") }
  if (isThere("wireit"))
    all["wireit"] = {
      program: "npm",
      args: ["run", "--silent", "all"],
      cwd: at("wireit"),
      env: { WIREIT_PARALLEL: "2", WIREIT_LOGGER: "quiet" },
    }
  return all
}

const graphs = (counts: ReadonlyArray<number>): void => {
  for (const count of counts) {
    const folders = writeGraphs(scratch, count)
    const tools = Object.entries(peers(folders)).filter(
      ([tool]) => count <= 1000 || tool === "facet" || tool === "ninja",
    )
    const first = Object.fromEntries(tools.map(([tool, command]) => [tool, once(command).ms]))
    const again = inTurns(Object.fromEntries(tools), count > 1000 ? 5 : 9)
    // DVC runs one stage after the other and takes seconds for a hundred: it gets no larger graph.
    if (isThere("dvc") && count <= 100) {
      const cwd = folders["dvc"]
      once({ program: "dvc", args: ["init", "--no-scm", "-q"], cwd })
      const repro: Command = { program: "dvc", args: ["repro", "-q"], cwd }
      first["dvc"] = once(repro).ms
      Object.assign(again, inTurns({ dvc: repro }, 3))
    }
    print(
      [`${count} commands`, "first run, 2 jobs", "nothing changed, median (best)"],
      Object.entries(first).map(([tool, ms]) => [tool, duration(ms), shown(again[tool])]),
    )
  }
}

/** A folder of 100,000 files of 4 KiB. */
const files = (count: number): void => {
  const cwd = join(scratch, "files")
  for (let folder = 0; folder < count / 1000; folder++) {
    const at = join(cwd, "data", String(folder))
    mkdirSync(at, { recursive: true })
    for (let file = 0; file < 1000; file++) {
      const bytes = new Uint8Array(4096)
      new DataView(bytes.buffer).setUint32(0, folder * 1000 + file)
      writeFileSync(join(at, `f${file}`), bytes)
    }
  }
  // Files younger than two seconds are looked at again.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500)
  writeFileSync(
    join(cwd, "pipeline.yaml"),
    "pipeline: files\nnodes:\n  raw: { uses: source.path, with: { path: data } }\n",
  )
  const commands: Record<string, Command> = {
    "dag run": dag(cwd, "run", "-f", "pipeline.yaml", "--quiet"),
  }
  const first: Record<string, number> = { "dag run": once(commands["dag run"]).ms }
  if (isThere("dvc")) {
    once({ program: "dvc", args: ["init", "--no-scm", "-q"], cwd })
    first["dvc add, dvc status"] = once({ program: "dvc", args: ["add", "-q", "data"], cwd }).ms
    commands["dvc add, dvc status"] = { program: "dvc", args: ["status", "-q"], cwd }
  }
  const again = inTurns(commands, 5)
  print(
    [`a folder of ${count.toLocaleString("en")} files`, "first time", "nothing changed, median (best)"],
    Object.entries(first).map(([tool, ms]) => [tool, duration(ms), shown(again[tool])]),
  )
}

const wanted = process.argv.slice(2)
const asked = (name: string): boolean => wanted.length === 0 || wanted.includes(name)
try {
  // The program is built from its sources when they are newer: not to be measured.
  once(dag(root, "--help"))
  console.log(`${machine()}\n`)
  if (asked("start")) start()
  if (asked("graphs"))
    graphs((process.env["FACET_BENCH_GRAPHS"] ?? "12,100,1000,10000").split(",").map(Number))
  if (asked("files")) files(100_000)
  if (asked("items")) print(...itemsBench(scratch, dag))
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
