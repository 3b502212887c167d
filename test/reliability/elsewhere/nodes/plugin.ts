import { defineNode, Schema, table, type NodeDefinition } from "facet"

const Words = table("Words", Schema.Struct({ id: Schema.String, local: Schema.optionalKey(Schema.String) }))

const types: ReadonlyArray<NodeDefinition> = [
  defineNode({
    type: "elsewhere.words",
    description: "Words that languages sort in their own ways, in no order.",
    outputs: { words: Words },
    run: () => ({
      words: ["ı", "i", "I", "İ", "z", "ä", "a", "Z", "ß", "ss", "1", "10", "2"].map((id) => ({ id })),
    }),
  }),
  defineNode({
    type: "elsewhere.local",
    description: "What depends on time zone and language, where nobody sees to it.",
    inputs: { rows: Words },
    outputs: { rows: Words },
    map: { over: "rows", impl: () => import("./local.impl.ts") },
  }),
]
export default types
