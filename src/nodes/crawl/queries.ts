/** One search: the item of a crawl. */
export interface Query {
  /** `class/word` */
  readonly id: string
  readonly label: string
  readonly keyword: string
  /** What is sent to the engine. */
  readonly query: string
}

/**
 * The searches of a crawl: one per class and word, in the order of the document; a word that is repeated within
 * its class counts once. The same word under two classes is two searches.
 */
export const queriesOf = (
  keywords: Readonly<Record<string, ReadonlyArray<string>>>,
  template: string,
): ReadonlyArray<Query> =>
  Object.entries(keywords).flatMap(([label, words]) =>
    [...new Set(words.map((word) => word.trim()).filter((word) => word !== ""))].map((keyword) => ({
      id: `${label}/${keyword}`,
      label,
      keyword,
      query: template.replaceAll("{keyword}", () => keyword),
    })),
  )
