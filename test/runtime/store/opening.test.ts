import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"

const root = mkdtempSync(join(tmpdir(), "facet-opening-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const PROCESSES = 6
const STORES = 60

describe("a store that is new", () => {
  it("is made by one of many who open it at the same moment, while the others wait", async () => {
    const start = Date.now() + 1500
    const told = await Promise.all(
      Array.from({ length: PROCESSES }, async () => {
        const child = spawn(
          process.execPath,
          [join(import.meta.dirname, "opening.ts"), root, String(STORES), String(start), "30"],
          { stdio: ["ignore", "ignore", "pipe"] },
        )
        let said = ""
        child.stderr.on("data", (part) => (said += String(part)))
        const [code] = (await once(child, "close")) as [number]
        return code === 0 ? said : `${said} exit ${code}`
      }),
    )
    expect(told.filter((said) => said !== "")).toEqual([])
  }, 60_000)
})
