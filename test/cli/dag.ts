import { execFile } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { packageRoot } from "../../src/runtime/package-root.ts"

export interface Answer {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program as a user does, in a folder, without colours. */
export const dag = (
  folder: string,
  args: ReadonlyArray<string>,
  env: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  new Promise((resolve) => {
    execFile(
      join(packageRoot, "bin", "dag"),
      args,
      {
        cwd: folder,
        env: { PATH: process.env["PATH"] ?? "", HOME: folder, NO_COLOR: "1", TZ: "UTC", ...env },
        maxBuffer: 64 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : 255
        resolve({ code, stdout, stderr })
      },
    )
  })

/** An empty project of its own, or a copy of one; plugins in it find the package as those of a checkout do. */
export const project = (from?: string): { readonly folder: string; readonly remove: () => void } => {
  const folder = mkdtempSync(join(tmpdir(), "facet-cli-"))
  if (from !== undefined && existsSync(from)) cpSync(from, folder, { recursive: true })
  mkdirSync(join(folder, "node_modules"))
  symlinkSync(packageRoot, join(folder, "node_modules", "facet"))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
