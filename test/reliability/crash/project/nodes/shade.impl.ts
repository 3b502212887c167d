import type { NodeContext } from "facet"

interface Call {
  readonly item: { readonly n: number; readonly blob: { readonly $blob: never; readonly bytes: number } }
  readonly params: { readonly shade: number }
  readonly context: NodeContext
}

export default async ({ item, params, context }: Call) => {
  const bytes = await context.blobs.get(item.blob)
  if (item.n % 9 === 4) return { rows: [], rejected: [{ reason: "pale" }] }
  if (item.n % 8 === 0) context.log(`shading ${item.n}`)
  return {
    blob: await context.blobs.put(bytes.map((byte) => byte ^ params.shade)),
    note: `shade ${params.shade}`,
  }
}
