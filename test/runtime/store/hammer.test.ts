import { spawn } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { collect } from "../../../src/runtime/store/collect.ts"
import { openStore } from "../../../src/runtime/store/store.ts"
import { verify } from "../../../src/runtime/store/verify.ts"

const folder = mkdtempSync(join(tmpdir(), "facet-hammer-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ROUNDS = Number(process.env["FACET_RUNS"] ?? (process.env["FACET_LONG"] === "1" ? 500 : 12))
const processes = new Set<ReturnType<typeof spawn>>()

const hammer = (mode: "run" | "gc", root: string, seed: number, killAfter?: number) =>
  new Promise<string>((resolve) => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "hammer.ts"), mode, root, String(seed), String(ROUNDS)],
      { stdio: ["ignore", "ignore", "pipe"] },
    )
    processes.add(child)
    let told = ""
    child.stderr.on("data", (part) => (told += String(part)))
    if (killAfter !== undefined) setTimeout(() => child.kill("SIGKILL"), killAfter)
    child.on("exit", (code, signal) => {
      processes.delete(child)
      resolve(code === 0 || signal === "SIGKILL" ? "" : told)
    })
  })

describe("processes that run and collect on one store at a time", () => {
  it("find all they use, and leave a store that is whole, also where they are killed", async () => {
    const root = join(folder, "store")
    openStore(root).close()
    const told = await Promise.all([
      hammer("run", root, 1),
      hammer("run", root, 2),
      hammer("gc", root, 3),
      hammer("gc", root, 4),
      hammer("run", root, 5, 900),
      hammer("gc", root, 6, 1100),
      hammer("run", root, 7, 1300),
    ])
    expect(told.filter((text) => text !== "")).toEqual([])
    const store = openStore(root)
    expect(verify(store, { repair: false }).problems).toEqual([])
    expect(store.traces.runs(1000).length).toBeGreaterThan(ROUNDS)
    collect(store, { keepRuns: 0, keepMs: -60_000, dryRun: false, now: Date.now() })
    expect(store.db.prepare("SELECT COUNT(*) AS n FROM blobs").get()).toEqual({ n: 0 })
    expect(store.db.prepare("SELECT COUNT(*) AS n FROM leases").get()).toEqual({ n: 0 })
    store.close()
    expect(readdirSync(join(root, "packs"))).toEqual([])
  }, 7_200_000)
})
