import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import { print, printJson } from "../output.ts"
import { documentFlags, root } from "../root.ts"
import { openSession } from "../session.ts"

export const graph = Command.make(
  "graph",
  {
    ...documentFlags,
    format: Flag.Literals("format", ["mermaid", "dot", "svg"]).pipe(
      Flag.withDescription("How to draw it"),
      Flag.withDefault("mermaid"),
    ),
  },
  Effect.fnUntraced(function* (flags) {
    const globals = yield* root
    const { graph } = yield* openSession(globals, flags)
    const { dot, edgesOf, mermaid } = yield* Effect.promise(() => import("../picture/text.ts"))
    if (globals.json) {
      const nodes = graph.nodes.map(({ id, name, uses }) => ({ id, name, uses }))
      yield* printJson({ pipeline: graph.pipeline, nodes, edges: edgesOf(graph) })
    } else if (flags.format === "svg") {
      const { svg } = yield* Effect.promise(() => import("../picture/svg.ts"))
      yield* print(svg(graph))
    } else yield* print(flags.format === "dot" ? dot(graph) : mermaid(graph))
  }),
).pipe(Command.withDescription("Draw the graph: as Mermaid, DOT or SVG"))
