import * as Command from "effect/cli/Command"
import { gcCommand } from "./cache-gc.ts"
import { statsCommand } from "./cache-stats.ts"
import { verifyCommand } from "./cache-verify.ts"

export const cache = Command.make("cache").pipe(
  Command.withDescription("The store: how full, whether whole, and freeing it"),
  Command.withSubcommands([statsCommand, verifyCommand, gcCommand]),
)
