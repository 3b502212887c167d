import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

/** Trials; `FACET_KILLS=10 npx vitest run test/cli/kill.test.ts` for more. */
const KILLS = Number(process.env["FACET_KILLS"] ?? 3)
const DAG = join(import.meta.dirname, "..", "..", "bin", "dag")

// Crawl, decode, hash, dedupe, split: every way a result is published (items, tables, JSON), but no training.
const DOCUMENT = `
pipeline: killed
params: { seed: 3 }
nodes:
  crawl:
    uses: crawl.search
    with: { engine: gallery, keywords: { anger: [rage, fury], happiness: [joyful, merry], fear: [dread] }, template: "{keyword} face", perKeyword: 6 }
    resources: { net: 4 }
  raw: { uses: dataset.merge, in: { sets: [crawl] }, with: { classes: [anger, happiness, fear] } }
  checked: { uses: image.check, in: { images: raw } }
  hashed: { uses: image.hash, in: { images: checked } }
  unique: { uses: image.dedupe, in: { items: hashed } }
  split: { uses: dataset.split, in: { dataset: unique.unique } }
  heldout: { uses: gallery.heldout, with: { perClass: 2, subjects: 2 } }
  fer: { uses: import.fer2013, in: { files: heldout.fer2013 }, with: { generated: true } }
`

interface RunJson {
  readonly run: { readonly status: string }
  readonly nodes: ReadonlyArray<{
    readonly id: string
    readonly status: string
    readonly outputs: Readonly<Record<string, { readonly digest: string }>>
  }>
}

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "facet-kill-"))
  writeFileSync(join(root, "killed.yaml"), DOCUMENT)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Runs the program; `killAfter` ms after the run's first line it is killed as by a power switch. */
const dag = (args: ReadonlyArray<string>, killAfter?: number) =>
  new Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>(
    (resolve) => {
      const child = spawn(DAG, ["-f", join(root, "killed.yaml"), ...args], {
        stdio: ["ignore", "pipe", "pipe"],
      })
      let [stdout, stderr] = ["", ""]
      child.stdout.on("data", (part: Buffer) => (stdout += part.toString()))
      child.stderr.on("data", (part: Buffer) => (stderr += part.toString()))
      const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfter)
      child.on("close", (code) => {
        clearTimeout(timer)
        resolve({ code, stdout, stderr })
      })
    },
  )

const digests = (run: RunJson) => Object.fromEntries(run.nodes.map((node) => [node.id, node.outputs]))

const undisturbed = async (cache: string, jobs: string) => {
  const started = performance.now()
  const { code, stdout, stderr } = await dag(["run", "--json", "--cache", cache, "-j", jobs])
  if (code !== 0) throw new Error(stderr)
  const json = JSON.parse(stdout) as RunJson
  expect(json.run.status).toBe("ok")
  return { digests: digests(json), json, ms: performance.now() - started }
}

describe("a run", () => {
  it(
    "gives the same digests whatever the folder and the number of jobs, and after kill -9 at any moment",
    { timeout: 120_000 + KILLS * 120_000 },
    async () => {
      const whole = await undisturbed(join(root, "whole"), "2")
      expect((await undisturbed(join(root, "elsewhere", "and deeper"), "1")).digests).toEqual(whole.digests)
      let caught = 0
      for (let trial = 0; trial < KILLS; trial++) {
        const cache = join(root, `killed-${trial}`)
        // Spread over the whole run, with a step that hits other moments each trial.
        const at = whole.ms * ((trial * 0.618 + 0.23) % 1)
        const killed = await dag(["run", "--json", "--cache", cache], at)
        if (killed.code === null) caught++
        // On a busy machine it may be killed before there is a store.
        const verified = existsSync(cache)
          ? await dag(["cache", "verify", "--json", "--cache", cache])
          : { code: 0, stdout: "", stderr: "" }
        expect(verified.code, `killed after ${Math.round(at)} ms: ${verified.stdout}${verified.stderr}`).toBe(
          0,
        )
        const { digests, json } = await undisturbed(cache, "2")
        expect(digests).toEqual(whole.digests)
        const kept = json.nodes.filter((node) => node.status === "cached").length
        console.log(
          `trial ${trial + 1}: killed after ${Math.round(at)} ms, ${kept} of ${json.nodes.length} nodes were kept`,
        )
      }
      expect(caught).toBeGreaterThan(0)
    },
  )
})
