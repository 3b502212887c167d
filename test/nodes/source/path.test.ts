import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it, vi } from "vitest"
import { captureFiles } from "../../../src/runtime/store/files.ts"
import { projectOf, type TestProject } from "../command/project.ts"

let project: TestProject | undefined
const open = (files: Readonly<Record<string, string>>): TestProject => (project = projectOf(files))
afterEach(() => {
  vi.restoreAllMocks()
  project?.remove()
})

const nodes = "nodes:\n  raw: { uses: source.path, with: { path: data } }\n"
const errorOf = async (): Promise<string> => {
  const { run } = project!
  // Where a node is decided on, or where its folder is taken: either tells.
  const record = await run(nodes)
  return String(record.nodes[0].error)
}

describe("a folder of the project", () => {
  it("is its files, by content, with what may be executed", async () => {
    const { run, output, root } = open({ "data/a.txt": "a", "data/sub/.hidden": "h", "data/é/x y": "" })
    chmodSync(join(root, "data/a.txt"), 0o755)
    const first = await run(nodes)
    expect(await output(first, "raw.files")).toEqual({
      "a.txt": "a (executable)",
      "sub/.hidden": "h",
      "é/x y": "",
    })
    // Content counts: not when it was written.
    fs.utimesSync(join(root, "data/a.txt"), 1, 1)
    expect((await run(nodes)).nodes[0].status).toBe("cached")
  })

  it("runs again when a byte, a name or an executable bit changed", async () => {
    const { run, write, root } = open({ "data/a.txt": "a" })
    const keys = new Set([(await run(nodes)).nodes[0].key])
    write("data/a.txt", "b")
    keys.add((await run(nodes)).nodes[0].key)
    fs.renameSync(join(root, "data/a.txt"), join(root, "data/b.txt"))
    keys.add((await run(nodes)).nodes[0].key)
    chmodSync(join(root, "data/b.txt"), 0o755)
    keys.add((await run(nodes)).nodes[0].key)
    expect(keys.size).toBe(4)
  })

  it("of which some files changed is stored without reading the others", async () => {
    const { root, store } = open({ "data/a.txt": "a", "data/b.txt": "b", "data/c.txt": "c" })
    // A stamp is trusted when its change is two seconds old, whatever the modification time says.
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    await store(async ({ blobs, files }) => {
      const put = vi.spyOn(blobs, "putFile")
      const folder = join(root, "data")
      const capture = async () => {
        put.mockClear()
        const { entries } = await captureFiles(blobs, folder, { stamps: files })
        return { read: put.mock.calls.map(([file]) => file.slice(folder.length)), entries }
      }
      const first = await capture()
      expect(first.read.sort()).toEqual(["/a.txt", "/b.txt", "/c.txt"])
      blobs.flush()
      expect(await capture()).toEqual({ ...first, read: [] })
      writeFileSync(join(folder, "b.txt"), "changed")
      expect((await capture()).read).toEqual(["/b.txt"])
    })
  })

  it("may hold a file that is larger than memory should hold", async () => {
    const { run, root, store } = open({ "data/a.txt": "a" })
    writeFileSync(join(root, "data/big.bin"), "")
    truncateSync(join(root, "data/big.bin"), 300 * 1024 * 1024)
    const peak = process.memoryUsage().arrayBuffers
    const record = await run(nodes)
    expect(record.nodes[0].error).toBeUndefined()
    expect(process.memoryUsage().arrayBuffers - peak).toBeLessThan(100 * 1024 * 1024)
    const digest = execFileSync("sha256sum", [join(root, "data/big.bin")])
      .toString()
      .slice(0, 64)
    expect(await store(({ blobs }) => blobs.has(digest))).toBe(true)
  })
})

describe("links in it", () => {
  it("stand for what they point at, files and folders, wherever that lies", async () => {
    const { run, output, root, write } = open({
      "data/a.txt": "a",
      "elsewhere/b.txt": "b",
      "elsewhere/sub/c": "c",
    })
    symlinkSync("a.txt", join(root, "data/again"))
    symlinkSync("../elsewhere", join(root, "data/folder"))
    const record = await run(nodes)
    expect(await output(record, "raw.files")).toEqual({
      "a.txt": "a",
      again: "a",
      "folder/b.txt": "b",
      "folder/sub/c": "c",
    })
    write("elsewhere/sub/c", "changed")
    expect((await run(nodes)).nodes[0].status).toBe("ran")
  })

  it("may be the folder itself", async () => {
    const { run, output, root } = open({ "elsewhere/b.txt": "b" })
    symlinkSync("elsewhere", join(root, "data"))
    expect(await output(await run(nodes), "raw.files")).toEqual({ "b.txt": "b" })
  })

  it("that lead in a circle or nowhere are named", async () => {
    const { root } = open({ "data/sub/a.txt": "a" })
    symlinkSync("..", join(root, "data/sub/up"))
    expect(await errorOf()).toMatch(/sub\/up is a link back to a folder that it lies in/)
    rmSync(join(root, "data/sub/up"))
    symlinkSync("gone", join(root, "data/sub/dangling"))
    expect(await errorOf()).toMatch(/sub\/dangling is a link that leads nowhere/)
    rmSync(join(root, "data/sub/dangling"))
    symlinkSync("self", join(root, "data/self"))
    expect(await errorOf()).toMatch(/self is a link that leads nowhere/)
  })

  it("two folders that point at each other are a circle too", async () => {
    const { root } = open({ "one/a": "a", "two/b": "b" })
    mkdirSync(join(root, "data"))
    symlinkSync("../one", join(root, "data/one"))
    symlinkSync("../two", join(root, "one/two"))
    symlinkSync("../one", join(root, "two/one"))
    expect(await errorOf()).toMatch(/is a link back to a folder that it lies in/)
  })
})

it("what is no file is named", async () => {
  const { root } = open({ "data/a": "a" })
  execFileSync("mkfifo", [join(root, "data/pipe")])
  expect(await errorOf()).toMatch(/pipe is neither a file nor a folder/)
})
