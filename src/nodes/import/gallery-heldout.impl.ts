import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { writeCkPlus } from "../../gallery/heldout-ckplus.ts"
import { writeFer2013 } from "../../gallery/heldout-fer2013.ts"
import { writeMmi } from "../../gallery/heldout-mmi.ts"
import type { RunFunction } from "../../runtime/node.ts"
import type { inputs, outputs, Params } from "./gallery-heldout.ts"

const run = async ({
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const seed = params.seed ?? context.seed
  const { perClass, subjects } = params
  const folder = await context.scratch()
  const place = async (name: string): Promise<string> => {
    const path = join(folder, name)
    await mkdir(path, { recursive: true })
    return path
  }
  const [fer2013, ckplus, mmi] = [await place("fer2013"), await place("ckplus"), await place("mmi")]
  const { rows } = await writeFer2013(fer2013, { seed, perClass })
  context.progress(1, 3, "fer2013")
  const { sequences } = await writeCkPlus(ckplus, { seed, subjects })
  context.progress(2, 3, "ckplus")
  const { sessions } = await writeMmi(mmi, { seed, subjects })
  context.progress(3, 3, "mmi")
  context.log(`drawn: ${rows} rows as FER2013, ${sequences} sequences as CK+, ${sessions} sessions as MMI`)
  return { fer2013, ckplus, mmi }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
