import { mkdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { NodeContext, OpenInputs } from "../../runtime/node.ts"
import { runProgram } from "../../runtime/program/program.ts"
import { takeOutputs } from "./outputs.ts"
import { outputOf, type Params } from "./params.ts"
import { layCode, layInputs } from "./scratch.ts"

interface Call {
  readonly inputs: OpenInputs
  readonly params: Params
  readonly context: NodeContext
}

/** Runs the script of the document in the scratch folder, with nothing around it but what is declared. */
export default async ({ inputs, params, context }: Call): Promise<Readonly<Record<string, unknown>>> => {
  const folder = await context.scratch()
  const names = await layInputs(inputs, folder, context, params.blobs)
  await layCode(context.files, folder)
  for (const output of Object.values(params.outputs)) {
    const { path } = outputOf(output)
    if (path.includes("/")) await mkdir(dirname(join(folder, path)), { recursive: true })
  }
  const program = {
    argv: ["/bin/sh", "-e", "-c", params.run],
    folder,
    environment: { HOME: folder, ...environmentOf(params.env, context.secrets) },
    log: `${folder}.log`,
    tell: context.log,
    signal: context.signal,
  }
  if (context.audit === undefined) await runProgram(program)
  else await (await import("../../runtime/program/watched.ts")).runWatched(program, context.audit)
  return takeOutputs(params, inputs, folder, [...names, ...Object.keys(context.files)], context)
}

/** The declared environment; a secret stands in the parameters by its name only. */
const environmentOf = (
  declared: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(declared).map(([name, value]) => {
      if (typeof value === "object" && value !== null && "$secret" in value)
        return [name, secrets[String(value.$secret)] ?? ""]
      return [name, String(value)]
    }),
  )
