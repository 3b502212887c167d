import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { NodeContext, OpenInputs } from "../../runtime/node.ts"
import { leftovers } from "../../runtime/program/leftovers.ts"
import { OutputError, parseJson } from "./output-error.ts"
import { outputOf, outputTypes, type Params } from "./params.ts"
import { readRows } from "./rows.ts"

/**
 * Takes what the program left behind: the declared outputs by port, each of its type. What is there besides is
 * named in a warning. `given`: names in the scratch folder that are not the program's.
 */
export const takeOutputs = async (
  params: Params,
  inputs: OpenInputs,
  folder: string,
  given: ReadonlyArray<string>,
  context: NodeContext,
): Promise<Readonly<Record<string, unknown>>> => {
  const declared = Object.entries(params.outputs).map(([port, output]) => ({ port, ...outputOf(output) }))
  const rest = leftovers(folder, [...given, ...declared.flatMap(({ path, files }) => [path, files ?? path])])
  const missing = declared.filter(({ path }) => !existsSync(join(folder, path)))
  if (missing.length > 0) {
    const names = missing.map(({ port, path }) => `${path} (output ${port})`).join(", ")
    throw new OutputError(
      `the program ended well but did not leave ${names}${rest.length === 0 ? " or anything else" : `; it left ${some(rest)}`}`,
    )
  }
  const taken: Record<string, unknown> = {}
  for (const { port, path, type, files } of declared) {
    const { kind } = outputTypes[type]
    const file = join(folder, path)
    if (kind === "files") taken[port] = await context.capture(file, { within: folder })
    else if (kind === "json") taken[port] = await readJson(file, path)
    else taken[port] = readRows({ file, path, folder, files, inputs, context })
  }
  if (rest.length > 0)
    context.warn(
      `the program left ${some(rest)} behind, which no output names: it is gone with the scratch folder`,
    )
  return taken
}

const some = (names: ReadonlyArray<string>): string =>
  names.length <= 5 ? names.join(", ") : `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`

const readJson = async (file: string, path: string): Promise<unknown> =>
  parseJson(await readFile(file, "utf8"), path)
