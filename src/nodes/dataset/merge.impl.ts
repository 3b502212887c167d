import type { TableHandle } from "../../runtime/handles.ts"
import type { RunFunction } from "../../runtime/node.ts"
import type { Reject, Sample } from "../../schema/sample.ts"
import type { inputs, outputs, Params } from "./merge.ts"
import { translate, type Ontology } from "./ontology.ts"

type LabelledSample = Sample & { readonly label: string }

/** Mapping nodes named in `labels` or `classes` can't be told from misspelt ones, but what they map to can. */
export class MergeError extends Error {
  readonly _tag = "MergeError"
  override readonly name = "MergeError"
}

const checked = ({ classes, labels }: Ontology): Ontology => {
  if (classes === undefined) return { labels }
  for (const [from, to] of Object.entries(labels))
    if (to !== null && !classes.includes(to))
      throw new MergeError(
        `labels: ${JSON.stringify(from)} is mapped to ${JSON.stringify(to)}, which is no class`,
      )
  return { classes, labels }
}

/** A row in the words of the ontology, or why it has no place in it. */
export const place = (row: Sample, ontology: Ontology): LabelledSample | Reject => {
  const reject = (reason: string, detail?: string): Reject => ({
    id: row.id,
    reason,
    ...(detail === undefined ? {} : { detail }),
    url: row.source.url,
    image: row.image,
    ...(row.label === undefined ? {} : { label: row.label }),
  })
  if (row.label === undefined) return reject("no-label")
  const label = translate(row.label, ontology)
  if (label === undefined) return reject("unknown-label", `${row.label} is no class and not mapped to one`)
  if (label === null) return reject("label-dropped", row.label)
  const claims = row.claims?.flatMap((claim) => {
    const meant = translate(claim.label, ontology)
    return meant === null ? [] : [{ ...claim, label: meant ?? claim.label }]
  })
  return { ...row, label, ...(claims === undefined ? {} : { claims }) }
}

/** Ids that occur in more than one of the sets. */
const collisions = async (sets: ReadonlyArray<TableHandle<Sample>>): Promise<ReadonlySet<string>> => {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const set of sets)
    for await (const { id } of set.stream()) {
      if (seen.has(id)) twice.add(id)
      seen.add(id)
    }
  return twice
}

const run = async ({
  inputs: { sets },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const ontology = checked(params)
  const twice = await collisions(sets.map(({ value }) => value))
  const names = sets.map(({ node }, k) =>
    sets.findIndex((other) => other.node === node) === k ? node : `${node}.${k}`,
  )
  /** Rows with ids of their own: an id that several sets have gets the set's name in front, in each of them. */
  const rows = async function* () {
    for (const [k, { value }] of sets.entries()) {
      const own = (id: string): string => (twice.has(id) ? `${names[k]}:${id}` : id)
      for await (const row of value.stream()) {
        const renamed = {
          ...row,
          id: own(row.id),
          ...(row.parent === undefined ? {} : { parent: own(row.parent) }),
        }
        yield place(renamed, ontology)
      }
    }
  }
  const images = async function* (): AsyncGenerator<LabelledSample> {
    for await (const row of rows()) if (!("reason" in row)) yield row
  }
  const rejected: Array<Reject> = []
  let kept = 0
  for await (const row of rows()) {
    if ("reason" in row) rejected.push(row)
    else kept++
  }
  context.log(`${kept} pictures of ${sets.length} sets, ${rejected.length} rejected`)
  if (twice.size > 0)
    context.log(`${twice.size} ids occur in several sets and were told apart by the set's name`)
  return { images: images(), rejected }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
