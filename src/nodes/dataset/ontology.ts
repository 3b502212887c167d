/** Usual forms of the basic expressions in data sets and folder names → the nouns of this project. */
const forms: Readonly<Record<string, string>> = {
  angry: "anger",
  contemptuous: "contempt",
  disgusted: "disgust",
  afraid: "fear",
  fearful: "fear",
  scared: "fear",
  happy: "happiness",
  joy: "happiness",
  sad: "sadness",
  surprised: "surprise",
}

export interface Ontology {
  readonly classes?: ReadonlyArray<string>
  /** Foreign label → class; null = drop. */
  readonly labels: Readonly<Record<string, string | null>>
}

/**
 * The class a label means: what `labels` says, else the label itself where it is a class (upper or lower case),
 * else the class its usual form stands for. Without `classes` every label is a class.
 * @returns null for a label that is to be dropped, undefined for one that is not known
 */
export const translate = (label: string, { classes, labels }: Ontology): string | null | undefined => {
  if (Object.hasOwn(labels, label)) return labels[label]
  if (classes === undefined || classes.includes(label)) return label
  const lower = label.toLowerCase()
  const same = classes.find((name) => name.toLowerCase() === lower)
  if (same !== undefined) return same
  const form = Object.hasOwn(forms, lower) ? forms[lower] : undefined
  return form !== undefined && classes.includes(form) ? form : undefined
}
