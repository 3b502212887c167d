import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag } from "../cli/dag.ts"

const made: Array<string> = []
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true })
})

/** The project in a folder of its own. */
const checkout = (name: string): string => {
  const folder = join(mkdtempSync(join(tmpdir(), "facet-elsewhere-")), name)
  made.push(join(folder, ".."))
  cpSync(join(import.meta.dirname, "elsewhere"), folder, { recursive: true })
  mkdirSync(join(folder, "node_modules"))
  symlinkSync(packageRoot, join(folder, "node_modules", "facet"))
  return folder
}

/** Digests and keys of all nodes of a run from nothing. */
const results = async (folder: string, cwd: string, jobs: number, env: Readonly<Record<string, string>>) => {
  const { code, stdout, stderr } = await dag(
    cwd,
    [
      "-f",
      join(folder, "pipeline.yaml"),
      "--cache",
      join(folder, "..", "store"),
      "run",
      "--json",
      "-j",
      String(jobs),
    ],
    env,
  )
  if (code !== 0) throw new Error(stderr)
  const { nodes } = JSON.parse(stdout) as {
    nodes: ReadonlyArray<{ id: string; key: string; outputs: Readonly<Record<string, { digest: string }>> }>
  }
  return Object.fromEntries(nodes.map(({ id, key, outputs }) => [id, { key, outputs }]))
}

describe("the same pipeline elsewhere", () => {
  let reference: Awaited<ReturnType<typeof results>>
  beforeAll(async () => {
    const folder = checkout("here")
    reference = await results(folder, folder, 1, {})
  })

  it.each<readonly [string, string, number, Readonly<Record<string, string>>]>([
    ["another folder", "a folder with spaces, ümläuts and 'quotes'", 2, {}],
    ["another time zone", "here", 2, { TZ: "Asia/Kathmandu" }],
    ["another language", "here", 4, { LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8", LANGUAGE: "tr" }],
    [
      "another home, another day",
      "deep/down/there",
      3,
      { HOME: "/", TZ: "America/St_Johns", LC_ALL: "de_DE.UTF-8" },
    ],
  ])("gives the same bytes: %s", async (_, name, jobs, env) => {
    const folder = checkout(name)
    expect(await results(folder, tmpdir(), jobs, env)).toEqual(reference)
  })
})
