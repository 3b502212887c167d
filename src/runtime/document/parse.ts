import {
  isCollection,
  visit,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLError,
  type YAMLMap,
} from "yaml"
import type { Problems } from "./problems.ts"
import { spanText } from "./tree.ts"
import { wholeSource, type Source, type Span } from "./source.ts"
import type { Entry, Path, Tree } from "./tree.ts"

export const limits = {
  /** Bytes of a document. */
  bytes: 1024 * 1024,
  /** Maps and lists inside each other. */
  depth: 64,
  /** Values that aliases and merge keys may add by repetition. */
  aliased: 20_000,
  /** Values that references (`${params.x}`) may bring, all instances together. */
  referenced: 200_000,
  /** Instances that matrix and each may make, all nodes together. */
  instances: 10_000,
  /** Letters of a text after its references are filled in. */
  text: 1024 * 1024,
  /** Syntax errors reported: past the first few they follow from one another. */
  syntaxErrors: 5,
} as const

/** Keys that name the inner workings of JavaScript objects. */
const forbiddenKeys = new Set(["__proto__", "constructor", "prototype"])

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
  return new Reader(source, problems, document).read()
}

const reportSyntax = (document: Document, source: Source, problems: Problems): void => {
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

/** One walk over the parsed nodes. */
class Reader {
  private readonly anchors = new Map<string, { readonly node: Node; readonly size: number }>()
  private readonly open = new Set<Node>()
  private count = 0
  private aliased = 0
  private insideAlias = 0
  /** The alias that is being read, the outermost. */
  private outermost: Span | undefined
  private exhausted = false
  private readonly source: Source
  private readonly problems: Problems
  private readonly document: Document

  constructor(source: Source, problems: Problems, document: Document) {
    this.source = source
    this.problems = problems
    this.document = document
  }

  read(): Tree | undefined {
    for (const warning of this.document.warnings) {
      this.problems.error(
        { source: this.source, start: warning.pos[0], end: warning.pos[1] },
        [],
        `not valid here: ${warning.message.charAt(0).toLowerCase()}${warning.message.slice(1)}`,
        warning.code === "TAG_RESOLVE_FAILED" ? "tags such as !name are not used in a pipeline" : undefined,
      )
    }
    return this.value(this.document.contents, [])
  }

  private span(node: { range?: readonly [number, number, number] | null | undefined }): Span {
    const [start, end] = node.range ?? [0, 0]
    return { source: this.source, start, end: Math.max(start, end) }
  }

  private nothing(at: Span): Tree {
    return { kind: "scalar", value: null, at }
  }

  /** Stands in for a value that a problem was told of. */
  private unknown(at: Span): Tree {
    return { kind: "scalar", value: null, missing: true, at }
  }

  private value(node: unknown, path: Path, keyed?: Span): Tree {
    const at = isNode(node) ? this.span(node) : (keyed ?? wholeSource(this.source))
    if (this.exhausted) return this.unknown(at)
    if (!isNode(node)) return this.nothing(at)
    this.count += 1
    if (this.insideAlias > 0) {
      this.aliased += 1
      if (this.aliased > limits.aliased) {
        this.exhausted = true
        this.problems.error(
          this.outermost ?? at,
          path,
          "aliases repeat too much: the document grows beyond what it may",
          `at most ${limits.aliased} values may come from aliases and merge keys`,
        )
        return this.unknown(at)
      }
    }
    if (path.length > limits.depth) {
      this.problems.error(
        at,
        path.slice(0, 3),
        "maps or lists are nested too deeply",
        `the limit is ${limits.depth} levels`,
      )
      this.exhausted = true
      return this.unknown(at)
    }
    if (isAlias(node)) return this.alias(node.source, at, path)
    const before = this.count
    this.open.add(node)
    // An anchor is known while its node is read, so that an alias inside of it is found to be a circle.
    if (node.anchor !== undefined && node.anchor !== "") this.anchors.set(node.anchor, { node, size: 0 })
    const tree = this.own(node, at, path)
    this.open.delete(node)
    if (node.anchor !== undefined && node.anchor !== "") {
      this.anchors.set(node.anchor, { node, size: this.count - before + 1 })
    }
    return tree
  }

  private alias(name: string, at: Span, path: Path): Tree {
    const target = this.anchors.get(name)
    if (target === undefined) {
      this.problems.error(at, path, `no anchor &${name} stands above this alias`)
      return this.unknown(at)
    }
    if (this.open.has(target.node)) {
      this.problems.error(at, path, `the alias *${name} stands inside of what it repeats`)
      return this.unknown(at)
    }
    if (this.insideAlias === 0) this.outermost = at
    this.insideAlias += 1
    const tree = this.value(target.node, path)
    this.insideAlias -= 1
    return tree
  }

  private own(node: Node, at: Span, path: Path): Tree {
    if (isMap(node)) return this.map(node, at, path)
    if (isSeq(node)) {
      return {
        kind: "list",
        items: node.items.map((item, i) => this.value(item, [...path, i], at)),
        at,
      }
    }
    if (!isScalar(node)) return this.unknown(at)
    const { value } = node
    if (typeof value === "number" && !Number.isFinite(value)) {
      this.problems.error(at, path, `${node.source ?? "this"} is not a finite number`)
      return this.unknown(at)
    }
    if (
      typeof value === "number" &&
      /^[-+]?\d+$|^0[xo]/.test(node.source ?? "") &&
      !Number.isSafeInteger(value)
    ) {
      this.problems.error(
        at,
        path,
        "the number is too long to be kept exactly",
        "put it in quotes if it is a name or an identifier",
      )
    }
    if (
      typeof value === "string" ||
      typeof value === "number" ||
      typeof value === "boolean" ||
      value === null
    ) {
      return { kind: "scalar", value, at }
    }
    this.problems.error(at, path, "this kind of value is not used in a pipeline")
    return this.unknown(at)
  }

  private key(pair: Pair, at: Span, path: Path): { readonly name: string; readonly span: Span } | undefined {
    const span = isNode(pair.key) ? this.span(pair.key) : at
    const key = isAlias(pair.key) ? this.anchors.get(pair.key.source)?.node : pair.key
    const value = isScalar(key) ? key.value : null
    if (
      !isScalar(key) ||
      (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
    ) {
      this.problems.error(span, path, "a key must be a plain word or a text")
      return undefined
    }
    if (key.anchor !== undefined && key.anchor !== "") this.anchors.set(key.anchor, { node: key, size: 1 })
    const name = typeof value === "string" ? value : (key.source ?? String(value))
    if (forbiddenKeys.has(name)) {
      this.problems.error(span, path, `the key "${name}" is not allowed`)
      return undefined
    }
    return { name, span }
  }

  private map(node: YAMLMap, at: Span, path: Path): Tree {
    const entries = new Map<string, Entry>()
    const own = new Map<string, Span>()
    const merges: Array<Tree> = []
    for (const pair of node.items) {
      const key = this.key(pair, at, path)
      if (key === undefined) continue
      if (key.name === "<<" && isScalar(pair.key) && pair.key.type === "PLAIN") {
        if (this.insideAlias === 0) this.outermost = key.span
        this.insideAlias += 1
        merges.push(this.value(pair.value, path, key.span))
        this.insideAlias -= 1
        continue
      }
      const first = own.get(key.name)
      if (first !== undefined) {
        this.problems.error(
          key.span,
          [...path, key.name],
          `the key "${key.name}" stands here twice`,
          `first at ${spanText(first)}`,
        )
        continue
      }
      own.set(key.name, key.span)
      entries.set(key.name, {
        key: key.span,
        value: this.value(pair.value, [...path, key.name], key.span),
      })
    }
    // https://yaml.org/type/merge.html: own keys win, then the earlier map of a list.
    for (const merged of merges.flatMap((tree) => (tree.kind === "list" ? tree.items : [tree]))) {
      if (merged.kind !== "map") {
        if (!this.exhausted)
          this.problems.error(merged.at, [...path, "<<"], "a merge key takes a map or a list of maps")
        continue
      }
      for (const [name, entry] of merged.entries) if (!entries.has(name)) entries.set(name, entry)
    }
    return { kind: "map", entries, at }
  }
}
