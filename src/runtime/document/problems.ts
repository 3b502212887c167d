import * as Data from "effect/Data"
import { distance } from "fastest-levenshtein"
import type { Diagnostic } from "../../schema/diagnostic.ts"
import { renderDiagnostics } from "./render.ts"
import { positionOf, underlined, type Source, type Span } from "./source.ts"
import { pathText, type Path } from "./tree.ts"

/** What is wrong with a document: everything found, in the order of the text. */
export class DocumentError extends Data.TaggedError("DocumentError")<{
  readonly diagnostics: ReadonlyArray<Diagnostic>
  /** The texts that the diagnostics point into, by name. */
  readonly sources: ReadonlyMap<string, string>
}> {
  override get message(): string {
    return renderDiagnostics(this.diagnostics, this.sources)
  }
}

/** Collects what is wrong. The same problem at the same place is kept once, however many instances have it. */
export class Problems {
  private readonly found = new Map<string, Diagnostic>()
  private readonly order = new Map<string, number>()
  private errors = 0
  /** Texts that problems may point into, the document first. */
  readonly sources: ReadonlyMap<string, string>

  constructor(sources: ReadonlyArray<Source>) {
    this.sources = new Map(sources.map((source) => [source.name, source.text]))
    for (const [index, source] of sources.entries()) this.order.set(source.name, index)
  }

  error(at: Span, path: Path, message: string, hint?: string): void {
    this.add("error", at, path, message, hint)
  }

  warning(at: Span, path: Path, message: string, hint?: string): void {
    this.add("warning", at, path, message, hint)
  }

  private add(severity: Diagnostic["severity"], at: Span, path: Path, message: string, hint?: string): void {
    const key = JSON.stringify([at.source.name, at.start, path, message])
    if (this.found.has(key)) return
    if (severity === "error") this.errors += 1
    this.found.set(key, {
      severity,
      file: at.source.name,
      ...positionOf(at.source, at.start),
      length: underlined(at),
      path: pathText(path),
      message,
      ...(hint === undefined ? {} : { hint }),
    })
  }

  get failed(): boolean {
    return this.errors > 0
  }

  /** In the order of the texts and their lines. */
  get all(): ReadonlyArray<Diagnostic> {
    return [...this.found.values()].sort(
      (a, b) =>
        (this.order.get(a.file) ?? 0) - (this.order.get(b.file) ?? 0) ||
        a.line - b.line ||
        a.column - b.column,
    )
  }

  get failure(): DocumentError {
    return new DocumentError({ diagnostics: this.all, sources: this.sources })
  }
}

/**
 * The known word most like a misspelt one, if one is like enough: at most one edit per three letters begun and four
 * in all (one more where the first four letters of a plain word are right), case aside. A word that is the beginning of a known one counts as one edit.
 */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  const lower = word.toLowerCase()
  const bound = Math.min(4, Math.ceil(word.length / 3))
  let best: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const other = candidate.toLowerCase()
    const begun = lower.length >= 3 && other.startsWith(lower)
    const edits = begun ? 1 : distance(lower, other)
    const alike = lower.length > 4 && !lower.includes(".") && other.startsWith(lower.slice(0, 4))
    if (edits < least && edits <= bound + (alike ? 1 : 0)) {
      least = edits
      best = candidate
    }
  }
  return best
}

/** "did you mean x?", else the list of what there is (at most 12 names). */
export const suggest = (word: string, known: Iterable<string>, kind: string): string => {
  const names = [...known]
  const like = nearest(word, names)
  if (like !== undefined) return `did you mean "${like}"?`
  if (names.length === 0) return `there are no ${kind}`
  const shown = names.slice(0, 12)
  return `${kind}: ${shown.join(", ")}${names.length > shown.length ? ", …" : ""}`
}
