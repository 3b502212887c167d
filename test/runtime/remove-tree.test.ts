import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { removeNow, removeTree } from "../../src/runtime/store/remove-tree.ts"

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "facet-"))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

describe.each([
  ["removeTree", removeTree],
  ["removeNow", async (path: string) => removeNow(path)],
])("%s", (_, remove) => {
  it("removes folders in folders, read-only ones as well, and links but not what they point at", async () => {
    const tree = join(root, "tree")
    mkdirSync(join(tree, "inputs", "deep"), { recursive: true })
    writeFileSync(join(root, "outside"), "stays")
    writeFileSync(join(tree, "inputs", "deep", "file"), "")
    chmodSync(join(tree, "inputs", "deep", "file"), 0o444)
    symlinkSync(root, join(tree, "inputs", "link"))
    for (const folder of ["inputs/deep", "inputs"]) chmodSync(join(tree, folder), 0o555)
    await remove(tree)
    expect(existsSync(tree)).toBe(false)
    expect(existsSync(join(root, "outside"))).toBe(true)
  })

  it("does nothing where nothing is", async () => {
    await remove(join(root, "none"))
    expect(existsSync(root)).toBe(true)
  })
})
