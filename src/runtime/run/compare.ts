import type { Difference, PortCheck } from "../../schema/check.ts"
import type { Digest } from "../../schema/digest.ts"
import type { OutputRecord } from "../../schema/trace.ts"
import { readFiles, readJson } from "../store/artifacts.ts"
import type { BlobStore } from "../store/blobs.ts"
import { readTable } from "../store/tables.ts"
import { byteDifference, valueDifferences } from "./differences.ts"

/** How many rows or files are told in full. */
const MOST = 3

type Counts = NonNullable<PortCheck["counts"]>
type Found = { readonly counts: Counts; readonly first: ReadonlyArray<Difference> }
interface Row {
  readonly id: string
}

/** Compares two artifacts of one port: by digest, and where those differ, to the row, the field and the byte. */
export const comparePort = async (
  blobs: BlobStore,
  port: string,
  before: OutputRecord | undefined,
  after: OutputRecord | undefined,
): Promise<PortCheck> => {
  const base = {
    port,
    type: (after ?? before)?.type ?? "",
    before: before?.digest ?? null,
    after: after?.digest ?? null,
  }
  if (before === undefined || after === undefined) return { ...base, same: before === after, first: [] }
  if (before.digest === after.digest) return { ...base, same: true, first: [] }
  const found = await compareArtifacts(blobs, before, after)
  return { ...base, same: false, ...found }
}

const compareArtifacts = async (
  blobs: BlobStore,
  before: OutputRecord,
  after: OutputRecord,
): Promise<Found> => {
  if (before.rows !== undefined && after.rows !== undefined)
    return compareTables(blobs, before.digest, after.digest, Math.max(before.rows, after.rows))
  const [a, b] = [readJson(blobs, before.digest), readJson(blobs, after.digest)]
  if (isFiles(a) && isFiles(b)) return compareFiles(blobs, before.digest, after.digest)
  const first = valueDifferences(blobs, "", a, b, 2 * MOST)
  return { counts: { of: 1, changed: 1, added: 0, removed: 0 }, first }
}

const isFiles = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "record" in value && value.record === "files"

/** Walks two tables side by side, in the order of their ids; holds one row of each. */
const compareTables = async (blobs: BlobStore, before: Digest, after: Digest, of: number): Promise<Found> => {
  const [left, right] = [before, after].map((digest) =>
    readTable<Row>(blobs, digest).stream()[Symbol.asyncIterator](),
  )
  let [changed, added, removed, told] = [0, 0, 0, 0]
  const first: Array<Difference> = []
  const tell = (differences: () => ReadonlyArray<Difference>): void => {
    if (++told <= MOST) first.push(...differences())
  }
  let [a, b] = [await left.next(), await right.next()]
  while (a.done !== true || b.done !== true) {
    const [x, y] = [a.done === true ? undefined : a.value, b.done === true ? undefined : b.value]
    if (y === undefined || (x !== undefined && x.id < y.id)) {
      removed++
      tell(() => [{ at: rowName(x!.id), before: JSON.stringify(x).slice(0, 200), after: null }])
      a = await left.next()
    } else if (x === undefined || y.id < x.id) {
      added++
      tell(() => [{ at: rowName(y.id), before: null, after: JSON.stringify(y).slice(0, 200) }])
      b = await right.next()
    } else {
      const differences = valueDifferences(blobs, "", x, y)
      if (differences.length > 0) {
        changed++
        tell(() => differences.map((one) => ({ ...one, at: `${rowName(x.id)}, field ${one.at}` })))
      }
      ;[a, b] = [await left.next(), await right.next()]
    }
  }
  return { counts: { of, changed, added, removed }, first }
}

const rowName = (id: string): string => `row ${JSON.stringify(id)}`

const compareFiles = (blobs: BlobStore, before: Digest, after: Digest): Found => {
  const entries = (digest: Digest) =>
    new Map(
      readFiles(blobs, digest, () => Promise.reject(new Error("nothing is laid out here"))).entries.map(
        (entry) => [entry.path, entry],
      ),
    )
  const [left, right] = [entries(before), entries(after)]
  let [changed, added, removed, told] = [0, 0, 0, 0]
  const first: Array<Difference> = []
  const paths = [...new Set([...left.keys(), ...right.keys()])].sort()
  for (const path of paths) {
    const [a, b] = [left.get(path), right.get(path)]
    const name = path === "" ? "the file" : path
    let difference: Difference | undefined
    if (a === undefined || b === undefined) {
      if (a === undefined) added++
      else removed++
      const size = (entry: typeof a) => (entry === undefined ? null : `${entry.blob.bytes} bytes`)
      difference = { at: name, before: size(a), after: size(b) }
    } else if (a.blob.$blob !== b.blob.$blob) {
      changed++
      if (told < MOST) difference = byteDifference(name, blobs.get(a.blob.$blob), blobs.get(b.blob.$blob))
    } else if (a.executable !== b.executable) {
      changed++
      const mode = (entry: typeof a): string => (entry.executable === true ? "executable" : "not executable")
      difference = { at: name, before: mode(a), after: mode(b) }
    }
    if (difference !== undefined && ++told <= MOST) first.push(difference)
  }
  return { counts: { of: paths.length, changed, added, removed }, first }
}
