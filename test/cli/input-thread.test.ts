import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { beforeAll, expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag } from "./dag.ts"

beforeAll(async () => {
  // Builds the program if its sources went on.
  const { code, stderr } = await dag(packageRoot, ["--version"])
  if (code !== 0) throw new Error(stderr)
})

/** Everything that a built module loads with itself. */
const loads = (file: string, seen: Set<string> = new Set()): ReadonlySet<string> => {
  for (const [, name] of readFileSync(file, "utf8").matchAll(/(?:from|import)\s*["']([^"']+)["']/gu)) {
    const path = name.startsWith(".") ? join(dirname(file), name) : name
    if (seen.has(path)) continue
    seen.add(path)
    if (name.startsWith(".")) loads(path, seen)
  }
  return seen
}

it("a thread of the input loads nothing of the engine that it works for", () => {
  const loaded = [...loads(join(packageRoot, "dist", "input.js"))]
  expect(loaded).toContain("node:worker_threads")
  expect(loaded.filter((name) => !name.startsWith("/"))).toEqual(["node:worker_threads"])
  expect(loaded.length).toBeLessThan(6)
})
