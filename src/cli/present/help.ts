import type { FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Option from "effect/Option"
import type { Paint } from "./colour.ts"
import { visibleWidth } from "./text.ts"

/** Names wider than this stand on a line of their own, so that one long flag does not push all text to the right. */
const NAME_MOST = 28

interface Row {
  readonly name: string
  readonly text: string
}

/** Cuts text at blanks into lines of at most `room` letters. */
const wrap = (text: string, room: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line]
}

const table = (rows: ReadonlyArray<Row>, room: number): ReadonlyArray<string> => {
  const widths = rows.map(({ name }) => visibleWidth(name)).filter((width) => width <= NAME_MOST)
  const column = Math.max(0, ...widths) + 2
  return rows.flatMap(({ name, text }) => {
    const [first, ...rest] = wrap(text, Math.max(30, room - column - 2))
    const blank = " ".repeat(column + 2)
    const indented = rest.map((line) => blank + line)
    const width = visibleWidth(name)
    return width > NAME_MOST
      ? [`  ${name}`, blank + first, ...indented]
      : [`  ${name}${" ".repeat(column - width)}${first}`, ...indented]
  })
}

/** The help of a command for a person, `room` letters wide. */
export const helpText = (doc: HelpDoc, paint: Paint, room: number): string => {
  const parts: Array<ReadonlyArray<string>> = []
  const section = (title: string, lines: ReadonlyArray<string>): void => {
    if (lines.length > 0) parts.push([paint("bold", title), ...lines])
  }
  const flags = (docs: ReadonlyArray<FlagDoc>): ReadonlyArray<string> =>
    table(
      docs.map(({ name, aliases, type, description }) => {
        const names = [`--${name}`, ...aliases].map((one) => paint("green", one)).join(", ")
        // Choices are told by the description, where there are many.
        const value = type === "boolean" ? "" : ` ${paint("dim", type.includes("|") ? "NAME" : type)}`
        return { name: names + value, text: Option.getOrElse(description, () => "") }
      }),
      room,
    )
  if (doc.description !== "") parts.push(wrap(doc.description, room))
  section("USAGE", [`  ${paint("cyan", doc.usage)}`])
  section(
    "ARGUMENTS",
    table(
      (doc.args ?? []).map(({ name, required, variadic, description }) => ({
        name: paint("green", variadic ? `${name}...` : name),
        text: `${Option.getOrElse(description, () => "")}${required ? "" : " (optional)"}`,
      })),
      room,
    ),
  )
  for (const { group, commands } of doc.subcommands ?? []) {
    section(
      group ?? "COMMANDS",
      table(
        commands.map(({ name, alias, description, shortDescription }) => ({
          name: paint("cyan", alias === undefined ? name : `${name}, ${alias}`),
          text: shortDescription ?? description,
        })),
        room,
      ),
    )
  }
  section("FLAGS", flags(doc.flags))
  section("FLAGS OF EVERY COMMAND", flags([...(doc.inheritedFlags ?? []), ...(doc.globalFlags ?? [])]))
  section(
    "EXAMPLES",
    (doc.examples ?? []).flatMap(({ command, description }) => [
      ...(description === undefined ? [] : [`  ${paint("dim", `# ${description}`)}`]),
      `  ${paint("cyan", command)}`,
    ]),
  )
  return parts.map((lines) => lines.join("\n")).join("\n\n")
}
