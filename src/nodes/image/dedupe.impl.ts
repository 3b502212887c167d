import * as Effect from "effect/Effect"
import type { NodeContext, RunFunction } from "../../runtime/node.ts"
import type { Reject, Sample } from "../../schema/sample.ts"
import { perceptualHash } from "../../vision/hash.ts"
import { ImageError } from "../../vision/imageError.ts"
import type { Raster } from "../../vision/raster.ts"
import { decide, groupsOf, type Entry } from "./clusters.ts"
import type { Cluster, inputs, outputs, Params } from "./dedupe.ts"
import { lookOf, sameness } from "./look.ts"
import { readable } from "./readable.ts"
import { similarity, thumbOf, type Thumb } from "./similarity.ts"

/** Pictures decoded at the same time. */
const concurrency = 4

type Claims = NonNullable<Sample["claims"]>

const sizeOf = ({ face, width, height, image }: Sample): number => {
  if (face !== undefined) return (face.box[2] - face.box[0]) * (face.box[3] - face.box[1])
  return width !== undefined && height !== undefined ? width * height : image.bytes
}

const pictureOf = async (row: Sample, context: NodeContext): Promise<Raster | ImageError> => {
  const picture = await readable(row.image, context)
  return picture instanceof ImageError ? picture : lookOf(picture, row.face)
}

/** All claims of the members, each once, sorted. */
export const mergedClaims = (rows: ReadonlyArray<Sample>): Claims => {
  const claims = new Map<string, Claims[number]>()
  for (const row of rows)
    for (const claim of row.claims ?? []) claims.set(`${claim.label}\n${claim.by}`, claim)
  return [...claims].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, claim]) => claim)
}

/** The hash of each row: what came with it, or made now. */
const hashesOf = Effect.fn("dedupe.hashes")(function* (rows: ReadonlyArray<Sample>, context: NodeContext) {
  let done = 0
  return yield* Effect.forEach(
    rows,
    (row) =>
      Effect.tryPromise(async () => {
        if (++done % 256 === 0) context.progress(done, rows.length, "hashing")
        if (row.phash !== undefined) return row.phash
        const picture = await pictureOf(row, context)
        return picture instanceof ImageError ? picture : perceptualHash(picture)
      }),
    { concurrency },
  )
})

/** Thumbs of the pictures at some places of the list. */
const thumbsOf = Effect.fn("dedupe.thumbs")(function* (
  rows: ReadonlyArray<Sample>,
  places: ReadonlyArray<number>,
  context: NodeContext,
) {
  const thumbs = new Map<number, Thumb>()
  yield* Effect.forEach(
    places,
    (i) =>
      Effect.tryPromise(async () => {
        const picture = await pictureOf(rows[i], context)
        if (picture instanceof ImageError) throw picture
        thumbs.set(i, thumbOf(picture))
        if (thumbs.size % 256 === 0) context.progress(thumbs.size, places.length, "comparing")
      }),
    { concurrency, discard: true },
  )
  return thumbs
})

/**
 * Clusters of duplicates. Pairs that an earlier run of the node compared are not compared again: with a few new
 * pictures only they are, with what lies close to them.
 */
const clustersOf = Effect.fn("dedupe.clusters")(function* (
  rows: ReadonlyArray<Sample>,
  entries: ReadonlyArray<Entry>,
  { maxDistance, similarity: wholes, faceSimilarity }: Params,
  context: NodeContext,
) {
  const enoughFor = (a: number, b: number): number =>
    rows[a].face?.crop === true || rows[b].face?.crop === true ? faceSimilarity : wholes
  const pair = (a: number, b: number) => {
    const [one, other] = [entries[a].same, entries[b].same]
    return [...(one < other ? [one, other] : [other, one]), enoughFor(a, b)]
  }
  const unknown = new Set<number>()
  // Taking what is not known for no: no pair is left out, since fewer pictures are known to belong together.
  groupsOf(entries, maxDistance, (a, b) => {
    const alike = context.recall.get("alike", pair(a, b))
    if (alike === undefined) for (const i of [a, b]) unknown.add(i)
    return alike === true
  })
  const thumbs = yield* thumbsOf(rows, [...unknown], context)
  return groupsOf(entries, maxDistance, (a, b) => {
    const known = context.recall.get("alike", pair(a, b))
    if (known !== undefined) return known === true
    const enough = enoughFor(a, b)
    const alike = similarity(thumbs.get(a)!, thumbs.get(b)!, enough) >= enough
    context.recall.put("alike", pair(a, b), alike)
    return alike
  })
})

const rejectOf = (row: Sample, reason: string, detail: string): Reject => ({
  id: row.id,
  reason,
  detail,
  url: row.source.url,
  image: row.image,
  ...(row.label === undefined ? {} : { label: row.label }),
})

const reasonOf = ({ outcome, protectedBy, labels, id, kind }: Cluster): readonly [string, string] => {
  if (outcome === "protected") return ["in-protected-set", `like ${protectedBy}`]
  if (outcome === "conflict") return ["label-conflict", labels.join(", ")]
  return ["duplicate", `of ${id} (${kind})`]
}

const run = Effect.fn("dedupe")(function* ({
  inputs: { items, protect },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) {
  const own = yield* Effect.promise(() => items.all())
  const guards = yield* Effect.promise(() => Promise.all(protect.map(({ value }) => value.all())))
  const given: ReadonlyArray<Sample> = [...own, ...guards.flat()]
  const hashes = yield* hashesOf(given, context)
  const rows: Array<Sample> = []
  const entries: Array<Entry> = []
  const rejected: Array<Reject> = []
  const unique = new Map<string, Sample>()
  given.forEach((row, i) => {
    const phash = hashes[i]
    const isOwn = i < own.length
    if (phash instanceof ImageError) {
      if (isOwn) rejected.push(rejectOf(row, phash.problem, phash.message))
      return
    }
    rows.push(row)
    if (isOwn) unique.set(row.id, row)
    entries.push({
      id: row.id,
      same: sameness(row.image.$blob, row.face),
      phash,
      label: row.label,
      size: sizeOf(row),
      protected: !isOwn,
    })
  })
  const groups = yield* clustersOf(rows, entries, params, context)

  const byId = new Map(own.map((row) => [row.id, row]))
  const duplicates: Array<Sample> = []
  const clusters: Array<Cluster> = []
  for (const group of groups) {
    const decision = decide(entries, group, params.onConflict)
    if (decision === undefined) continue
    const { cluster, kept, dropped } = decision
    // A lone picture that a protected one resembles is no cluster of the items.
    if (cluster.members.length > 1 || cluster.outcome !== "kept") clusters.push(cluster)
    for (const id of dropped) {
      const row = byId.get(id)!
      unique.delete(id)
      duplicates.push({ ...row, cluster: cluster.id })
      rejected.push(rejectOf(row, ...reasonOf(cluster)))
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
