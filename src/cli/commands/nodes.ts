import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { UsageError } from "../failure.ts"
import { paint, print, printJson } from "../output.ts"
import { columns } from "../present/text.ts"
import { root } from "../root.ts"
import { availableTypes, loadDocumentModule } from "../session.ts"

export const nodes = Command.make(
  "nodes",
  { type: Argument.String("type").pipe(Argument.withDescription("A node type"), Argument.optional) },
  Effect.fnUntraced(function* ({ type }) {
    const globals = yield* root
    const catalogue = yield* availableTypes(globals)
    const { describe, typeText } = yield* Effect.promise(() => import("../describe-type.ts"))
    if (Option.isNone(type)) {
      const all = [...catalogue.values()].sort((a, b) => (a.definition.type < b.definition.type ? -1 : 1))
      if (globals.json) return yield* printJson(all.map(describe))
      const rows = all.map(({ definition }) => [paint("bold", definition.type), definition.description])
      return yield* print(`${columns(rows)}\n\n${paint("dim", "dag nodes TYPE shows ports and parameters")}`)
    }
    const entry = catalogue.get(type.value)
    if (entry === undefined) {
      const { suggest } = yield* loadDocumentModule
      return yield* new UsageError({
        message: `there is no node type ${type.value}`,
        hint: suggest(type.value, catalogue.keys(), "node types"),
      })
    }
    return yield* globals.json ? printJson(describe(entry)) : print(typeText(describe(entry)))
  }),
).pipe(Command.withDescription("List the node types, or show one with its ports and parameters"))
