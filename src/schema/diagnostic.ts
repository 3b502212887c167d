/** One thing wrong with a document, with its place. Lines and columns are from 1. */
export interface Diagnostic {
  readonly severity: "error" | "warning"
  /** As the user named it. */
  readonly file: string
  readonly line: number
  readonly column: number
  /** Length of what is underlined, at least 1. */
  readonly length: number
  /** Path in the document, such as `nodes.train.with.lr`; empty for the whole. */
  readonly path: string
  readonly message: string
  /** What to do about it: a suggestion for a misspelling, the list of what there is. */
  readonly hint?: string
}
