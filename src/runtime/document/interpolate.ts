import { limits } from "./limits.ts"
import { suggest, type Problems } from "./problems.ts"
import type { Span } from "./source.ts"
import {
  broughtTo,
  child,
  describe,
  spanText,
  type Entry,
  type MapTree,
  type Path,
  type ScalarTree,
  type Tree,
} from "./tree.ts"

/** A variable declared under `env:`. */
export interface EnvironmentVariable {
  readonly secret: boolean
  readonly default?: string
  readonly at: Span
}

/** Values of the axes of an instance; undefined where there is no matrix to speak of. */
export type Bindings = ReadonlyMap<string, ScalarTree> | undefined

const reference = /\$\$\{|\$\{([^{}]*)\}|\$\{/g

/** Fills in `${params.…}`, `${matrix.…}` and `${env.…}`; `$${` stands for a literal `${`. */
export class References {
  private readonly resolved = new Map<Tree, Tree>()
  private readonly open = new Set<Tree>()
  private readonly sizes = new WeakMap<Tree, number>()
  private brought = 0
  private exhausted = false
  private readonly problems: Problems
  private readonly params: MapTree
  private readonly declared: ReadonlyMap<string, EnvironmentVariable>
  private readonly environment: Readonly<Record<string, string | undefined>>

  constructor(
    problems: Problems,
    params: MapTree,
    declared: ReadonlyMap<string, EnvironmentVariable>,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.problems = problems
    this.params = params
    this.declared = declared
    this.environment = environment
  }

  /** Fills in all of a value. What comes in by a reference is not looked at again. */
  fill(tree: Tree, path: Path, bindings: Bindings): Tree {
    if (tree.kind === "list") {
      return { ...tree, items: tree.items.map((item, i) => this.fill(item, [...path, i], bindings)) }
    }
    if (tree.kind === "map") {
      const entries = Array.from(tree.entries, ([name, { key, value }]): readonly [string, Entry] => [
        name,
        { key, value: this.fill(value, [...path, name], bindings) },
      ])
      return { ...tree, entries: new Map(entries) }
    }
    return typeof tree.value === "string" && tree.value.includes("${")
      ? this.text(tree, tree.value, path, bindings)
      : tree
  }

  /** A parameter of the document, filled in; undefined where there is none. */
  param(name: string): Tree | undefined {
    const entry = this.params.entries.get(name)
    return entry === undefined ? undefined : this.resolve(entry.value, ["params", name])
  }

  private text(tree: ScalarTree, text: string, path: Path, bindings: Bindings): Tree {
    const whole = /^\$\{([^{}]*)\}$/.exec(text)
    if (whole !== null) {
      const found = this.lookup(whole[1], tree.at, path, bindings)
      if (found === undefined) return { ...tree, value: null, missing: true }
      const size = this.size(found)
      if (this.brought + size > limits.referenced) {
        // Once is enough: what follows would only say it again.
        if (this.exhausted) return { ...tree, value: null, missing: true }
        this.exhausted = true
        this.problems.error(
          tree.at,
          path,
          "references repeat too much: the document grows beyond what it may",
          `at most ${limits.referenced} values may be brought by references`,
        )
        return { ...tree, value: null, missing: true }
      }
      this.brought += size
      return broughtTo(found, tree.at, text)
    }
    let length = 0
    const parts: Array<string> = []
    let failed = false
    const put = (part: string | undefined): void => {
      if (part === undefined) {
        failed = true
        return
      }
      length += part.length
      if (length <= limits.text) parts.push(part)
    }
    let last = 0
    for (const match of text.matchAll(reference)) {
      put(text.slice(last, match.index))
      last = match.index + match[0].length
      if (match[0] === "$${") put("${")
      else put(this.part(match[0], match[1], this.within(tree.at, match[0]), path, bindings))
    }
    put(text.slice(last))
    if (length > limits.text) {
      this.problems.error(tree.at, path, "the text grows too long", `the limit is ${limits.text} letters`)
    }
    return failed ? { ...tree, value: null, missing: true } : { ...tree, value: parts.join("") }
  }

  /** One reference inside of a longer text. */
  private part(
    written: string,
    name: string | undefined,
    at: Span,
    path: Path,
    bindings: Bindings,
  ): string | undefined {
    if (name === undefined) {
      this.problems.error(
        at,
        path,
        "a reference is not closed",
        "write ${params.name}, or $${ for a literal ${",
      )
      return undefined
    }
    const found = this.lookup(name, at, path, bindings)
    if (
      found === undefined ||
      (found.kind === "scalar" && found.missing === true && found.secret === undefined)
    )
      return undefined
    if (found.kind === "scalar" && found.secret !== undefined) {
      this.problems.error(
        at,
        path,
        `the secret ${found.secret} cannot be a part of a text`,
        "a secret is a whole value, so that it can be kept out of keys, logs and traces",
      )
      return undefined
    }
    if (found.kind !== "scalar" || found.value === null) {
      this.problems.error(
        at,
        path,
        `${written} is ${describe(found)}, which cannot be a part of a text`,
        "a reference that is the whole value keeps its type",
      )
      return undefined
    }
    return String(found.value)
  }

  private lookup(written: string, at: Span, path: Path, bindings: Bindings): Tree | undefined {
    const [root = "", ...parts] = written.trim().split(".")
    if (root === "params" && parts.length > 0) return this.fromParams(parts, at, path)
    if (root === "matrix" && parts.length === 1) return this.fromMatrix(parts[0], at, path, bindings)
    if (root === "env" && parts.length === 1) return this.fromEnv(parts[0], at, path)
    this.problems.error(
      at,
      path,
      `\${${written}} refers to nothing`,
      `there are \${params.NAME}, \${matrix.AXIS} and \${env.NAME}; write $\${${written}} for the text itself`,
    )
    return undefined
  }

  private fromParams(parts: ReadonlyArray<string>, at: Span, path: Path): Tree | undefined {
    let here: Tree = this.params
    for (const [index, part] of parts.entries()) {
      if (here.kind === "scalar") here = this.resolve(here, ["params", ...parts.slice(0, index)])
      const next = child(here, part)
      if (next === undefined) {
        const parent = ["params", ...parts.slice(0, index)].join(".")
        const known = here.kind === "map" ? [...here.entries.keys()] : []
        this.problems.error(
          at,
          path,
          `there is no ${["params", ...parts.slice(0, index + 1)].join(".")}`,
          here.kind === "map"
            ? suggest(part, known, "parameters")
            : here.kind === "list"
              ? `${parent} is a list of ${here.items.length}`
              : `${parent} is ${describe(here)}`,
        )
        return undefined
      }
      here = next
    }
    return this.resolve(here, ["params", ...parts])
  }

  private resolve(tree: Tree, path: Path): Tree {
    const known = this.resolved.get(tree)
    if (known !== undefined) return known
    if (this.open.has(tree)) {
      this.problems.error(tree.at, path, "parameters refer to each other in a circle")
      return { kind: "scalar", value: null, missing: true, at: tree.at }
    }
    this.open.add(tree)
    const filled = this.fill(tree, path, undefined)
    this.open.delete(tree)
    this.resolved.set(tree, filled)
    return filled
  }

  private fromMatrix(axis: string, at: Span, path: Path, bindings: Bindings): Tree | undefined {
    const value = bindings?.get(axis)
    if (value !== undefined) return value
    const [message, hint] =
      bindings === undefined
        ? [`\${matrix.${axis}} cannot be used here`, "it has a value in nodes with `matrix` or `each` only"]
        : bindings.size === 0
          ? [
              `\${matrix.${axis}} has no value: the node has no matrix`,
              `give it one: matrix: { ${axis}: […] }`,
            ]
          : [`the matrix has no axis "${axis}"`, suggest(axis, bindings.keys(), "axes")]
    this.problems.error(at, path, message, hint)
    return undefined
  }

  private fromEnv(name: string, at: Span, path: Path): Tree | undefined {
    const variable = this.declared.get(name)
    if (variable === undefined) {
      this.problems.error(
        at,
        path,
        `the environment variable ${name} is not declared`,
        this.declared.size > 0
          ? suggest(name, this.declared.keys(), "declared")
          : `declare it: env: { ${name}: {} }`,
      )
      return undefined
    }
    const value = this.environment[name] ?? variable.default
    if (variable.secret) {
      if (value !== undefined) return { kind: "scalar", value, secret: name, at: variable.at }
      this.problems.warning(
        variable.at,
        ["env", name],
        `the secret ${name} is not set`,
        "what is cached can be used; a node that needs it cannot run",
      )
      return { kind: "scalar", value: "", secret: name, missing: true, at: variable.at }
    }
    if (value !== undefined) return { kind: "scalar", value, at: variable.at }
    this.problems.error(
      at,
      path,
      `the environment variable ${name} is not set`,
      `set it, or give it a default where it is declared (${spanText(variable.at)})`,
    )
    return undefined
  }

  /** The place of a reference inside of a text, where it is written there as it is. */
  private within(at: Span, written: string): Span {
    const found = at.source.text.indexOf(written, at.start)
    return found === -1 || found >= at.end
      ? at
      : { source: at.source, start: found, end: found + written.length }
  }

  private size(tree: Tree): number {
    const known = this.sizes.get(tree)
    if (known !== undefined) return known
    let size = 1
    if (tree.kind === "list") for (const item of tree.items) size += this.size(item)
    else if (tree.kind === "map") for (const entry of tree.entries.values()) size += this.size(entry.value)
    this.sizes.set(tree, size)
    return size
  }
}
