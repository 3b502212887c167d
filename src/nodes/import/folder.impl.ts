import { createReadStream } from "node:fs"
import type { RunFunction } from "../../runtime/node.ts"
import type { Reject, Sample } from "../../schema/sample.ts"
import { readCsv } from "./csv.ts"
import type { inputs, outputs, Params } from "./folder.ts"
import { listed, tally } from "./labels.ts"
import { pictureOf, withLabel, type LabelledSample } from "./picture.ts"
import { ImportError, openSource, plainPath, type SourceFile } from "./source.ts"

/** What the csv says of a picture. */
interface Entry {
  readonly line: number
  readonly label: string
  readonly subject: string | undefined
  readonly givenSplit: string | undefined
}

const readLabels = async (pieces: AsyncIterable<Uint8Array>, name: string, params: Params) => {
  const { fileColumn, labelColumn, subjectColumn, splitColumn, delimiter } = params
  const columns = [fileColumn, labelColumn, subjectColumn, splitColumn].filter(
    (column) => column !== undefined,
  )
  const entries = new Map<string, Entry>()
  const bad: Array<Reject> = []
  for await (const { line, fields } of readCsv(pieces, { name, delimiter, columns })) {
    const stated = fields[fileColumn] ?? ""
    const path = plainPath(stated)
    const refuse = (reason: string, detail: string): void => {
      bad.push({
        id: `${params.set}-line-${line}`,
        reason,
        detail: `${name}, line ${line}: ${detail}`,
        url: stated,
      })
    }
    if (path === undefined) refuse("malformed-row", `${JSON.stringify(stated)} is no path within the folder`)
    else if (entries.has(path))
      refuse("repeated-row", `${path} is on line ${entries.get(path)!.line} already`)
    else
      entries.set(path, {
        line,
        label: fields[labelColumn] ?? "",
        subject: subjectColumn === undefined ? undefined : fields[subjectColumn] || undefined,
        givenSplit: splitColumn === undefined ? undefined : fields[splitColumn] || undefined,
      })
  }
  return { entries, bad }
}

/** The folder a picture lies in, by name; undefined at the top. */
const folderOf = (path: string): string | undefined => path.split("/").at(-2)

/** Files beside pictures that nobody takes for pictures. */
const aside =
  /\.(csv|tsv|txt|md|json|jsonl|xml|ya?ml|html?|pdf|npy|npz|mat|py|sh)$|(^|\/)(LICEN[CS]E|README)[^/]*$/i

const run = async ({
  inputs: { files },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const { set, csvEntry, labelsFrom, labels = {}, licence, generated, maxBytes } = params
  const source = await openSource(context.files["data"], files)
  const csvPath = context.files["csv"]
  const hasCsv = csvPath !== undefined || csvEntry !== undefined
  if (labelsFrom === "csv" && !hasCsv)
    throw new ImportError("labelsFrom is csv: name it with `csv` or `csvEntry`")
  const byCsv = labelsFrom === "csv" || (labelsFrom === "auto" && hasCsv)

  // Of a tar the csv may come after the pictures: these are kept first and joined with their labels below.
  const found: Array<readonly [path: string, row: Sample | Reject]> = []
  let table: Awaited<ReturnType<typeof readLabels>> | undefined
  if (byCsv && csvPath !== undefined) table = await readLabels(createReadStream(csvPath), "the csv", params)
  const picture = async (file: SourceFile): Promise<Sample | Reject> => {
    const id = `${set}-${file.path}`
    if (file.bytes > maxBytes)
      return {
        id,
        reason: "too-large",
        detail: `${file.bytes} bytes; maxBytes is ${maxBytes}`,
        url: file.path,
      }
    return pictureOf(file, { id, set, generated }, context.blobs)
  }
  for await (const file of source.files()) {
    if (file.path === csvEntry) {
      if (byCsv) table = await readLabels(file.pieces(), csvEntry, params)
    } else if (!aside.test(file.path)) found.push([file.path, await picture(file)])
  }
  if (byCsv && table === undefined) throw new ImportError(`no file ${csvEntry ?? ""} in the source`)
  if (found.length === 0) throw new ImportError("no pictures found")

  const images: Array<LabelledSample> = []
  const unlabelled: Array<Sample> = []
  const rejected: Array<Reject> = [...(table?.bad ?? [])]
  const seen = new Set<string>()
  for (const [path, row] of found) {
    seen.add(path)
    if ("reason" in row) {
      rejected.push(row)
      continue
    }
    const entry = table?.entries.get(path)
    const stated = byCsv ? entry?.label : labelsFrom === "none" ? undefined : folderOf(path)
    const full: Sample = {
      ...row,
      ...(licence === undefined ? {} : { licence }),
      ...(entry?.subject === undefined ? {} : { subject: entry.subject }),
      ...(entry?.givenSplit === undefined ? {} : { givenSplit: entry.givenSplit }),
    }
    if (stated === undefined || stated === "") unlabelled.push(full)
    else images.push(withLabel(full, Object.hasOwn(labels, stated) ? labels[stated] : stated))
  }
  for (const [path, { line, label }] of table?.entries ?? [])
    if (!seen.has(path))
      rejected.push({
        id: `${set}-line-${line}`,
        reason: "missing-file",
        detail: `line ${line} names ${path}, which is not there`,
        url: path,
        ...(label === "" ? {} : { label }),
      })
  context.log(
    `${set}: ${images.length} pictures: ${listed(tally(images.map(({ label }) => label)))}; ${unlabelled.length} without a label, ${rejected.length} rejected`,
  )
  if (byCsv && images.length === 0)
    context.log(
      `${set}: WARNING: no picture has a label: does the column ${params.fileColumn} hold paths within the folder?`,
    )
  return { images, unlabelled, rejected }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
