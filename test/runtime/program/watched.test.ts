import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, it } from "vitest"
import { CannotWatch, runWatched } from "../../../src/runtime/program/watched.ts"

let root = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "facet-watched-"))
  mkdirSync(join(root, "data", "sub"), { recursive: true })
  mkdirSync(join(root, "tmp", "s"), { recursive: true })
  for (const name of ["one.txt", "two.txt", "sub/three.txt"]) writeFileSync(join(root, "data", name), name)
  writeFileSync(join(root, "tmp", "s", "input"), "declared")
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** What a script used undeclared; undefined where this machine cannot tell. */
const watch = async (script: string): Promise<ReadonlyArray<string> | undefined> => {
  const found: Array<string> = []
  const folder = join(root, "tmp", "s")
  try {
    await runWatched(
      {
        argv: ["/bin/sh", "-e", "-c", script],
        folder,
        environment: { HOME: folder },
        log: `${folder}.log`,
        tell: () => {},
        signal: new AbortController().signal,
      },
      { root, undeclared: ({ kind, what }) => found.push(`${kind} ${what}`) },
    )
  } catch (error) {
    if (!(error instanceof CannotWatch)) throw error
    return undefined
  }
  expect(readdirSync(join(root, "tmp"))).toEqual(["s"])
  return found
}

it("a program that keeps to its folder is clean", async ({ skip }) => {
  const found = await watch(
    "cat input > out; mkdir d; cd d; cp ../out x; ls .. > /dev/null; cat x | sort > y",
  )
  if (found === undefined) return skip("strace is not here, or may not trace")
  expect(found).toEqual([])
})

it("files of the project that it reads, lists, runs or looks for are named", async ({ skip }) => {
  const data = join(root, "data")
  writeFileSync(join(data, "run.sh"), "#!/bin/sh\n", { mode: 0o755 })
  const found = await watch(
    `cat ../../data/one.txt > a; ls ${data}/sub > b; test -f ${data}/two.txt; ${data}/run.sh; cat ${data}/none 2> c || true; echo x > ${root}/written`,
  )
  if (found === undefined) return skip("strace is not here, or may not trace")
  expect(found).toEqual(["file data/one.txt", "file data/run.sh", "file data/sub/", "file data/two.txt"])
})

it("hosts that it speaks to are named", async ({ skip }) => {
  const server = createServer((socket) => socket.end("x"))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  try {
    const script = `import("node:net").then(n => n.connect(${port}, "127.0.0.1").resume())`
    const found = await watch(`'${process.execPath}' -e '${script}'`)
    if (found === undefined) return skip("strace is not here, or may not trace")
    expect(found).toContain(`network 127.0.0.1:${port}`)
  } finally {
    server.close()
  }
})
