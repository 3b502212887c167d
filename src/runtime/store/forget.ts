import { existsSync, openSync, closeSync, fsyncSync, writeSync, readFileSync } from "node:fs"
import { join } from "node:path"
import type { RunRecord } from "../../schema/trace.ts"
import { transaction } from "./database.ts"
import { syncFolder } from "./durable-files.ts"
import { addressDigest, Forgotten, FORGOTTEN_FILE, readForgotten, type Tombstone } from "./forgotten.ts"
import { digestsIn } from "./references.ts"
import { askForPurge } from "./purge-asked.ts"
import { seal } from "./seal.ts"
import { findTaint, type Taint } from "./taint.ts"
import type { ItemResult } from "./traces.ts"
import type { OpenStore } from "./store.ts"

/** What is to be forgotten, as a person says it. */
export interface ForgetRequest {
  readonly urls: ReadonlyArray<string>
  readonly digests: ReadonlyArray<string>
  readonly looks: Tombstone["looks"]
  readonly reason?: string
  readonly dryRun: boolean
  readonly now: number
}

export interface ForgetReport extends Pick<Taint, "results" | "tables"> {
  /** The line that was (or would be) added. */
  readonly tombstone: Tombstone
  /** Runs whose figures rest on it. */
  readonly runs: ReadonlyArray<string>
  readonly applied: Applied | undefined
}

export interface Applied {
  readonly results: number
  readonly items: number
  readonly chunks: number
}

/**
 * Asks a project to forget something: adds the request to its file, durably, and takes back every result of the
 * store that holds it or rests on it. Its bytes go with the next collection.
 */
export const forget = (store: OpenStore, project: string, request: ForgetRequest): ForgetReport => {
  const before = readForgotten(project)
  let tombstone: Tombstone = {
    at: new Date(request.now).toISOString(),
    urls: unique(request.urls.map(addressDigest)),
    digests: unique(request.digests),
    looks: request.looks,
    ...(request.reason === undefined ? {} : { reason: request.reason }),
  }
  // A picture found by its address is forgotten by its bytes too, and the other way round, until no name is new.
  const named = new Set(request.urls)
  let taint: Taint
  for (;;) {
    taint = findTaint(store, new Forgotten([tombstone]))
    for (const address of taint.addresses) named.add(address)
    const urls = unique([...tombstone.urls, ...[...taint.addresses].map(addressDigest)])
    const digests = unique([...tombstone.digests, ...taint.pictures])
    if (urls.length === tombstone.urls.length && digests.length === tombstone.digests.length) break
    tombstone = { ...tombstone, urls, digests }
  }
  const runs = runsNaming(store, taint)
  const report = { tombstone, results: taint.results, tables: taint.tables, runs }
  if (request.dryRun) return { ...report, applied: undefined }
  addLine(project, tombstone)
  store.forgotten.use(project)
  const all = new Forgotten([...before.tombstones, tombstone])
  return { ...report, applied: apply(store, all, taint, named) }
}

/**
 * Takes back what rests on any request of a project, also those that came from another machine with its file. What
 * was looked through before is not looked through again.
 */
export const applyForgotten = (store: OpenStore, project: string): Applied => {
  store.forgotten.use(project)
  const { list } = store.forgotten
  const none = { results: 0, items: 0, chunks: 0 }
  return list.isEmpty ? none : apply(store, list, findTaint(store, list), new Set())
}

const unique = (all: Iterable<string>): ReadonlyArray<string> => [...new Set(all)].sort()

/** Runs that used, or made, a result that is taken back; newest first. */
const runsNaming = (store: OpenStore, taint: Taint): ReadonlyArray<string> => {
  const keys = new Set(taint.results.map(({ key }) => key))
  const runs: Array<string> = []
  if (keys.size === 0) return runs
  for (const { id, nodes } of store.traces.runs(Number.MAX_SAFE_INTEGER))
    if (nodes.some(({ key }) => key !== undefined && keys.has(key))) runs.push(id)
  return runs
}

const addLine = (project: string, tombstone: Tombstone): void => {
  const path = join(project, FORGOTTEN_FILE)
  const isNew = !existsSync(path)
  // A last line without its end (an editor's, or a crash's) must not swallow this one.
  const open = !isNew && !/(?:^|\n)$/u.test(readFileSync(path, "utf8"))
  const fd = openSync(path, "a")
  try {
    writeSync(fd, `${open ? "\n" : ""}${JSON.stringify(tombstone)}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  if (isNew) syncFolder(project)
}

const apply = (
  store: OpenStore,
  forgotten: Forgotten,
  taint: Taint,
  addresses: ReadonlySet<string>,
): Applied => {
  const { db } = store
  const items = dropItems(store, forgotten, taint)
  const chunks = dropChunks(store, taint)
  transaction(db, () => {
    const invalidate = db.prepare("UPDATE traces SET invalid = 1 WHERE seq = ?")
    for (const { seq } of taint.results) invalidate.run(seq)
    blackenRuns(store, addresses)
    if (taint.results.length + items + chunks > 0) askForPurge(db)
  })
  return { results: taint.results.length, items, chunks }
}

/** Takes out of the records of runs what they say of it in the clear: errors, and logs of nodes that failed. */
const blackenRuns = (store: OpenStore, addresses: ReadonlySet<string>): void => {
  if (addresses.size === 0) return
  const says = (log: string): boolean => {
    if (!store.blobs.has(log)) return false
    const text = Buffer.from(store.blobs.get(log))
    return [...addresses].some((address) => text.includes(address))
  }
  for (const run of store.traces.runs(Number.MAX_SAFE_INTEGER)) {
    const before = JSON.stringify(run)
    const nodes = run.nodes.map(({ log, ...rest }) => ({
      ...rest,
      ...(log === undefined || says(log) ? {} : { log }),
    }))
    let after = JSON.stringify({ ...run, nodes })
    for (const address of addresses)
      after = after.replaceAll(JSON.stringify(address).slice(1, -1), "(forgotten)")
    if (after !== before) store.traces.saveRun(JSON.parse(after) as RunRecord)
  }
}

const BATCH = 5_000

/** Goes through the results of items or chunks; `change` gives undefined (as it is), null (drop) or what it becomes. */
const rewrite = (
  store: OpenStore,
  table: "items" | "chunk_results",
  change: (text: Buffer) => string | null | undefined,
): number => {
  const { db } = store
  const page = db.prepare(`SELECT key, at, result FROM ${table} WHERE key > ? ORDER BY key LIMIT ?`)
  const drop = db.prepare(`DELETE FROM ${table} WHERE key = ?`)
  const set = db.prepare(`UPDATE ${table} SET result = ?, seal = ? WHERE key = ?`)
  let changed = 0
  let after = ""
  for (;;) {
    const rows = page.all(after, BATCH)
    if (rows.length === 0) return changed
    after = String(rows[rows.length - 1]["key"])
    const changes = rows.flatMap((row) => {
      const result = change(Buffer.from(String(row["result"])))
      return result === undefined ? [] : [{ key: String(row["key"]), at: Number(row["at"]), result }]
    })
    changed += changes.length
    if (changes.length > 0)
      transaction(db, () => {
        for (const { key, at, result } of changes) {
          if (result === null) drop.run(key)
          else set.run(result, seal(key, at, result), key)
        }
      })
  }
}

/**
 * A result of rows that stand for themselves (a crawl's, an import's) loses the rows, so that nothing has to be
 * fetched again; one that was made of a forgotten item goes.
 */
const dropItems = (store: OpenStore, forgotten: Forgotten, taint: Taint): number =>
  rewrite(store, "items", (text) => {
    const names =
      forgotten.text(text) ||
      digestsIn(text).some((digest) => taint.derived.has(digest)) ||
      [...taint.hashes].some((hash) => text.includes(`"phash":"${hash}"`))
    if (!names) return undefined
    const left = JSON.stringify(store.forgotten.without(JSON.parse(text.toString("utf8")) as ItemResult))
    return forgotten.text(Buffer.from(left)) || left === text.toString("utf8") ? null : left
  })

const dropChunks = (store: OpenStore, taint: Taint): number =>
  rewrite(store, "chunk_results", (text) => {
    const holds = digestsIn(text).some(
      (digest) => taint.chunks.has(digest) || !store.forgotten.isClean({ digest, table: false }),
    )
    return holds ? null : undefined
  })
