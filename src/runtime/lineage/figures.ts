/** A number of a JSON artifact, by its path. */
export type Figures = ReadonlyMap<string, number>

export interface FigureChange {
  readonly name: string
  readonly before: number | null
  readonly after: number | null
  /** after − before; null where one of them is not there. */
  readonly delta: number | null
}

type Fields = Readonly<Record<string, unknown>>
const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What names an element of a list, so that it is found again when the list grows. */
const NAMES = ["model", "set", "name", "id", "label", "class"]

const nameOf = (element: unknown): string | undefined => {
  if (!isRecord(element)) return undefined
  const parts = NAMES.flatMap((field) => (typeof element[field] === "string" ? [element[field]] : []))
  return parts.length === 0 ? undefined : parts.join(" × ")
}

/**
 * The numbers of a JSON value: `results.m × tests.accuracy`. Elements of a list go by their names, else by their
 * number; sizes of blobs are no figures. Where there is a list `results` of named elements, what stands beside it
 * repeats it for tools and is left out.
 */
export const figuresOf = (value: unknown): Figures => {
  const found = new Map<string, number>()
  const walk = (part: unknown, path: string): void => {
    if (typeof part === "number") found.set(path, part)
    else if (Array.isArray(part)) {
      const names = part.map(nameOf)
      const named = names.every((name) => name !== undefined) && new Set(names).size === names.length
      part.forEach((element, i) => walk(element, join(path, named ? names[i] : String(i))))
    } else if (isRecord(part) && !("$blob" in part)) {
      for (const [name, inner] of Object.entries(part)) walk(inner, join(path, name))
    }
  }
  const results = isRecord(value) ? value["results"] : undefined
  const named =
    Array.isArray(results) && results.length > 0 && results.every((one) => nameOf(one) !== undefined)
  walk(named ? results : value, "")
  return found
}

const join = (path: string, name: string): string => (path === "" ? name : `${path}.${name}`)

/** Figures that are another, gone or new; in the order in which they are met. */
export const figureChanges = (before: Figures, after: Figures): ReadonlyArray<FigureChange> =>
  [...new Set([...before.keys(), ...after.keys()])].flatMap((name) => {
    const [a, b] = [before.get(name) ?? null, after.get(name) ?? null]
    return a === b ? [] : [{ name, before: a, after: b, delta: a === null || b === null ? null : b - a }]
  })
