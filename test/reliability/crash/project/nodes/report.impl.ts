import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { NodeContext, TableHandle } from "facet"

interface Call {
  readonly inputs: {
    readonly rows: TableHandle<{
      readonly id: string
      readonly blob: { readonly $blob: never; readonly bytes: number }
    }>
  }
  readonly context: NodeContext
}

export default async ({ inputs, context }: Call) => {
  const folder = join(await context.scratch(), "report")
  mkdirSync(join(folder, "blobs"), { recursive: true })
  const rows = await inputs.rows.all()
  context.log(`${rows.length} rows`)
  writeFileSync(join(folder, "index.html"), `<ul>${rows.map(({ id }) => `<li>${id}`).join("")}</ul>`)
  for (const { id, blob } of rows.slice(0, 6))
    writeFileSync(join(folder, "blobs", id), await context.blobs.get(blob))
  return { report: folder }
}
