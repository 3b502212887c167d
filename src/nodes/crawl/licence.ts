/** "CC BY-SA 4.0" → "cc by-sa 4.0"; spelling and blanks don't tell licences apart. */
const normal = (name: string): string =>
  name
    .toLowerCase()
    .replace(/^cc[-\s]+/, "cc ")
    .replace(/[\s_]+/g, " ")
    .trim()

/** The name without version and country: "cc by-sa 4.0 de" → "cc by-sa"; CC0 and PD keep theirs. */
const family = (name: string): string => name.replace(/ \d+(\.\d+)*(,\d+(\.\d+)*)*( [a-z]{2,3})?$/, "")

/**
 * Whether a licence is among those allowed. An allowed name with a version means that version; one without means
 * all versions of that very licence (`CC BY` is not `CC BY-SA`).
 */
export const allowedLicence = (name: string | undefined, allowed: ReadonlyArray<string>): boolean => {
  if (name === undefined) return false
  const mine = normal(name)
  return allowed.some((entry) => {
    const other = normal(entry)
    return other === mine || other === family(mine)
  })
}
