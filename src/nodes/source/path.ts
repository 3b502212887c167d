import * as Schema from "effect/Schema"
import { defineNode } from "../../runtime/node.ts"
import { Files } from "../../schema/artifact.ts"

const Params = Schema.Struct({
  path: Schema.String.check(Schema.isMinLength(1)).annotate({
    description: "file or folder, relative to the project; links in it stand for what they point at",
  }),
})

export default defineNode({
  type: "source.path",
  description:
    "A file or folder of the project, by content: what needs it runs again when a byte of it changes.",
  outputs: { files: Files },
  params: Params,
  files: ({ path }) => ({ path }),
  pathParams: ["path"],
  run: async ({ context }) => ({ files: await context.capture(context.files["path"]) }),
})
