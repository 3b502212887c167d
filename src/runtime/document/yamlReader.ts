import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml"
import { limits } from "./limits.ts"
import type { Problems } from "./problems.ts"
import { wholeSource, type Source, type Span } from "./source.ts"
import { spanText, type Entry, type Path, type Tree } from "./tree.ts"

/** Keys that name the inner workings of JavaScript objects. */
const forbiddenKeys = new Set(["__proto__", "constructor", "prototype"])

/** One walk over the parsed nodes: aliases and merge keys resolved, every value with its place. */
export class YamlReader {
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
