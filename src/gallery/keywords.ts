import type { Expression } from "./expression.ts"

/** What the gallery knows about one search word. */
export interface Keyword {
  readonly word: string
  /** The classes its pictures are meant to show; more than one where the word is ambiguous. */
  readonly meant: readonly Expression[]
  /** How many pictures exist for it. */
  readonly pictures: number
  /** Share of face pictures when the query asks for no face: "sunny" mostly finds the sun. */
  readonly bareYield: number
}

/** Words that mean other things first, so that the bare word finds hardly a face. */
const everyday = new Set([
  "sunny",
  "the blues",
  "tremors",
  "tragedy",
  "depression",
  "content",
  "wonder",
  "alarm",
  "passion",
  "revolt",
  "awe",
  "offend",
  "put off",
  "diaphanous",
  "nonaligned",
  "temper",
  "bleakness",
  "blessed",
  "blest",
  "repel",
  "portentous",
  "panic",
])

/** Near-synonyms per class as the source paper lists them, with the pictures of the first and the last of each list. */
const lists: readonly (readonly [Expression, number, number, readonly string[]])[] = [
  ["neutral", 420, 180, ["indifferent", "nonaligned", "diaphanous"]],
  [
    "surprise",
    64,
    36,
    [
      "amazed",
      "astonishment",
      "astounded",
      "surprised",
      "astonished",
      "besurprised",
      "beamazed",
      "stunned",
      "stupefied",
      "wonder",
      "marvelousness",
      "astonishing",
      "portentous",
    ],
  ],
  [
    "sadness",
    72,
    30,
    [
      "unhappiness",
      "sorrow",
      "grief",
      "tragedy",
      "depression",
      "the blues",
      "misery",
      "melancholy",
      "poignancy",
      "despondency",
      "bleakness",
      "heavy-heart",
      "dejection",
      "wretchedness",
      "gloominess",
      "mournfulness",
      "dolour",
      "dolefulness",
      "cheerlessness",
      "sorrowfulness",
    ],
  ],
  [
    "happiness",
    150,
    60,
    [
      "pleased",
      "delighted",
      "content",
      "contented",
      "thrilled",
      "glad",
      "blessed",
      "blest",
      "sunny",
      "cheerful",
      "jolly",
      "merry",
      "ecstatic",
      "gratified",
      "jubilant",
      "joyous",
      "joyful",
      "elated",
    ],
  ],
  [
    "fear",
    26,
    12,
    [
      "dread",
      "horror",
      "panic",
      "terror",
      "dismay",
      "awe",
      "fright",
      "tremors",
      "qualms",
      "consternation",
      "alarm",
      "timidity",
      "fearfulness",
    ],
  ],
  ["disgust", 18, 10, ["sicken", "outrage", "offend", "revolt", "put off", "repel", "nauseate"]],
  [
    "anger",
    60,
    28,
    [
      "rage",
      "passion",
      "outrage",
      "temper",
      "fury",
      "resentment",
      "irritation",
      "wrath",
      "indignation",
      "annoyance",
      "agitation",
      "antagonism",
      "displeasure",
    ],
  ],
]

/** Plain names of the classes, which people search first; not in the paper's lists. */
const plain: readonly (readonly [Expression, number, readonly string[]])[] = [
  ["neutral", 160, ["neutral", "expressionless", "calm"]],
  ["surprise", 60, ["surprise"]],
  ["sadness", 70, ["sad", "sadness", "unhappy"]],
  ["happiness", 160, ["happy", "happiness", "smiling", "joy"]],
  ["fear", 24, ["fear", "afraid", "scared"]],
  ["disgust", 16, ["disgust", "disgusted"]],
  ["anger", 60, ["angry", "anger"]],
]

const build = (): readonly Keyword[] => {
  const known = new Map<string, Keyword>()
  const add = (word: string, expression: Expression, pictures: number): void => {
    const before = known.get(word)
    if (before === undefined)
      known.set(word, { word, meant: [expression], pictures, bareYield: everyday.has(word) ? 0.06 : 0.5 })
    else
      known.set(word, {
        ...before,
        meant: [...before.meant, expression],
        pictures: Math.max(pictures, before.pictures),
      })
  }
  for (const [expression, first, last, words] of lists) {
    words.forEach((word, i) =>
      add(word, expression, Math.round(first + ((last - first) * i) / (words.length - 1))),
    )
  }
  for (const [expression, pictures, words] of plain) for (const word of words) add(word, expression, pictures)
  return [...known.values()]
}

/** Every word the gallery has pictures for. */
export const keywords: readonly Keyword[] = build()

/** The paper's words per class, in its order. */
export const paperKeywords = (expression: Expression): readonly string[] =>
  lists.find(([name]) => name === expression)?.[3] ?? []

const aboutFaces = new Set([
  "face",
  "faces",
  "facial",
  "expression",
  "expressions",
  "portrait",
  "portraits",
  "person",
  "people",
  "human",
  "man",
  "woman",
  "headshot",
  "selfie",
])
const filler = new Set([
  "a",
  "an",
  "the",
  "of",
  "with",
  "photo",
  "photos",
  "photograph",
  "picture",
  "image",
  "in",
])

/** A query's text without operators, case, punctuation, filler and the words that ask for a face. */
export const readQuery = (text: string): { readonly core: string; readonly asksFace: boolean } => {
  const words = text
    .toLowerCase()
    .replace(/\S+:\S*/gu, " ")
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "" && !filler.has(word))
  const core = words.filter((word) => !aboutFaces.has(word))
  return { core: core.join(" "), asksFace: core.length < words.length }
}

const byCore = new Map(keywords.map((keyword) => [readQuery(keyword.word).core, keyword]))

/** The keyword a query's core names, if the gallery knows it. */
export const findKeyword = (core: string): Keyword | undefined => byCore.get(core)
