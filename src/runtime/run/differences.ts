import { isDeepStrictEqual } from "node:util"
import type { Difference } from "../../schema/check.ts"
import type { BlobStore } from "../store/blobs.ts"

/** How many differences of one row, file or value are told. */
const MOST = 3

type Group = Readonly<Record<string, unknown>>
const isGroup = (value: unknown): value is Group => typeof value === "object" && value !== null

const isBlob = (value: unknown): value is { readonly $blob: string; readonly bytes: number } =>
  isGroup(value) && typeof value["$blob"] === "string"

const shown = (value: unknown): string | null => {
  if (value === undefined) return null
  const text = JSON.stringify(value)
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

/** The first byte in which two contents differ. */
export const byteDifference = (at: string, before: Uint8Array, after: Uint8Array): Difference => {
  let i = 0
  while (i < before.length && i < after.length && before[i] === after[i]) i++
  const byte = (bytes: Uint8Array): string | null =>
    i < bytes.length
      ? `0x${bytes[i].toString(16).padStart(2, "0")} of ${bytes.length} bytes`
      : `the end, after ${bytes.length} bytes`
  return { at: `${at}, byte ${i}`, before: byte(before), after: byte(after) }
}

/** Where two JSON values differ, in the order of their keys; contents of blobs to the byte. */
export const valueDifferences = (
  blobs: BlobStore,
  at: string,
  before: unknown,
  after: unknown,
  most = MOST,
): ReadonlyArray<Difference> => {
  if (isDeepStrictEqual(before, after)) return []
  if (isBlob(before) && isBlob(after) && before.$blob !== after.$blob)
    return [byteDifference(at, blobs.get(before.$blob), blobs.get(after.$blob))]
  if (!isGroup(before) || !isGroup(after) || Array.isArray(before) !== Array.isArray(after))
    return [{ at, before: shown(before), after: shown(after) }]
  const found: Array<Difference> = []
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (found.length >= most) break
    const name = Array.isArray(before) ? `${at}[${key}]` : at === "" ? key : `${at}.${key}`
    found.push(...valueDifferences(blobs, name, before[key], after[key], most - found.length))
  }
  return found
}
