import { styleText } from "node:util"
import type { Diagnostic } from "../../schema/diagnostic.ts"
import { lineText, makeSource, type Source } from "./source.ts"

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/
/** Blanks as wide as a text: tabs stay tabs, so that the caret stands under what it means. */
const blanks = (text: string): string =>
  Array.from(text, (letter) => (letter === "\t" ? "\t" : wide.test(letter) ? "  " : " ")).join("")
/** What a terminal would act upon is shown as a question mark. */
const harmless = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "?")

const longest = 160

/**
 * Diagnostics as people read them: `file:line:column path: what is wrong`, the line, a caret under the place, a
 * hint. `texts` holds the sources by name, or the one text. A diagnostic of line 0 is about the file as a whole.
 */
export const renderDiagnostics = (
  diagnostics: ReadonlyArray<Diagnostic>,
  texts: ReadonlyMap<string, string> | string,
  options: { readonly color?: boolean } = {},
): string => {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    options.color === true ? styleText(format, text, { validateStream: false }) : text
  const sources = new Map<string, Source>()
  const sourceOf = (name: string): Source => {
    const known = sources.get(name)
    if (known !== undefined) return known
    const made = makeSource(name, typeof texts === "string" ? texts : (texts.get(name) ?? ""))
    sources.set(name, made)
    return made
  }
  const one = (diagnostic: Diagnostic): string => {
    const { file, line, column, path, severity, message, hint } = diagnostic
    const where = line === 0 ? file : `${file}:${line}:${column}`
    const what = severity === "warning" ? `warning: ${message}` : message
    const paint = severity === "warning" ? "yellow" : "red"
    const lines = [
      `${style("bold", harmless(`${where}${path === "" ? "" : ` ${path}`}:`))} ${style(paint, harmless(what))}`,
    ]
    const text = line === 0 ? "" : lineText(sourceOf(file), line)
    if (text.trim() !== "") {
      // A long line is shown around its place.
      const from = column > longest - 40 ? column - 60 : 0
      const shown = harmless(text.slice(from, from + longest))
      const number = String(line)
      const before = blanks(shown.slice(0, column - 1 - from))
      const caret = "^".repeat(Math.max(1, Math.min(diagnostic.length, shown.length - (column - 1 - from))))
      lines.push(
        `${style("dim", `  ${number} |`)} ${shown}`,
        `${style("dim", `  ${" ".repeat(number.length)} |`)} ${before}${style(paint, caret)}`,
      )
    }
    if (hint !== undefined) lines.push(`${style("dim", "  =")} ${harmless(hint)}`)
    return lines.join("\n")
  }
  return diagnostics.map(one).join("\n")
}
