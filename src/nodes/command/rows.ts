import { createReadStream, realpathSync } from "node:fs"
import { join, sep } from "node:path"
import { createInterface } from "node:readline"
import type { NodeContext, OpenInput, OpenInputs } from "../../runtime/node.ts"
import { blobsIn, type BlobRef } from "../../schema/blob.ts"
import { OutputError, parseJson } from "./output-error.ts"

interface Source {
  /** The file of the rows, and its path in the scratch folder. */
  readonly file: string
  readonly path: string
  readonly folder: string
  /** The folder, in the scratch folder, of the files that rows may name. */
  readonly files: string | undefined
  readonly inputs: OpenInputs
  readonly context: NodeContext
}

/**
 * The rows of a table, one a line. `{ "$blob": … }` in a row is a blob of an input table, unchanged; `{ "$file":
 * PATH }` (with `media`) a file that the program left in the folder declared for it, which becomes a blob.
 * @throws OutputError for a line that is no such row, with its number
 */
export async function* readRows(source: Source): AsyncGenerator<{ readonly id: string }> {
  const { file, path, inputs } = source
  const own = new Set<string>()
  let known: ReadonlySet<string> | undefined
  let count = 0
  for await (const line of createInterface({ input: createReadStream(file) })) {
    count++
    if (line.trim() === "") continue
    const where = `${path}, line ${count}`
    const row = await withFiles(parseJson(line, where), where, source, own)
    if (!isRecord(row) || typeof row["id"] !== "string")
      throw new OutputError(`${where}: a row of a table is an object with a text "id"`)
    for (const digest of blobsIn(row)) {
      if (own.has(digest)) continue
      known ??= await blobsOf(inputs)
      if (!known.has(digest)) throw new OutputError(`${where}: no row of an input names the blob ${digest}`)
    }
    yield { ...row, id: row["id"] }
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** A value with the files it names put into the store. */
const withFiles = async (
  value: unknown,
  where: string,
  source: Source,
  own: Set<string>,
): Promise<unknown> => {
  if (Array.isArray(value)) {
    const parts: Array<unknown> = []
    for (const part of value) parts.push(await withFiles(part, where, source, own))
    return parts
  }
  if (!isRecord(value)) return value
  if (typeof value["$file"] === "string") {
    const ref = await putFile(value["$file"], value["media"], where, source)
    own.add(ref.$blob)
    return ref
  }
  const entries: Array<readonly [string, unknown]> = []
  for (const [key, part] of Object.entries(value))
    entries.push([key, await withFiles(part, where, source, own)])
  return Object.fromEntries(entries)
}

const putFile = (
  name: string,
  media: unknown,
  where: string,
  { folder, files, context }: Source,
): Promise<BlobRef> => {
  if (files === undefined)
    throw new OutputError(
      `${where} names the file ${name}: say where such files are, as \`files\` of the output`,
    )
  let path
  try {
    path = realpathSync(join(folder, name))
  } catch {
    throw new OutputError(`${where}: there is no file ${name}`)
  }
  if (!path.startsWith(realpathSync(join(folder, files)) + sep))
    throw new OutputError(`${where}: the file ${name} is not in ${files}`)
  return context.blobs.putFile(path, typeof media === "string" ? media : undefined)
}

/** Every blob that the rows of the inputs name. */
const blobsOf = async (inputs: OpenInputs): Promise<ReadonlySet<string>> => {
  const found = new Set<string>()
  const add = async (input: OpenInput): Promise<void> => {
    if (input.kind !== "table") return
    for await (const row of input.value.stream()) for (const digest of blobsIn(row)) found.add(digest)
  }
  for (const input of Object.values(inputs)) {
    if ("kind" in input) await add(input)
    else for (const { value } of input) await add(value)
  }
  return found
}
