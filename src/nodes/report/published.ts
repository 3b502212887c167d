/** A published accuracy, as its source states it. */
export interface Published {
  readonly set: "ckplus" | "fer2013"
  readonly method: string
  /** Percent, one number or a range. */
  readonly accuracy: readonly [number] | readonly [number, number]
  readonly source: string
  /** The source gives no exact figure. */
  readonly about?: boolean
}

/**
 * The figures the source paper gives for CK+ (its own, and those it compares itself with), and for FER2013 those
 * published with tools in wide use. Cells of the paper's tables that we could not read are left out, not guessed.
 */
export const published: ReadonlyArray<Published> = [
  { set: "ckplus", method: "DenseNet-40", accuracy: [97.5], source: "the source paper" },
  { set: "ckplus", method: "ResNet-50", accuracy: [97.3], source: "the source paper" },
  {
    set: "ckplus",
    method: "De-expression residue learning",
    accuracy: [97.3],
    source: "as quoted by the source paper",
  },
  { set: "ckplus", method: "Joint fine-tuning", accuracy: [97.25], source: "as quoted by the source paper" },
  { set: "fer2013", method: "RMN, ensemble", accuracy: [76.8], source: "RMN" },
  { set: "fer2013", method: "single ResNet or DenseNet", accuracy: [73.2, 74.1], source: "RMN" },
  { set: "fer2013", method: "fer", accuracy: [66], source: "its documentation", about: true },
  { set: "fer2013", method: "DeepFace", accuracy: [57], source: "its documentation" },
]

/** Pictures in the source paper's final set, after cleaning and merging. */
export const paperPictures = 586_712
/** Side of the paper's input in pixels. */
export const paperSize = 224
/** The learning rates it searched. */
export const paperRates: ReadonlyArray<number> = [1e-3, 3e-4, 5e-4]

/** Readers' names of the sets, by the names importers give them. */
export const setTitles: Readonly<Record<string, string>> = { ckplus: "CK+", fer2013: "FER2013", mmi: "MMI" }

/** How a set is called on the page: `CK+`, `FER2013`; its own name where it is none of the known ones. */
export const setTitle = (name: string): string => {
  const title = setTitles[bareSet(name)]
  if (title === undefined) return name
  const node = name.includes(": ") ? `${name.slice(0, name.lastIndexOf(": "))}: ` : ""
  return `${node}${title}${name.endsWith(".test") ? ", test split" : ""}`
}

/** `fer2013.test`, `eval: ckplus`, `CK+` → the set's bare name. */
export const bareSet = (name: string): string =>
  (name.split(": ").at(-1) ?? name)
    .replace(/\.test$/, "")
    .toLowerCase()
    .replace(/\+/g, "plus")
    .replace(/[^a-z0-9]/g, "")
