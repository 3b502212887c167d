import {
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs"
import { execFile } from "node:child_process"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"

// A copy of the program, whose sources can be edited.
const root = mkdtempSync(join(tmpdir(), "facet-fresh-"))
const DESCRIPTION = "The pipeline document"
const source = join(root, "src", "cli", "root.ts")

const help = (): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> =>
  new Promise((resolve) => {
    execFile(
      join(root, "bin", "dag"),
      ["--help"],
      { cwd: root, env: { PATH: process.env["PATH"] ?? "", NO_COLOR: "1" } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
const built = (): number => statSync(join(root, "dist", "dag.js")).mtimeMs

beforeAll(async () => {
  for (const part of ["src", "tools", "bin", "package.json"])
    cpSync(join(packageRoot, part), join(root, part), { recursive: true })
  symlinkSync(join(packageRoot, "node_modules"), join(root, "node_modules"))
  const { code, stderr } = await help()
  if (code !== 0) throw new Error(stderr)
}, 60_000)
afterAll(() => rmSync(root, { recursive: true, force: true }))

it("is built once, and not again while its sources are as they were", async () => {
  const before = built()
  expect((await help()).stdout).toContain(DESCRIPTION)
  expect(built()).toBe(before)
})

it(
  "is built again after any edit: in place with the time put back, by renaming, a file that is new or gone",
  { timeout: 60_000 },
  async () => {
    const text = readFileSync(source, "utf8")
    const { atime, mtime } = statSync(source)
    writeFileSync(source, text.replace(DESCRIPTION, "The document, and more"))
    // As `cp -p` and a checkout of an older version leave it.
    utimesSync(source, atime, new Date(mtime.getTime() - 86_400_000))
    expect((await help()).stdout).toContain("The document, and more")
    writeFileSync(`${source}~`, text)
    utimesSync(`${source}~`, atime, mtime)
    renameSync(`${source}~`, source)
    expect((await help()).stdout).toContain(DESCRIPTION)
    for (const change of [
      () => writeFileSync(join(root, "src", "cli", "new.ts"), ""),
      () => rmSync(join(root, "src", "cli", "new.ts")),
    ]) {
      const before = built()
      change()
      expect((await help()).code).toBe(0)
      expect(built()).toBeGreaterThan(before)
    }
  },
)

it("says what is wrong where it cannot be built, and goes on once it can", { timeout: 60_000 }, async () => {
  const text = readFileSync(source, "utf8")
  writeFileSync(source, `${text}\nimport { nothing } from "./nowhere.ts"\nnothing()\n`)
  const { code, stdout, stderr } = await help()
  expect([code, stdout]).toEqual([2, ""])
  expect(stderr).toMatch(/^dag: the program could not be built from its sources:\n[^]*nowhere\.ts/u)
  writeFileSync(source, text)
  expect((await help()).stdout).toContain(DESCRIPTION)
})

it("an installed copy without sources is what it is", async () => {
  renameSync(join(root, "src"), join(root, "away"))
  const before = built()
  expect((await help()).stdout).toContain(DESCRIPTION)
  expect(built()).toBe(before)
  renameSync(join(root, "away"), join(root, "src"))
})
