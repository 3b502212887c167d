import * as Effect from "effect/Effect"
import type { NodeContext, RunFunction } from "../../runtime/node.ts"
import type { Reject, Sample } from "../../schema/sample.ts"
import { decodeImage } from "../../vision/decode.ts"
import { perceptualHash } from "../../vision/hash.ts"
import { nearDuplicates } from "../../vision/nearDuplicates.ts"
import { decide, groupsOf, type Entry } from "./clusters.ts"
import type { Cluster, inputs, outputs, Params } from "./dedupe.ts"
import { lookOf, sameness } from "./look.ts"
import { similarity, thumbOf, type Thumb } from "./similarity.ts"

/** Pictures decoded at the same time. */
const concurrency = 4

type Claims = NonNullable<Sample["claims"]>

const sizeOf = ({ face, width, height, image }: Sample): number => {
  if (face !== undefined) return (face.box[2] - face.box[0]) * (face.box[3] - face.box[1])
  return width !== undefined && height !== undefined ? width * height : image.bytes
}

const pictureOf = async (row: Sample, context: NodeContext) =>
  lookOf(await decodeImage(await context.blobs.get(row.image)), row.face)

/** All claims of the members, each once, sorted. */
export const mergedClaims = (rows: ReadonlyArray<Sample>): Claims => {
  const claims = new Map<string, Claims[number]>()
  for (const row of rows)
    for (const claim of row.claims ?? []) claims.set(`${claim.label}\n${claim.by}`, claim)
  return [...claims].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, claim]) => claim)
}

const entriesOf = Effect.fn("dedupe.entries")(function* (
  rows: ReadonlyArray<Sample>,
  guarded: number,
  context: NodeContext,
) {
  let done = 0
  return yield* Effect.forEach(
    rows,
    (row, i) =>
      Effect.tryPromise(async (): Promise<Entry> => {
        const phash = row.phash ?? perceptualHash(await pictureOf(row, context))
        if (++done % 256 === 0) context.progress(done, rows.length, "hashing")
        return {
          id: row.id,
          same: sameness(row.image.$blob, row.face),
          phash,
          label: row.label,
          size: sizeOf(row),
          protected: i >= guarded,
        }
      }),
    { concurrency },
  )
})

/** Small pictures of all that have a neighbour by hash: only they are ever compared. */
const thumbsOf = Effect.fn("dedupe.thumbs")(function* (
  rows: ReadonlyArray<Sample>,
  entries: ReadonlyArray<Entry>,
  maxDistance: number,
  context: NodeContext,
) {
  const close = nearDuplicates(
    entries.map(({ phash }) => phash),
    maxDistance,
  ).flat()
  const thumbs = new Map<number, Thumb>()
  yield* Effect.forEach(
    close,
    (i) =>
      Effect.tryPromise(async () => {
        thumbs.set(i, thumbOf(await pictureOf(rows[i], context)))
        if (thumbs.size % 256 === 0) context.progress(thumbs.size, close.length, "comparing")
      }),
    { concurrency, discard: true },
  )
  return thumbs
})

const run = Effect.fn("dedupe")(function* ({
  inputs: { items, protect },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) {
  const { maxDistance, similarity: enough, onConflict } = params
  const own = yield* Effect.promise(() => items.all())
  const guards = yield* Effect.promise(() => Promise.all(protect.map(({ value }) => value.all())))
  const rows: ReadonlyArray<Sample> = [...own, ...guards.flat()]
  const entries = yield* entriesOf(rows, own.length, context)
  const thumbs = yield* thumbsOf(rows, entries, maxDistance, context)
  const groups = groupsOf(
    entries,
    maxDistance,
    (a, b) => similarity(thumbs.get(a)!, thumbs.get(b)!, enough) >= enough,
  )

  const byId = new Map(own.map((row) => [row.id, row]))
  const unique = new Map(byId)
  const duplicates: Array<Sample> = []
  const rejected: Array<Reject> = []
  const clusters: Array<Cluster> = []
  for (const group of groups) {
    const decision = decide(entries, group, onConflict)
    if (decision === undefined) continue
    const { cluster, kept, dropped } = decision
    // A lone picture that a protected one resembles is no cluster of the items.
    if (cluster.members.length > 1 || cluster.outcome !== "kept") clusters.push(cluster)
    for (const id of dropped) {
      const row = byId.get(id)!
      unique.delete(id)
      duplicates.push({ ...row, cluster: cluster.id })
      rejected.push({
        id,
        ...(cluster.outcome === "protected"
          ? { reason: "in-protected-set", detail: `like ${cluster.protectedBy}` }
          : cluster.outcome === "conflict"
            ? { reason: "label-conflict", detail: cluster.labels.join(", ") }
            : { reason: "duplicate", detail: `of ${cluster.id} (${cluster.kind})` }),
        url: row.source.url,
        image: row.image,
        ...(row.label === undefined ? {} : { label: row.label }),
      })
    }
    if (kept === undefined) continue
    const claims = mergedClaims(cluster.members.map((id) => byId.get(id)!))
    unique.set(kept.id, {
      ...byId.get(kept.id)!,
      cluster: kept.id,
      ...(kept.label === undefined ? {} : { label: kept.label }),
      ...(claims.length === 0 ? {} : { claims }),
    })
  }
  const count = (reason: string): number => rejected.filter((reject) => reject.reason === reason).length
  context.log(
    `${own.length} pictures: ${unique.size} stay; ${count("duplicate")} duplicates, ${count("label-conflict")} of conflicting labels, ${count("in-protected-set")} like a protected picture; ${clusters.length} clusters`,
  )
  return { unique: unique.values(), duplicates, clusters, rejected }
})

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
