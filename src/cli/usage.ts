import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Effect from "effect/Effect"
import { note, paintNote, printNow } from "./output.ts"

/** One line for what is wrong with a command line, and one for where to read on: the whole help hides it. */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    Effect.gen(function* () {
      if (event._tag === "InvalidInvocation") {
        for (const error of event.errors) note(`${paintNote("red", "dag:")} ${explain(error)}`)
        note(`see ${event.commandPath.join(" ")} --help`)
        return
      }
      const formatter = yield* CliOutput.Formatter
      if (event._tag === "Help") printNow(formatter.formatHelpDoc(event.helpDoc))
      else printNow(formatter.formatVersion(event.name, event.version))
    }),
}

const suggestion = (names: ReadonlyArray<string>): string =>
  names.length === 0 ? "" : `; did you mean ${names.join(" or ")}?`

const explain = (error: CliError.NonShowHelpErrors): string => {
  switch (error._tag) {
    case "UnrecognizedOption":
      return `there is no flag ${error.option}${suggestion(error.suggestions)}`
    case "UnknownSubcommand":
      return `there is no command ${error.subcommand}${suggestion(error.suggestions)}`
    case "MissingOption":
      return `the flag --${error.option} is missing`
    case "MissingArgument":
      return `${error.argument} is missing`
    default: {
      const message = error.message.trim()
      return message.charAt(0).toLowerCase() + message.slice(1)
    }
  }
}
