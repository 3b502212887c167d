import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { printJson } from "../output.ts"
import { root } from "../root.ts"
import { loadDocumentModule, availableTypes } from "../session.ts"

export const schema = Command.make(
  "schema",
  {},
  Effect.fnUntraced(function* () {
    const catalogue = yield* availableTypes(yield* root)
    const { editorSchema } = yield* loadDocumentModule
    yield* printJson(editorSchema(catalogue))
  }),
).pipe(Command.withDescription("Print the JSON Schema of documents, for editors"))
