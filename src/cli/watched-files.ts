import { resolve } from "node:path"
import * as Effect from "effect/Effect"
import { projectOf } from "../runtime/document/project.ts"
import { documentModule } from "./open-document.ts"
import type { Globals, Session } from "./session.ts"
import type { Watched } from "./watch.ts"

/** All that a run of a checked document reads: the document, what its plugins are made of, what its nodes declare. */
export const filesOfSession = (globals: Globals, { graph, catalogue }: Session): ReadonlyArray<Watched> => {
  const all: Array<Watched> = [{ path: resolve(globals.file), kind: "file" }]
  for (const { origin } of catalogue.values()) {
    if (origin.kind !== "plugin") continue
    for (const path of Object.keys(origin.contents)) all.push({ path, kind: "file" })
  }
  const declared = new Set<string>()
  for (const { definition, params } of graph.nodes) {
    for (const path of Object.values(definition.files?.(params as never) ?? {}))
      declared.add(resolve(graph.root, path))
  }
  for (const path of declared) all.push({ path, kind: "any" })
  return all
}

/** The same as far as it is known of a document that is not right: itself, its plugins and what lies beside them. */
export const filesOfBroken = Effect.fnUntraced(function* (globals: Globals) {
  const { openDocument } = yield* documentModule
  const root = projectOf(globals.file)
  const plugins = yield* openDocument({ file: globals.file, env: process.env }).pipe(
    Effect.map((envelope) => envelope.plugins),
    Effect.orElseSucceed(() => []),
  )
  return [
    { path: resolve(globals.file), kind: "file" },
    ...plugins.map(({ path }) => ({ path: resolve(root, path), kind: "beside" as const })),
  ] satisfies ReadonlyArray<Watched>
})
