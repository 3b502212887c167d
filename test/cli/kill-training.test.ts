import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { afterAll, beforeAll, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { openStore } from "../../src/runtime/store/store.ts"
import { dag } from "./dag.ts"

const EPOCHS = 60
const DOCUMENT = `
pipeline: killed
params: { seed: 3 }
nodes:
  heldout: { uses: gallery.heldout, with: { perClass: 4, subjects: 4 } }
  fer: { uses: import.fer2013, in: { files: heldout.fer2013 }, with: { generated: true } }
  split: { uses: dataset.split, in: { dataset: fer.images }, with: { train: 0.7, val: 0.3 } }
  train:
    uses: model.train
    in: { dataset: split.dataset }
    with: { size: 16, depth: 7, growth: 4, batch: 8, epochs: ${EPOCHS}, threads: 1 }
`

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "facet-kill-training-"))
  writeFileSync(join(root, "killed.yaml"), DOCUMENT)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const args = (cache: string) => ["-f", "killed.yaml", "run", "--json", "--cache", cache]

/** The newest epoch of which the store has a checkpoint. */
const checkpointed = (cache: string): number => {
  const path = join(root, cache, "store.db")
  if (!existsSync(path)) return 0
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const texts = db.prepare("SELECT result FROM items").all()
    const epochs = texts.map(({ result }) =>
      /"epoch":(\d+),"epochs":\d+|"epochs":\d+,"epoch":(\d+)/u.exec(String(result)),
    )
    return Math.max(0, ...epochs.map((found) => Number(found?.[1] ?? found?.[2] ?? 0)))
  } catch {
    // The tables are not there yet.
    return 0
  } finally {
    db.close()
  }
}

/** The log of the training that the store has. */
const said = (cache: string, pipeline = "killed"): string => {
  const store = openStore(join(root, cache))
  try {
    const log = store.traces.ofNode(pipeline, "train")[0]?.log
    return log === undefined ? "" : Buffer.from(store.blobs.get(log)).toString()
  } finally {
    store.close()
  }
}

const trained = (stdout: string) =>
  (
    JSON.parse(stdout) as {
      readonly nodes: ReadonlyArray<{
        readonly id: string
        readonly status: string
        readonly outputs: unknown
      }>
    }
  ).nodes.find(({ id }) => id === "train")

it(
  "a training that kill -9 interrupts goes on after its last checkpoint, to the same bits",
  { timeout: 120_000 },
  async () => {
    const whole = await dag(root, args("whole"))
    expect(whole).toMatchObject({ code: 0 })
    const child = spawn(join(packageRoot, "bin", "dag"), args("killed"), { cwd: root, stdio: "ignore" })
    while (child.exitCode === null && checkpointed("killed") < 3) await setTimeout(20)
    child.kill("SIGKILL")
    await setTimeout(300)
    const at = checkpointed("killed")
    expect(at).toBeGreaterThanOrEqual(3)
    expect(at).toBeLessThan(EPOCHS)
    const resumed = await dag(root, args("killed"))
    expect(resumed).toMatchObject({ code: 0 })
    expect(trained(resumed.stdout)?.status).toBe("ran")
    expect(trained(resumed.stdout)?.outputs).toEqual(trained(whole.stdout)?.outputs)
    expect(said("killed")).toContain(`goes on after epoch ${at} of an earlier training`)
    expect(said("whole")).not.toContain("goes on")
  },
)

/** Processes that `pid` started, and those that they started. */
const descendants = (pid: number): ReadonlyArray<number> => {
  const path = `/proc/${pid}/task/${pid}/children`
  const children = existsSync(path)
    ? readFileSync(path, "utf8").trim().split(" ").filter(Boolean).map(Number)
    : []
  return [...children, ...children.flatMap(descendants)]
}

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
  } catch {
    return ""
  }
}

it(
  "a worker that the system kills is told as such, and a longer training goes on after its last checkpoint",
  { timeout: 120_000 },
  async (context) => {
    if (process.platform !== "linux") return context.skip("looks for the worker in /proc")
    const document = DOCUMENT.replace("seed: 3", "seed: 3, epochs: 30")
      .replace(`epochs: ${EPOCHS}`, 'epochs: "${params.epochs}", schedule: constant')
      .replace("pipeline: killed", "pipeline: longer")
    writeFileSync(join(root, "longer.yaml"), document)
    const longer = (cache: string, epochs: number) => [
      "-f",
      "longer.yaml",
      "run",
      "--json",
      `--cache=${cache}`,
      `--set=params.epochs=${epochs}`,
    ]
    const child = spawn(join(packageRoot, "bin", "dag"), longer("worker", 30), {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
    })
    let stdout = ""
    child.stdout.on("data", (text: Buffer) => (stdout += text.toString()))
    const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
    while (child.exitCode === null && checkpointed("worker") < 7) await setTimeout(20)
    const workers = descendants(child.pid ?? 0).filter((pid) => commandOf(pid).includes("worker.js"))
    expect(workers.length).toBeGreaterThan(0)
    for (const pid of workers) process.kill(pid, "SIGKILL")
    expect(await ended).toBe(1)
    const failed = (JSON.parse(stdout) as { readonly nodes: ReadonlyArray<{ id: string; error?: string }> })
      .nodes
    expect(failed.find(({ id }) => id === "train")?.error).toMatch(/the worker process was ended by SIGKILL/)
    const at = checkpointed("worker")
    expect(at).toBeGreaterThanOrEqual(7)
    expect(at).toBeLessThan(30)
    const resumed = await dag(root, longer("worker", 36))
    expect(resumed).toMatchObject({ code: 0 })
    const whole = await dag(root, longer("whole", 36))
    expect(trained(resumed.stdout)?.outputs).toEqual(trained(whole.stdout)?.outputs)
    expect(said("worker", "longer")).toContain(
      `goes on after epoch ${at} of an earlier training that was to have 30`,
    )
  },
)
