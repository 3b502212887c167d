import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { cpus, tmpdir } from "node:os"
import { join } from "node:path"

/** How a command went. */
export interface Took {
  readonly ms: number
  /** Largest resident memory of the process itself, MiB; only for programs on Node. */
  readonly peakMiB?: number
}

export interface Command {
  readonly program: string
  readonly args: ReadonlyArray<string>
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command to its end; throws with what it said where it fails. */
export const once = ({ program, args, cwd, env }: Command): Took => {
  const from = performance.now()
  const { status, stdout, stderr, error } = spawnSync(program, [...args], {
    cwd,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", ...env },
    maxBuffer: 1 << 30,
  })
  const ms = performance.now() - from
  if (status !== 0)
    throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? ""}${(stdout + stderr).slice(-2000)}`)
  return { ms }
}

/** The middle of the times and the best one, of commands that take turns, so that a busy moment hits all alike. */
export const inTurns = (
  commands: Readonly<Record<string, Command>>,
  rounds: number,
): Readonly<Record<string, { readonly median: number; readonly best: number }>> => {
  const times = new Map(Object.keys(commands).map((name) => [name, new Array<number>()]))
  for (let round = 0; round < rounds; round++)
    for (const [name, command] of Object.entries(commands)) times.get(name)!.push(once(command).ms)
  return Object.fromEntries(
    [...times].map(([name, all]) => {
      const sorted = all.sort((a, b) => a - b)
      return [name, { median: sorted[sorted.length >> 1], best: sorted[0] }]
    }),
  )
}

/** Runs a command on Node, with its peak memory. */
export const withMemory = (command: Command): Took => {
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"))
  try {
    const hook = join(folder, "peak.mjs")
    const file = join(folder, "peak")
    writeFileSync(
      hook,
      `import { appendFileSync } from "node:fs"
process.on("exit", () => appendFileSync(${JSON.stringify(file)}, process.resourceUsage().maxRSS + "\\n"))`,
    )
    const took = once({ ...command, env: { ...command.env, NODE_OPTIONS: `--import=${hook}` } })
    const peaks = readFileSync(file, "utf8").trim().split("\n").map(Number)
    return { ...took, peakMiB: Math.max(...peaks) / 1024 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Whether a program can be started here. */
export const isThere = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).status === 0

export const machine = (): string => {
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0]
  return `${cpus().length} × ${cpus()[0]?.model ?? "?"}, Node ${process.version}, load ${load}`
}

/** `0.48 s`, `85 ms`. */
export const duration = (ms: number): string =>
  ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
