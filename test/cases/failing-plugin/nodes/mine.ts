import { Json, Schema, defineNode } from "facet"

export default defineNode({
  type: "mine.fails",
  description: "Fails.",
  outputs: { value: Json },
  params: Schema.Struct({ text: Schema.String }),
  run: ({ params }) => {
    throw new Error(`nothing can be made of "${params.text}"`)
  },
})
