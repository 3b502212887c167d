import { readFileSync } from "node:fs"
import { relative } from "node:path"
import type { AmbientRead, NodeAudit, Place } from "../../schema/audit.ts"
import type { NodeCheck, PortCheck } from "../../schema/check.ts"
import type { AgainReport } from "../again.ts"
import type { Paint } from "./colour.ts"
import { count, duration, plural } from "./text.ts"

const short = (digest: string | null): string => digest?.slice(0, 12) ?? "nothing"

const UNITS: Readonly<Record<string, string>> = { json: "value" }

const countsText = ({ counts, type }: PortCheck): string => {
  if (counts === undefined) return ""
  const { of, changed, added, removed } = counts
  if (of === 1 && changed === 1) return ""
  const parts = [
    [changed, "differ"],
    [added, "came"],
    [removed, "went"],
  ].flatMap(([number, what]) => (number === 0 ? [] : [`${count(Number(number))} ${what}`]))
  return `: of ${plural(of, UNITS[type] ?? (type === "Files" ? "file" : "row"))} ${parts.join(", ")}`
}

const checkLines = (check: NodeCheck, paint: Paint): ReadonlyArray<string> => {
  const name = paint("bold", check.node)
  const elsewhere = check.environment.map(({ name, before, after }) => `  ${name} was ${before}, is ${after}`)
  switch (check.status) {
    case "same":
      return [`${name} ${paint("green", "the same")}: computed again in ${duration(check.ms)}`]
    case "failed":
      return [`${name} ${paint("red", "failed")}: ${check.error ?? ""}`]
    case "unchecked":
      return [`${name} ${paint("yellow", check.error ?? "not checked")}`]
    case "different":
    case "elsewhere": {
      const head =
        check.status === "different"
          ? `${paint("red", "differs")}: computed again from the same inputs it gives something else`
          : `${paint("yellow", "cannot be compared")}: it differs, and so does where it was computed`
      const ports = check.ports
        .filter(({ same }) => !same)
        .flatMap((port) => [
          `  ${port.port}: ${short(port.before)} → ${short(port.after)}${countsText(port)}`,
          ...port.first.map(
            ({ at, before, after }) => `    ${at}: ${before ?? "absent"} → ${after ?? "absent"}`,
          ),
        ])
      return [`${name} ${head}`, ...ports, ...elsewhere]
    }
  }
}

const WHAT: Readonly<Record<AmbientRead["kind"], string>> = {
  file: "reads the file",
  environment: "reads the environment variable",
  clock: "reads the clock:",
  random: "draws from chance:",
  network: "talks to",
  process: "starts",
  machine: "asks about the machine:",
  code: "loads code outside of its fingerprint:",
}

const placeText = ({ file, line, column }: Place): string =>
  `${relative(process.cwd(), file)}:${line}:${column}`

const SHOWN = 100

/** The line of the source, where it can be read; of a long one the part that is meant. */
const sourceLine = ({ file, line, column }: Place): string => {
  try {
    const text = readFileSync(file, "utf8").split("\n")[line - 1] ?? ""
    if (text.trim().length <= SHOWN) return text.trim()
    const from = Math.max(0, column - 1 - SHOWN / 4)
    return `${from > 0 ? "…" : ""}${text.slice(from, from + SHOWN).trim()}…`
  } catch {
    return ""
  }
}

const readLines = (read: AmbientRead): ReadonlyArray<string> => {
  const times = read.times > 1 ? ` (${count(read.times)} times)` : ""
  const what = read.kind === "file" || read.kind === "code" ? relativePath(read.what) : read.what
  const through = read.through === undefined ? "" : ` through ${read.through}`
  const head = `  ${WHAT[read.kind]} ${what}${through}${times}`
  if (read.where === undefined) return [head]
  const code = sourceLine(read.where)
  return [head, `    at ${placeText(read.where)}${code === "" ? "" : `  ${code}`}`]
}

const relativePath = (path: string): string => {
  const from = relative(process.cwd(), path)
  return from.startsWith("..") || from === "" ? path : from
}

const noteText = (notes: NodeAudit["notes"]): string => {
  const by = new Map<string, Array<string>>()
  for (const { through = "", what, times } of notes)
    by.set(through, [...(by.get(through) ?? []), times > 1 ? `${what} ×${count(times)}` : what])
  return [...by].map(([name, what]) => `${name}: ${what.join(", ")}`).join("; ")
}

const auditLines = (audit: NodeAudit, paint: Paint): ReadonlyArray<string> => {
  const name = `${paint("bold", audit.node)} (${audit.uses})`
  const notes = audit.notes.length === 0 ? [] : [paint("dim", `  packages: ${noteText(audit.notes)}`)]
  const failed = audit.error === undefined ? [] : [`  ${audit.error}`]
  switch (audit.status) {
    case "clean":
      return [`${name} ${paint("green", "reads only what it declares")}`, ...notes]
    case "unaudited":
      return [`${name} ${paint("yellow", "not audited")}: ${audit.error ?? ""}`]
    case "failed":
      return [`${name} ${paint("red", "failed under audit")}: ${audit.error ?? ""}`, ...notes]
    case "undeclared":
      return [
        `${name} ${paint("red", `reads ${plural(audit.reads.length, "thing")} it does not declare`)}`,
        ...audit.reads.flatMap(readLines),
        ...failed,
        ...notes,
      ]
  }
}

/** What came of computing nodes again, for a person. */
export const againText = ({ checks = [], audit = [] }: AgainReport, paint: Paint): string =>
  [
    ...checks.flatMap((one) => checkLines(one, paint)),
    ...audit.flatMap((one) => auditLines(one, paint)),
  ].join("\n")
