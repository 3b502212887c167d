import { describe, expect, it } from "vitest"
import { packageOfFile } from "../../../src/runtime/audit/frames.ts"
import { isNote } from "../../../src/runtime/audit/recorder.ts"

describe("whose read it is", () => {
  it("names packages by the innermost node_modules, scopes included", () => {
    expect(packageOfFile("/a/node_modules/b/index.js")).toBe("b")
    expect(packageOfFile("/a/node_modules/@s/b/lib/index.js")).toBe("@s/b")
    expect(packageOfFile("/a/node_modules/.pnpm/x@1/node_modules/x/y.js")).toBe("x")
    expect(packageOfFile("/a/src/b.ts")).toBeUndefined()
  })

  it.each([
    [{ kind: "clock", what: "Date.now()", through: "p" }, true],
    [{ kind: "clock", what: "Date.now()" }, false],
    [{ kind: "environment", what: "DEBUG", through: "p" }, true],
    [{ kind: "file", what: "/usr/lib/libvips.so", through: "p" }, true],
    [{ kind: "file", what: "/home/me/node_modules/p/data.json", through: "p" }, true],
    [{ kind: "file", what: "/home/me/data.csv", through: "p" }, false],
    [{ kind: "file", what: "data.csv", through: "p" }, false],
    [{ kind: "network", what: "example.org", through: "p" }, false],
    [{ kind: "process", what: "git", through: "p" }, false],
  ] as const)("%o is a note: %s", (read, note) => {
    expect(isNote(read)).toBe(note)
  })
})
