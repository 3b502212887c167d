import { BlobRef, defineNode, Files, Json, list, Schema, table, type NodeDefinition } from "facet"
import { bytesOf } from "./bytes.ts"

const Rows = table(
  "Rows",
  Schema.Struct({ id: Schema.String, n: Schema.Int, blob: BlobRef, note: Schema.optionalKey(Schema.String) }),
)

const types: ReadonlyArray<NodeDefinition> = [
  defineNode({
    type: "crash.rows",
    description: "Rows with a blob each; every twelfth is a file of its own.",
    outputs: { rows: Rows },
    params: Schema.Struct({ count: Schema.Int }),
    run: async ({ params, context }) => {
      const rows = []
      for (let n = 0; n < params.count; n++)
        rows.push({
          id: `r${n}`,
          n,
          blob: await context.blobs.put(bytesOf(n, n % 12 === 7 ? 1_200_000 : 2_000 + n)),
        })
      return { rows }
    },
  }),
  defineNode({
    type: "crash.shade",
    description: "Another blob for each row, in a worker process.",
    inputs: { rows: Rows },
    outputs: { rows: Rows },
    params: Schema.Struct({ shade: Schema.Int }),
    map: { over: "rows", impl: () => import("./shade.impl.ts") },
  }),
  defineNode({
    type: "crash.report",
    description: "Files for a person.",
    inputs: { rows: Rows },
    outputs: { report: Files },
    present: ["report"],
    impl: () => import("./report.impl.ts"),
  }),
  defineNode({
    type: "crash.sizes",
    description: "How large the blobs are.",
    inputs: { sets: list(Rows) },
    outputs: { sizes: Json },
    run: async ({ inputs, context }) => {
      let bytes = 0
      for (const { value } of inputs.sets)
        for await (const row of value.stream()) bytes += (await context.blobs.get(row.blob)).length
      context.log(`${bytes} bytes`)
      return { sizes: { bytes } }
    },
  }),
]
export default types
