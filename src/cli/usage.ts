import type * as CliError from "effect/cli/CliError"
import type * as CliOutput from "effect/cli/CliOutput"
import * as Effect from "effect/Effect"
import { note, paint, paintNote, printNow } from "./output.ts"
import { isTerminal } from "./present/colour.ts"

/** One line for what is wrong with a command line, and one for where to read on: the whole help hides it. */
export const presenter: CliOutput.Presenter = {
  present: (event) =>
    Effect.promise(async () => {
      switch (event._tag) {
        case "InvalidInvocation":
          for (const error of event.errors) note(`${paintNote("red", "dag:")} ${explain(error)}`)
          return note(`see ${event.commandPath.join(" ")} --help`)
        case "Version":
          return printNow(`${event.name} v${event.version}`)
        case "Help": {
          const { helpText } = await import("./present/help.ts")
          return printNow(helpText(event.helpDoc, paint, isTerminal(1) ? process.stdout.columns || 80 : 100))
        }
      }
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
