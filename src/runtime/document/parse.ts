import { parseDocument } from "yaml"
import type { Problems } from "./problems.ts"
import { wholeSource, type Source } from "./source.ts"
import type { Tree } from "./tree.ts"
import { YamlReader } from "./yamlReader.ts"
import { reportSyntax } from "./yamlSyntax.ts"

/**
 * YAML 1.2 (core schema: `no` and `on` are texts) to a tree with places. Aliases and merge keys are resolved.
 * Undefined where the text has no value that could be checked further; what is wrong is in `problems`.
 */
export const parseYaml = (source: Source, problems: Problems): Tree | undefined => {
  const { text } = source
  // eslint-disable-next-line no-control-regex
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffe\uffff]/.exec(text)
  if (control !== null) {
    const code = control[0].charCodeAt(0).toString(16).padStart(4, "0")
    problems.error(
      { source, start: control.index, end: control.index + 1 },
      [],
      `a control character (U+${code.toUpperCase()}) stands in the text`,
      "YAML holds printable text only: is this the right file?",
    )
    return undefined
  }
  const document = parseDocument(text, {
    version: "1.2",
    schema: "core",
    prettyErrors: false,
    uniqueKeys: false,
    // "silent" would pass over further documents.
    logLevel: "error",
  })
  if (document.errors.length > 0) {
    reportSyntax(document, source, problems)
    return undefined
  }
  if (document.contents === null) {
    problems.error(wholeSource(source), [], "the document is empty", "`dag init` writes one to start from")
    return undefined
  }
  return new YamlReader(source, problems, document).read()
}
