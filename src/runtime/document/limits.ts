/** What a document may grow to: beyond it is an error, not a crash. */
export const limits = {
  /** Bytes of a document. */
  bytes: 4 * 1024 * 1024,
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
