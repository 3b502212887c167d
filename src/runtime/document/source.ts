/** A text that values come from: the document, or what was given with `--set`. */
export interface Source {
  /** As the user named it. */
  readonly name: string
  readonly text: string
  /** Offset of the first character of each line. */
  readonly lineStarts: ReadonlyArray<number>
}

/** A piece of a source: `end` is exclusive. */
export interface Span {
  readonly source: Source
  readonly start: number
  readonly end: number
}

/** The name of the source that `--set` values come from; its line n is the n-th of them. */
export const setName = "--set"

export const makeSource = (name: string, text: string): Source => {
  const lineStarts = [0]
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1)
  return { name, text, lineStarts }
}

/** Line and column from 1, the column in UTF-16 units as editors count. Binary search over the lines. */
export const positionOf = (
  source: Source,
  offset: number,
): { readonly line: number; readonly column: number } => {
  let low = 0
  let high = source.lineStarts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (source.lineStarts[middle] <= offset) low = middle
    else high = middle - 1
  }
  return { line: low + 1, column: offset - source.lineStarts[low] + 1 }
}

/** The text of a line, from 1, without its end; empty past the last. */
export const lineText = (source: Source, line: number): string => {
  const start = source.lineStarts[line - 1]
  if (start === undefined) return ""
  const next = source.lineStarts[line]
  return source.text.slice(start, next === undefined ? undefined : next - 1).replace(/\r$/, "")
}

/** How much of a span lies on its first line, without trailing blanks: at least 1. */
export const underlined = (span: Span): number => {
  const piece = span.source.text.slice(span.start, span.end)
  const end = piece.search(/[\r\n]/)
  return Math.max(1, (end === -1 ? piece : piece.slice(0, end)).trimEnd().length)
}

export const wholeSource = (source: Source): Span => ({ source, start: 0, end: 0 })
