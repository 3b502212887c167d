import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { print, printJson } from "../output.ts"
import { plural } from "../present/text.ts"
import { documentFlags, root } from "../root.ts"
import { loadDocumentModule, openSession } from "../session.ts"

export const validate = Command.make(
  "validate",
  documentFlags,
  Effect.fnUntraced(function* (flags) {
    const globals = yield* root
    const { graph } = yield* openSession(globals, flags)
    // Without a choice, every profile is checked too: each is a document of its own.
    const { openDocument } = yield* loadDocumentModule
    const { profiles } = yield* openDocument({ file: globals.file, env: process.env })
    const others = flags.profile.length === 0 ? profiles : []
    for (const profile of others) {
      yield* openSession({ ...globals, quiet: true }, { ...flags, profile: [profile] })
    }
    const names = new Set(graph.nodes.map((node) => node.name))
    if (globals.json) {
      yield* printJson({
        ok: true,
        pipeline: graph.pipeline,
        nodes: names.size,
        instances: graph.nodes.length,
        profiles,
        warnings: graph.warnings,
      })
      return
    }
    const instances = graph.nodes.length === names.size ? "" : ` (${plural(graph.nodes.length, "instance")})`
    const laid = others.length === 0 ? "" : `, with each profile too: ${others.join(", ")}`
    yield* print(
      `${globals.file}: ${graph.pipeline} is right, ${plural(names.size, "node")}${instances}${laid}`,
    )
  }),
).pipe(Command.withDescription("Check the document and every profile of it"))
