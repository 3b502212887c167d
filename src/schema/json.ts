import canonicalizeJson from "canonicalize"

/** Any value that JSON can carry. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** Canonical JSON (RFC 8785): sorted keys, shortest numbers, no spaces. The text that is hashed and stored. */
export const canonical = (value: unknown): string => {
  const text = canonicalizeJson(value)
  if (text === undefined) throw new TypeError("canonical: the value has no JSON form")
  return text
}
