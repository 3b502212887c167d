const isGroup = (value: unknown): value is object => typeof value === "object" && value !== null

/** Names of the secrets that parameters mention, as `{ $secret: NAME }`. */
export function* secretNames(params: unknown): Generator<string> {
  if (!isGroup(params)) return
  if ("$secret" in params && typeof params.$secret === "string") yield params.$secret
  else for (const value of Object.values(params)) yield* secretNames(value)
}

/** @throws Error where a secret that the parameters mention has no value */
export const requireSecrets = (params: unknown, secrets: Readonly<Record<string, string>>): void => {
  const unset = [...new Set(secretNames(params))].filter((name) => secrets[name] === undefined)
  if (unset.length === 0) return
  throw new Error(
    unset.length === 1
      ? `the secret ${unset[0]} is not set: set it in the environment and run again`
      : `the secrets ${unset.join(", ")} are not set: set them in the environment and run again`,
  )
}

/** Puts `***` for every secret in a text; of a secret of several lines, for each of them. */
export const maskerOf = (secrets: Readonly<Record<string, string>>): ((text: string) => string) => {
  const words = Object.values(secrets)
    .flatMap((value) => [value, ...value.split(/\r?\n/u)])
    .filter((word) => word.trim() !== "")
    .sort((a, b) => b.length - a.length)
  if (words.length === 0) return (text) => text
  return (text) => words.reduce((masked, word) => masked.replaceAll(word, "***"), text)
}
