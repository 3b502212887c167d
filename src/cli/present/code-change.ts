import type { CodeChange } from "../../runtime/code-texts.ts"
import type { Paint } from "./colour.ts"
import { plural } from "./text.ts"

/** How many changed lines of a file are shown. */
const MOST = 12

const linesOf = ({ lines }: CodeChange, paint: Paint): ReadonlyArray<string> => {
  if (lines === undefined) return ["    what it was is no longer in the store"]
  const shown = lines.slice(0, MOST).map(({ sign, text }) => {
    const line = `    ${sign} ${text.replaceAll("\t", "  ")}`
    return paint(sign === "-" ? "red" : "green", line.length > 160 ? `${line.slice(0, 159)}…` : line)
  })
  const left = lines.length - shown.length
  return left > 0 ? [...shown, `    … ${plural(left, "more line")}`] : shown
}

/** What is different in the code of a node, for a person: each file with its lines, each package with its versions. */
export const codeChangeLines = (changes: ReadonlyArray<CodeChange>, paint: Paint): ReadonlyArray<string> =>
  changes.flatMap((change) => {
    const { name, kind, before, after } = change
    if (before !== undefined || after !== undefined)
      return [`  ${name}: ${before ?? "not used"} → ${after ?? "no longer used"}`]
    if (kind === "gone") return [`  ${name}: no longer used`]
    if (kind === "new") return [`  ${name}: new`, ...linesOf(change, paint)]
    return [`  ${name}:`, ...linesOf(change, paint)]
  })
