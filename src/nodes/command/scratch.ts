import { once } from "node:events"
import { createWriteStream } from "node:fs"
import { chmod, cp, copyFile, mkdir, stat, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { NodeContext, OpenInput, OpenInputs, OpenMember } from "../../runtime/node.ts"
import { blobsIn } from "../../schema/blob.ts"
import { canonical } from "../../schema/json.ts"
import type { Digest } from "../../schema/digest.ts"

/** What an input is called: `raw`, `table.jsonl`, `figures.json`. */
const fileName = (name: string, { kind }: OpenInput): string =>
  kind === "files" ? name : `${name}.${kind === "table" ? "jsonl" : "json"}`

/** `train-lr=0.1,model=x` for an instance: no sign that a shell would take for a pattern. */
const plainName = (node: string): string => node.replace("[", "-").replaceAll("]", "")

/** Members of a list by the names of their nodes, with the port where one node feeds several. */
const memberNames = (members: ReadonlyArray<OpenMember>): ReadonlyArray<string> => {
  const names = members.map(({ node, port }) => {
    const several = members.filter((other) => other.node === node).length > 1
    return several ? `${plainName(node)}.${port}` : plainName(node)
  })
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`two of the inputs would be called ${twice}`)
  return names
}

/**
 * Lays the inputs read-only into the scratch folder and gives the top-level names they take there. `withBlobs`: the
 * blobs that the rows of a table name go beside it.
 */
export const layInputs = async (
  inputs: OpenInputs,
  folder: string,
  context: NodeContext,
  withBlobs: boolean,
): Promise<ReadonlyArray<string>> => {
  const names: Array<string> = []
  for (const [port, input] of Object.entries(inputs)) {
    if ("kind" in input) {
      names.push(fileName(port, input), `${port}.blobs`)
      await layInput(input, join(folder, port), context, withBlobs)
      continue
    }
    names.push(port)
    await mkdir(join(folder, port))
    const members = memberNames(input)
    for (const [index, { value }] of input.entries())
      await layInput(value, join(folder, port, members[index]), context, withBlobs)
  }
  return names
}

const layInput = async (
  input: OpenInput,
  at: string,
  context: NodeContext,
  withBlobs: boolean,
): Promise<void> => {
  const path = join(dirname(at), fileName(at.slice(dirname(at).length + 1), input))
  if (input.kind === "files") return input.value.layAt(path)
  if (input.kind === "json") return writeFile(path, `${canonical(input.value)}\n`, { mode: 0o444 })
  await writeLines(input.value.jsonl(), path)
  if (withBlobs) await layBlobs(input, `${at}.blobs`, context)
}

const writeLines = async (pieces: AsyncIterable<Uint8Array>, path: string): Promise<void> => {
  const file = createWriteStream(path, { mode: 0o444, flags: "wx" })
  const closed = once(file, "close")
  for await (const piece of pieces) if (!file.write(piece)) await once(file, "drain")
  file.end()
  await closed
}

const layBlobs = async (
  { value }: Extract<OpenInput, { readonly kind: "table" }>,
  folder: string,
  { blobs, signal }: NodeContext,
): Promise<void> => {
  await mkdir(folder)
  const seen = new Set<Digest>()
  for await (const row of value.stream()) {
    signal.throwIfAborted()
    for (const digest of blobsIn(row)) {
      if (seen.has(digest)) continue
      seen.add(digest)
      const path = join(folder, digest)
      await blobs.copyTo({ $blob: digest, bytes: 0 }, path)
      await chmod(path, 0o444)
    }
  }
}

/**
 * Copies files and folders of the project beside the inputs, by name. A single file is executable whatever it is in
 * the project, since that is no part of its content.
 */
export const layCode = async (files: Readonly<Record<string, string>>, folder: string): Promise<void> => {
  for (const [name, path] of Object.entries(files)) {
    const target = join(folder, name)
    if ((await stat(path)).isDirectory()) await cp(path, target, { recursive: true, dereference: true })
    else {
      await copyFile(path, target)
      await chmod(target, 0o555)
    }
  }
}
