import { isCollection, isScalar, visit, type Document, type YAMLError } from "yaml"
import { limits } from "./limits.ts"
import type { Problems } from "./problems.ts"
import type { Source, Span } from "./source.ts"
import { spanText } from "./tree.ts"

/** What the parser's codes mean to the writer of a document. */
const syntaxMessages: Readonly<Record<string, readonly [message: string, hint?: string]>> = {
  TAB_AS_INDENT: ["a tab is used for indentation", "YAML is indented with spaces only"],
  BAD_INDENT: ["the indentation does not fit the lines above"],
  BLOCK_AS_IMPLICIT_KEY: [
    "a second `key: value` on the line of the first",
    "give it a line of its own, or quote a text that has a colon in it",
  ],
  MULTILINE_IMPLICIT_KEY: ["a key must be on one line", "is the colon missing after a key?"],
  MULTIPLE_DOCS: ["a second document begins here", "a file holds one pipeline: remove the `---`"],
  RESOURCE_EXHAUSTION: ["maps or lists are nested too deeply", `the limit is ${limits.depth} levels`],
  UNEXPECTED_TOKEN: ["this is not expected here"],
  MISSING_CHAR: ["something is missing here"],
}

/** Tells what is no YAML in the words of a writer: of each line the first error, and of many the first few. */
export const reportSyntax = (document: Document, source: Source, problems: Problems): void => {
  // The parser goes on after an error: of each line the first is meant, and after a few the rest is noise.
  const lines = new Set<string>()
  for (const error of [...document.errors].sort((a, b) => a.pos[0] - b.pos[0])) {
    const at: Span = {
      source,
      start: Math.min(error.pos[0], source.text.length),
      end: Math.min(error.pos[1], source.text.length),
    }
    const opener = openedBefore(document, error)
    if (opener !== undefined) {
      const sign = source.text.charAt(opener)
      problems.error(
        { source, start: opener, end: opener + 1 },
        [],
        `not valid YAML: the ${sign} that opens here is not closed`,
      )
      return
    }
    const line = spanText(at).split(":").at(-2)!
    if (lines.has(line)) continue
    lines.add(line)
    const [own, hint] = syntaxMessages[error.code] ?? [undefined, undefined]
    const detail = error.message.charAt(0).toLowerCase() + error.message.slice(1)
    const plainCode = error.code === "UNEXPECTED_TOKEN" || error.code === "MISSING_CHAR" || own === undefined
    problems.error(at, [], `not valid YAML: ${plainCode ? detail : own}`, hint)
    // What follows too deep a nesting or a wrong indentation is made of it.
    if (lines.size >= limits.syntaxErrors || error.code === "RESOURCE_EXHAUSTION") return
  }
}

/** Where the quote or bracket begins that an error misses the end of. */
const openedBefore = (document: Document, error: YAMLError): number | undefined => {
  if (!/must end with a|must be sufficiently indented and end|Missing closing/.test(error.message))
    return undefined
  let found: number | undefined
  visit(document, {
    Node: (_, node) => {
      const start = node.range?.[0]
      if (start === undefined || start >= error.pos[1]) return
      const quoted = isScalar(node) && (node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE")
      const opens = error.message.startsWith("Missing") ? quoted : isCollection(node) && node.flow === true
      if (opens && (node.range?.[1] ?? 0) >= error.pos[0]) found = Math.max(found ?? 0, start)
    },
  })
  return found
}
